"""The content of an upload equals what was written, in any order; anything else is an error that names the file."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pratique.foundation.ids import new_id
from pratique.foundation.vault import SealBrokenError
from pratique.transfers.spool import header, sealed
from pratique.transfers.spool.header import HEADER_BYTES, NONCE, TAG, Facts, Start, State
from pratique.transfers.spool.sealed import SealedFile

CHUNK = 16
SLOT = CHUNK + NONCE + TAG
KEY = os.urandom(32)
OWNER = os.urandom(32)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "_CHUNKS", (CHUNK,))
    monkeypatch.setattr(sealed, "MOST_HELD", 3)


class Disk:
    """One file, opened again and again as processes do."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{new_id()}.up"
        self.start = Start(1, CHUNK, new_id(), os.urandom(16))
        self.cipher = header.file_cipher(KEY, self.start)
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.file = SealedFile(
            self.fd, self.start, self.cipher, OWNER, Facts("a.csv", State.OPEN, 0, 0), "label"
        )
        self.file.save()

    def reopen(self) -> SealedFile:
        """As another process does: only what lies there counts."""
        block = os.pread(self.fd, HEADER_BYTES, 0)
        start = header.read_start(block, "label")
        cipher = header.file_cipher(KEY, start)
        facts = header.open_facts(block, start, cipher, OWNER, "label")
        self.file = SealedFile(self.fd, start, cipher, OWNER, facts, "label")
        return self.file

    def close(self, state: State = State.COMPLETE) -> None:
        self.file.flush()
        self.file.save(state=state, sure=None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    os.close(made.fd)


_size = st.integers(0, 6 * CHUNK)
_step = st.one_of(
    st.tuples(st.just("write"), _size, st.binary(max_size=4 * CHUNK)),
    st.tuples(st.just("append"), st.just(0), st.binary(max_size=4 * CHUNK)),
    st.tuples(st.just("truncate"), _size, st.just(b"")),
    st.tuples(st.just("reopen"), st.just(0), st.just(b"")),
    st.tuples(st.just("flush"), st.just(0), st.just(b"")),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_step, max_size=14))
def test_any_order_of_writes_cuts_and_reopenings_equals_a_bytearray(tmp_path: Path, steps) -> None:
    disk = Disk(tmp_path)
    model, came = bytearray(), bytearray()
    try:
        for what, at, data in steps:
            if what in ("write", "append"):
                at = len(model) if what == "append" else at
                if data:
                    model.extend(bytes(max(0, at - len(model))))
                    came.extend(bytes(max(0, at - len(came))))
                    model[at : at + len(data)] = data
                    came[at : at + len(data)] = b"\1" * len(data)
                disk.file.write(at, data)
            elif what == "truncate":
                at = min(at, len(model))
                del model[at:], came[at:]
                disk.file.truncate(at)
            elif what == "flush":
                disk.file.flush()
            else:
                disk.close()
                disk.reopen()
            assert disk.file.size == len(model)
            assert disk.file.read(0, len(model) + 1) == bytes(model)
        missing = {at for start, end in disk.file.holes for at in range(start, end)}
        assert missing == {at for at, flag in enumerate(came) if not flag}
        disk.close()
        if not missing:
            assert b"".join(disk.reopen().blocks()) == bytes(model)
    finally:
        os.close(disk.fd)
        disk.path.unlink()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(_step, max_size=6),
    closes=st.booleans(),
    then=st.lists(_step.filter(lambda step: step[0] != "reopen"), max_size=8),
)
def test_what_a_killed_process_left_is_a_beginning_of_what_its_client_sent(
    tmp_path: Path, first, closes: bool, then
) -> None:
    """Whenever it dies: what can be resumed is what the client sent from the first byte on, without a gap.

    Bytes of an upload that was there before count as sent only as far as nothing was written before them.
    """
    disk = Disk(tmp_path)
    model, mine = bytearray(), bytearray()

    def do(what: str, at: int, data: bytes, mark: int) -> None:
        if what == "truncate":
            at = min(at, len(model))
            del model[at:], mine[at:]
            disk.file.truncate(at)
        elif what == "flush":
            disk.file.flush()
        elif data and what != "reopen":
            at = len(model) if what == "append" else at
            model.extend(bytes(max(0, at - len(model))))
            mine.extend(bytes(max(0, at - len(mine))))
            model[at : at + len(data)], mine[at : at + len(data)] = data, bytes([mark]) * len(data)
            disk.file.write(at, data)

    try:
        for what, at, data in first:
            do(what, at, data, 1)
        if closes:
            disk.close()
            disk.reopen()
        for what, at, data in then:
            do(what, at, data, 2)
        file = disk.reopen()  # what was in memory is gone
        if file.facts.state is State.OPEN:
            file.recover()
            assert bytes(model).startswith(file.read(0, file.size))
            assert 0 not in mine[: file.size], "a gap was taken for content"
            kept = bytes(mine[: file.size])
            if closes:
                assert b"\2\1" not in kept, "old bytes follow new ones"
            assert b"".join(disk.reopen().blocks()) == bytes(model[: file.size])
    finally:
        os.close(disk.fd)
        disk.path.unlink()


