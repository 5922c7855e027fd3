"""What is kept comes back, by stream and by parts, from a folder and from a bucket; or an error that names the file."""

import hashlib
import random
import uuid

import boto3
import pytest

from pratique.foundation import object_storage, vault
from pratique.foundation.storage import (
    BlobStore,
    FileMissingError,
    LocalFolder,
    StorageError,
    blob_store,
    path_of,
)
from pratique.foundation.vault import files, keys, reading, sealing

SCHOOL, OTHER_SCHOOL = uuid.UUID(int=1), uuid.UUID(int=2)
ACCOUNT, OTHER_ACCOUNT = uuid.UUID(int=3), uuid.UUID(int=4)
NAME = f"account-{ACCOUNT}/f1"
CHUNK = sealing.CHUNK_SIZE + sealing.TAG_BYTES
CONTENT = random.Random(1).randbytes(200_000)


def by_stream(store, name=NAME, school=SCHOOL):
    yield from store.stream(institution_id=school, name=name)


def by_reader(store, name=NAME, school=SCHOOL):
    reader = store.reader(institution_id=school, name=name)
    try:
        offset = 0
        while block := reader.read(offset, 32_768):
            yield block
            offset += len(block)
    finally:
        reader.close()


@pytest.fixture(autouse=True)
def newest(monkeypatch):
    """Give each owner data keys made of its name: this is about files, and needs no database. Returns the newest."""
    newest = {"version": 1}

    def key_of(institution_id, owner_id, version, *, name):
        if not 1 <= version <= newest["version"]:
            raise vault.KeyMissingError(name, version)
        secret = hashlib.sha256(institution_id.bytes + owner_id.bytes + bytes([version])).digest()
        return keys.OpenKey(version, secret)

    for module in (files, reading):
        monkeypatch.setattr(module, "key_of", key_of)
    monkeypatch.setattr(files, "newest_key", lambda *owner: key_of(*owner, newest["version"], name=""))
    return newest


BOTH_WAYS = pytest.mark.parametrize("read", [by_stream, by_reader], ids=["stream", "reader"])


def sealed_bytes(store, name=NAME, school=SCHOOL) -> bytes:
    return b"".join(store._place.read(school, name))


def overwrite(store, sealed: bytes, name=NAME, school=SCHOOL) -> None:
    store._place.write(school, name, [sealed])


def put(store, content=CONTENT, name=NAME, school=SCHOOL) -> None:
    store.put(institution_id=school, name=name, content=content)


# --- the contract of a place ---


def test_a_file_comes_back_until_it_is_deleted(store):
    put(store)
    known = {"institution_id": SCHOOL, "name": NAME}
    assert store.get(**known) == CONTENT
    assert store.exists(**known)
    assert store.size(**known) == len(CONTENT) + sealing.HEADER_BYTES + 4 * sealing.TAG_BYTES
    put(store, b"another")
    assert store.get(**known) == b"another"
    assert store.delete(**known)
    assert not store.delete(**known)
    assert not store.exists(**known)
    for method in (store.get, store.size, store.reader, store.reseal, store.key_version):
        with pytest.raises(FileMissingError, match="f1"):
            method(**known)


def test_a_file_is_replaced_whole_or_not_at_all(store):
    put(store, b"first")

    def broken():
        yield bytes(sealing.CHUNK_SIZE * 200)  # more than one part of an upload
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        put(store, broken())
    assert store.get(institution_id=SCHOOL, name=NAME) == b"first"
    assert list(store.names(institution_id=SCHOOL)) == [NAME]


def test_names_by_what_they_begin_with(store):
    for name in ("a1/original", "a1/page-1", "a12/original", "whole", "a", "a/a"):
        put(store, b"", name)
    put(store, b"", "a1/original", OTHER_SCHOOL)

    def names(prefix=""):
        return sorted(store.names(institution_id=SCHOOL, prefix=prefix))

    assert names("a1/") == ["a1/original", "a1/page-1"]
    assert names("a1") == ["a1/original", "a1/page-1", "a12/original"]
    assert len(names()) == 6
    assert names("zz/") == []
    assert store.get(institution_id=SCHOOL, name="a/a") == b""


def test_what_is_replaced_only_if_it_is_still_the_same(store):
    """A file that was put or deleted meanwhile is neither overwritten nor brought back."""
    place = store._place
    put(store)
    before = place.open(SCHOOL, NAME)
    put(store, b"newer")
    assert not place.replace(SCHOOL, NAME, [b"x"], read=before)
    assert store.get(institution_id=SCHOOL, name=NAME) == b"newer"
    before.close()
    before = place.open(SCHOOL, NAME)
    assert place.replace(SCHOOL, NAME, [sealed_bytes(store)], read=before)
    before.close()
    before = place.open(SCHOOL, NAME)
    store.delete(institution_id=SCHOOL, name=NAME)
    assert not place.replace(SCHOOL, NAME, [b"x"], read=before)
    assert not place.replace(SCHOOL, NAME, [bytes(9_000_000)] * 2, read=before)
    before.close()
    assert not store.exists(institution_id=SCHOOL, name=NAME)
    assert list(store.names(institution_id=SCHOOL)) == []


