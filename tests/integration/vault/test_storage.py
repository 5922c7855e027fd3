"""Stored files: on a real disk, sealed, whole or not there."""

import os
import stat
import uuid

import pytest

from pratique.foundation import vault
from pratique.foundation.storage import FileMissingError, blob_store, checked

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def school():
    return uuid.uuid4()


@pytest.fixture
def store(settings, tmp_path):
    settings.FILES = tmp_path / "files"
    return blob_store()


def on_disk(tmp_path):
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_a_file_comes_back_until_it_is_deleted(store, school):
    store.put(institution_id=school, name="a1/original", content=b"scan")
    assert store.get(institution_id=school, name="a1/original") == b"scan"
    assert store.exists(institution_id=school, name="a1/original")
    assert store.size(institution_id=school, name="a1/original") > 4
    assert store.delete(institution_id=school, name="a1/original")
    assert not store.delete(institution_id=school, name="a1/original")
    assert not store.exists(institution_id=school, name="a1/original")
    with pytest.raises(FileMissingError, match="a1/original"):
        store.get(institution_id=school, name="a1/original")
    with pytest.raises(FileMissingError):
        store.size(institution_id=school, name="a1/original")


def test_only_the_owner_may_look_and_nothing_is_in_clear(store, school, tmp_path):
    store.put(institution_id=school, name="a1/original", content=b"scan of a record")
    (path,) = on_disk(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"scan" not in path.read_bytes()
    folder = path.parent
    while folder != tmp_path:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder = folder.parent


def test_a_file_is_replaced_whole(store, school, tmp_path):
    store.put(institution_id=school, name="a1/original", content=b"first")

    def broken():
        yield b"second"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        store.put(institution_id=school, name="a1/original", content=broken())
    assert store.get(institution_id=school, name="a1/original") == b"first"
    assert len(on_disk(tmp_path)) == 1
    store.put(institution_id=school, name="a1/original", content=b"second")
    assert store.get(institution_id=school, name="a1/original") == b"second"


def test_names_by_what_they_begin_with(store, school):
    for name in ("a1/original", "a1/page-1", "a1/page-2", "a12/original", "b2/original", "whole"):
        store.put(institution_id=school, name=name, content=b"")
    store.put(institution_id=uuid.uuid4(), name="a1/original", content=b"another school's")

    def names(prefix=""):
        return sorted(store.names(institution_id=school, prefix=prefix))

    assert names("a1/") == ["a1/original", "a1/page-1", "a1/page-2"]
    assert names("a1/page-") == ["a1/page-1", "a1/page-2"]
    assert names("a1") == ["a1/original", "a1/page-1", "a1/page-2", "a12/original"]
    assert len(names()) == 6
    assert names("../") == names("zz/") == []
    assert store.delete_many(institution_id=school, names=["a1/original", "a1/page-1", "gone/original"]) == 2
    assert names("a1/") == ["a1/page-2"]


def test_a_file_and_its_namesake_folder_stand_side_by_side(store, school):
    for name in ("a", "a/a", "a/a/a"):
        store.put(institution_id=school, name=name, content=name.encode())
    assert sorted(store.names(institution_id=school)) == ["a", "a/a", "a/a/a"]
    assert store.get(institution_id=school, name="a/a") == b"a/a"


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/passwd", "../x", "a/../b", "a/..", "a//b", "a/", ".hidden", "a\\b", "A/b", "a b", "a\0", "é",
     "a/b\n", "a" * 65, "a/b/c/d/e", "a.sealed"],
)  # fmt: skip
def test_a_name_that_could_lead_elsewhere_is_refused(store, school, name):
    with pytest.raises(ValueError, match="named by"):
        checked(name)
    for method in (store.get, store.delete, store.exists):
        with pytest.raises(ValueError, match="named by"):
            method(institution_id=school, name=name)


def test_a_file_that_was_damaged_or_moved_is_told_by_name(store, school, tmp_path):
    store.put(institution_id=school, name="a1/original", content=b"one")
    (path,) = on_disk(tmp_path)
    os.rename(path, path.with_name("page-1.sealed"))
    with pytest.raises(vault.SealBrokenError, match="a1/page-1"):
        store.get(institution_id=school, name="a1/page-1")