def test_an_upload_in_order_is_resumable_to_its_last_full_chunk(disk: Disk) -> None:
    for at in range(0, 100, 10):
        disk.file.write(at, bytes(range(at, at + 10)))
    file = disk.reopen()
    file.recover()
    assert (file.size, file.facts.state) == (100 // CHUNK * CHUNK, State.INCOMPLETE)


def test_an_upload_that_breaks_off_over_an_older_one_keeps_nothing_of_the_older(disk: Disk) -> None:
    disk.file.write(0, b"o" * 100)
    disk.close()
    file = disk.reopen()
    file.write(0, b"n" * 40)
    file.settle_broken_off()
    disk.close(State.INCOMPLETE)
    assert disk.reopen().read(0, 200) == b"n" * 40


def _complete(disk: Disk, size: int = 5 * CHUNK + 3) -> bytes:
    content = os.urandom(size)
    disk.file.write(0, content)
    disk.close()
    return content


def _flip(disk: Disk, at: int) -> None:
    (byte,) = os.pread(disk.fd, 1, at)
    os.pwrite(disk.fd, bytes([byte ^ 1]), at)


def _read_whole(disk: Disk) -> bytes:
    return b"".join(disk.reopen().blocks())


def test_every_flipped_byte_is_an_error_that_names_the_file(disk: Disk) -> None:
    _complete(disk)
    for at in range(os.fstat(disk.fd).st_size):
        _flip(disk, at)
        with pytest.raises(SealBrokenError, match="label"):
            _read_whole(disk)
        _flip(disk, at)
    _read_whole(disk)


def test_every_cut_and_every_addition_is_an_error(disk: Disk) -> None:
    _complete(disk)
    whole = os.pread(disk.fd, 1 << 20, 0)
    for length in range(len(whole)):
        os.ftruncate(disk.fd, length)
        with pytest.raises(SealBrokenError):
            _read_whole(disk)
        os.pwrite(disk.fd, whole, 0)
    os.pwrite(disk.fd, b"x", len(whole))
    with pytest.raises(SealBrokenError):
        _read_whole(disk)


def test_exchanged_chunks_are_an_error(disk: Disk) -> None:
    _complete(disk)
    first, second = (os.pread(disk.fd, SLOT, HEADER_BYTES + number * SLOT) for number in (1, 2))
    os.pwrite(disk.fd, second + first, HEADER_BYTES + SLOT)
    with pytest.raises(SealBrokenError):
        _read_whole(disk)


def test_a_chunk_or_a_header_of_another_upload_is_an_error(disk: Disk, tmp_path: Path) -> None:
    other = Disk(tmp_path)
    _complete(other)
    _complete(disk)
    own = os.pread(disk.fd, HEADER_BYTES + SLOT, 0)
    os.pwrite(disk.fd, os.pread(other.fd, SLOT, HEADER_BYTES), HEADER_BYTES)
    with pytest.raises(SealBrokenError):
        _read_whole(disk)
    os.pwrite(disk.fd, own, 0)
    os.pwrite(disk.fd, os.pread(other.fd, HEADER_BYTES, 0), 0)
    with pytest.raises(SealBrokenError):
        _read_whole(disk)
    os.close(other.fd)


def test_another_owner_or_key_cannot_open_a_header(disk: Disk) -> None:
    block = os.pread(disk.fd, HEADER_BYTES, 0)
    with pytest.raises(SealBrokenError):
        header.open_facts(block, disk.start, disk.cipher, os.urandom(32), "label")
    with pytest.raises(SealBrokenError):
        header.open_facts(block, disk.start, AESGCM(os.urandom(32)), OWNER, "label")


@given(
    name=st.text(st.characters(codec="utf-8"), max_size=60),
    numbers=st.lists(st.one_of(st.none(), st.integers(0, 2**40)), min_size=4, max_size=4),
    cuts=st.sets(st.integers(0, 10**6), max_size=60),
)
def test_a_header_says_what_it_was_told(name: str, numbers, cuts) -> None:
    start = Start(3, CHUNK, UUID(int=7), os.urandom(16))
    header._CHUNKS = (CHUNK,)
    cipher = header.file_cipher(KEY, start)
    edges = sorted(cuts)[: len(cuts) // 2 * 2]
    holes = tuple(zip(edges[::2], edges[1::2], strict=True))
    announced, accessed, modified, sure = numbers
    facts = Facts(
        name, State.COMPLETE, 5, 6, 7, announced, accessed, modified, UUID(int=8), None, True, sure, holes, name[:30],
        start.file_id,
    )  # fmt: skip
    block = header.seal_facts(start, cipher, OWNER, facts)
    assert len(block) == HEADER_BYTES
    found = header.open_facts(block, header.read_start(block, "x"), cipher, OWNER, "x")
    assert list(found.holes) == list(header.few(holes))
    if len(holes) <= header.MOST_HOLES:
        assert found == facts