def test_it_says_where_it_is(store):
    assert store.check().startswith(("folder", "bucket"))


# --- reading parts ---


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
def test_any_part_of_a_file_is_what_was_put_there(store, size):
    put(store, CONTENT[:size])
    reader, chance = store.reader(institution_id=SCHOOL, name=NAME), random.Random(size)
    assert reader.size == size
    ranges = [
        (0, size),
        (size, 10),
        (size + 1, 10),
        (0, 0),
        (0, size + 10),
        (max(size - 1, 0), 5),
        (65_530, 12),
    ]
    ranges += [(chance.randrange(size + 1), chance.randrange(150_000)) for _ in range(30)]
    for offset, length in ranges:
        assert reader.read(offset, length) == CONTENT[:size][offset : offset + length], (offset, length)
    reader.close()


def test_only_the_chunks_that_a_range_touches_are_fetched(settings, tmp_path):
    settings.FILES = tmp_path
    store = BlobStore(_Watched())
    put(store, bytes(40) * sealing.CHUNK_SIZE)
    reader = store.reader(institution_id=SCHOOL, name=NAME)
    fetched = store._place.fetched
    fetched.clear()
    reader.read(sealing.CHUNK_SIZE * 20 + 5, 10)
    reader.read(sealing.CHUNK_SIZE * 20 + 500, 10)
    assert fetched == [(sealing.HEADER_BYTES + 20 * CHUNK, CHUNK)]
    reader.close()


class _Watched(object_storage.Bucket):
    """A folder that notes what is asked of its files."""

    def __init__(self):
        self._folder, self.fetched = LocalFolder(), []
        self.write = self._folder.write

    def open(self, institution_id, name):
        file, fetched = self._folder.open(institution_id, name), self.fetched

        class Noted:
            size, close = file.size, staticmethod(file.close)

            @staticmethod
            def read_at(offset, length):
                fetched.append((offset, length))
                return file.read_at(offset, length)

        return Noted()


def test_a_reader_goes_on_while_its_file_is_sealed_anew(store, newest):
    put(store, CONTENT * 20)
    reader = store.reader(institution_id=SCHOOL, name=NAME)
    assert reader.read(0, 10) == CONTENT[:10]
    newest["version"] = 2
    assert store.reseal(institution_id=SCHOOL, name=NAME)
    assert store.key_version(institution_id=SCHOOL, name=NAME) == 2
    assert not store.reseal(institution_id=SCHOOL, name=NAME), "it is under that key already"
    assert b"".join(reader.read(at, 250_000) for at in range(0, reader.size, 250_000)) == CONTENT * 20
    reader.close()
    assert store.get(institution_id=SCHOOL, name=NAME) == CONTENT * 20


def test_a_reader_never_mixes_two_files(store):
    """Whatever is put in its place meanwhile: the file as it was, or an error."""
    put(store, CONTENT * 20)
    reader = store.reader(institution_id=SCHOOL, name=NAME)
    first = reader.read(0, 100)
    put(store, bytes(len(CONTENT) * 20))
    if isinstance(reader._opened, object_storage.BucketFile):
        with pytest.raises(vault.SealBrokenError, match="replaced"):
            reader.read(100, reader.size)
    else:
        assert first + reader.read(100, reader.size) == CONTENT * 20
    reader.close()


# --- what was tampered with ---


def flipped(at):
    return lambda sealed: sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def chunk(sealed, number):
    return sealed[sealing.HEADER_BYTES :][number * CHUNK : (number + 1) * CHUNK]


def exchanged(sealed):
    one, two = chunk(sealed, 0), chunk(sealed, 1)
    return sealed[: sealing.HEADER_BYTES] + two + one + sealed[sealing.HEADER_BYTES + 2 * CHUNK :]


def cut_to(length):
    return lambda sealed: sealed[:length]


DAMAGES = {
    "a flipped byte of the magic": flipped(0),
    "of the format": flipped(4),
    "of the key's version": flipped(8),
    "of the chunk size": flipped(12),
    "of the salt": flipped(20),
    "of the nonce": flipped(sealing.HEADER_BYTES - 1),
    "of the first chunk": flipped(sealing.HEADER_BYTES),
    "of a chunk in the middle": flipped(sealing.HEADER_BYTES + CHUNK + 5),
    "of a tag": flipped(sealing.HEADER_BYTES + 2 * CHUNK - 1),
    "of the last tag": flipped(-1),
    "one byte cut off": lambda sealed: sealed[:-1],
    "the last chunk cut off": cut_to(sealing.HEADER_BYTES + 3 * CHUNK),
    "all but the first chunk cut off": cut_to(sealing.HEADER_BYTES + CHUNK),
    "cut within a tag": cut_to(sealing.HEADER_BYTES + 3 * CHUNK + 7),
    "all chunks cut off": cut_to(sealing.HEADER_BYTES),
    "cut within the header": cut_to(11),
    "emptied": lambda sealed: b"",
    "two chunks exchanged": exchanged,
    "a chunk taken out": lambda s: s[: sealing.HEADER_BYTES + CHUNK] + s[sealing.HEADER_BYTES + 2 * CHUNK :],
    "its last chunk twice": lambda sealed: sealed + chunk(sealed, 3),
    "a byte added": lambda sealed: sealed + b"\0",
    "a tag's length added": lambda sealed: sealed + bytes(16),
}


