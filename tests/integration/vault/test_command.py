"""`pratique vault`, over real files."""

import json

import pytest
from typer.testing import CliRunner

from pratique.foundation import vault
from pratique.foundation.storage import blob_store
from pratique.interfaces.cli.vault import app
from tests.schools import a_school

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def files(settings, tmp_path):
    settings.FILES = tmp_path / "files"
    vault.forget_keys()
    school, other = a_school("north"), a_school("south")
    for owner, name in [(school, "a1/original"), (school, "a1/page-1"), (other, "b1/original")]:
        blob_store().put(institution_id=owner.id, name=name, content=b"x" * 100_000)
    return settings.FILES


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def path_of(files, name):
    (path,) = files.glob(f"*/*/{name}.sealed")
    return path


def test_status_counts_keys_and_files(files):
    result = run("status", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["provider"] == "local"
    assert [(one["institution"], one["files"], one["keys"]) for one in told["owners"]] == [
        ("north", 2, 1),
        ("south", 1, 1),
    ]
    assert "north: 2 files" in run("status").stdout


def test_verify_finds_all_whole(files):
    result = run("verify")
    assert (result.exit_code, "3 files, 300,000 bytes" in result.stdout) == (0, True), result.output
    assert "all whole" in result.stdout


def flip(path):
    content = bytearray(path.read_bytes())
    content[5_000] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, cut, empty], ids=lambda damage: damage.__name__)
def test_verify_names_the_file_that_is_wrong_and_no_other(files, damage):
    damage(path_of(files, "a1/page-1"))
    result = run("verify")
    assert result.exit_code == 1
    assert "north: The stored file a1/page-1 cannot be opened" in result.stdout
    assert "3 files" in result.stdout
    assert "1 wrong" in result.stdout


def test_verify_finds_a_file_that_was_put_in_anothers_place(files):
    path_of(files, "a1/page-1").replace(path_of(files, "b1/original"))
    told = json.loads(run("verify", "--json").stdout)
    assert told["files"] == 2
    assert [line.split(" cannot")[0] for line in told["wrong"]] == ["south: The stored file b1/original"]


def test_verify_tells_of_a_file_that_is_none_of_ours(files):
    path_of(files, "a1/page-1").with_name("Notes.sealed").write_bytes(b"")
    result = run("verify")
    assert result.exit_code == 1
    assert "a1/Notes" in result.stdout


def test_without_the_master_key_the_remedy_is_told(files, settings, tmp_path):
    settings.VAULT_MASTER_KEY = tmp_path / "gone"
    vault.forget_keys()
    assert run("status").exit_code == 1
    result = run("verify")
    assert result.exit_code == 1
    assert result.stdout.count("Put it back from your backup") == 3