@BOTH_WAYS
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_an_error_that_names_the_file(store, damage, read):
    put(store)
    overwrite(store, damage(sealed_bytes(store)))
    got = []
    with pytest.raises((vault.SealBrokenError, vault.KeyMissingError), match=NAME):
        got.extend(read(store))
    assert CONTENT.startswith(b"".join(got)), "nothing that was given before is wrong"


@BOTH_WAYS
@pytest.mark.parametrize(
    ("name", "school"),
    [
        (f"account-{ACCOUNT}/f2", SCHOOL),
        (f"account-{OTHER_ACCOUNT}/f1", SCHOOL),
        ("d1/original", SCHOOL),
        (NAME, OTHER_SCHOOL),
    ],
    ids=["to another name", "to another account", "to the institution", "to another institution"],
)
def test_a_file_that_was_moved_is_an_error_that_names_it(store, name, school, read):
    put(store)
    put(store, b"so that there is a key", name, school)
    overwrite(store, sealed_bytes(store), name, school)
    with pytest.raises(vault.SealBrokenError, match=name):
        list(read(store, name, school))


@BOTH_WAYS
def test_a_chunk_of_another_file_does_not_fit(store, read):
    put(store)
    mine = sealed_bytes(store)
    put(store)
    overwrite(
        store, mine[: sealing.HEADER_BYTES + CHUNK] + sealed_bytes(store)[sealing.HEADER_BYTES + CHUNK :]
    )
    with pytest.raises(vault.SealBrokenError, match=NAME):
        list(read(store))


def test_a_cut_file_is_an_error_before_its_first_byte(store):
    put(store)
    overwrite(store, cut_to(sealing.HEADER_BYTES + 3 * CHUNK)(sealed_bytes(store)))
    with pytest.raises(vault.SealBrokenError, match=NAME):
        store.reader(institution_id=SCHOOL, name=NAME)


# --- the bucket alone ---


def test_a_large_file_goes_in_parts_and_is_sealed_in_the_bucket(bucket, aws):
    store = blob_store()
    content = CONTENT * 130  # 26 MB: four parts
    put(store, (content[at : at + 1_000_003] for at in range(0, len(content), 1_000_003)))
    assert b"".join(by_reader(store)) == content
    assert store.get(institution_id=SCHOOL, name=NAME) == content
    client = boto3.client("s3", endpoint_url=aws, region_name="us-east-1")
    (found,) = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"] == f"pratique/files/{SCHOOL}/{path_of(NAME)}", "as in a folder: trees can be copied"
    assert found["ETag"].strip('"').endswith("-4"), "four parts"
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_an_upload_in_parts_that_fails_leaves_nothing(bucket, aws):
    def broken():
        yield bytes(20_000_000)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        put(blob_store(), broken())
    client = boto3.client("s3", endpoint_url=aws, region_name="us-east-1")
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert not client.list_objects_v2(Bucket=bucket).get("Contents")


def test_more_names_than_one_page_of_a_list(bucket, monkeypatch):
    monkeypatch.setattr(object_storage, "_PAGE", 2)
    store = blob_store()
    for number in range(5):
        put(store, b"", f"d{number}/original")
    assert len(set(store.names(institution_id=SCHOOL))) == 5


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("S3_BUCKET", "no-such-bucket-here", "NoSuchBucket.*PRATIQUE_S3_BUCKET"),
        ("S3_ENDPOINT", "http://127.0.0.1:9", "PRATIQUE_S3_ENDPOINT"),
    ],
    ids=["no such bucket", "nobody answers"],
)
def test_a_bucket_that_does_not_answer_says_what_to_do(bucket, settings, monkeypatch, setting, value, words):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    setattr(settings, setting, value)
    known = {"institution_id": SCHOOL, "name": NAME}
    for deed in (
        lambda store: store.get(**known), lambda store: store.reader(**known), lambda store: store.check(),
        lambda store: store.exists(**known), lambda store: store.delete(**known), lambda store: put(store, b"x"),
        lambda store: list(store.names(institution_id=SCHOOL)),
    ):  # fmt: skip
        with pytest.raises(StorageError, match=words) as told:
            deed(blob_store())
        assert not isinstance(told.value, FileMissingError)
