"""The format of sealed files: any change to the bytes is refused."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.foundation.vault import sealing
from pratique.foundation.vault.errors import SealBrokenError

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
INSTITUTION = uuid.UUID(int=7)
CHUNK = 16
HEADER = 52

contents = st.binary(max_size=100)


def seal(content: bytes, *, blocks: int = 1000, name: str = "a/original") -> bytes:
    pieces = [content[start : start + blocks] for start in range(0, len(content), blocks)]
    return b"".join(
        sealing.seal(
            pieces, data_key=KEY, key_version=3, institution_id=INSTITUTION, name=name, chunk_size=CHUNK
        )
    )


def open_(sealed: bytes, *, blocks: int = 1000, name: str = "a/original", key: bytes = KEY) -> bytes:
    pieces = [sealed[start : start + blocks] for start in range(0, len(sealed), blocks)]
    header, rest = sealing.read_header(pieces, name=name)
    return b"".join(sealing.open_sealed(rest, header, data_key=key, institution_id=INSTITUTION, name=name))


@given(contents, st.integers(1, 120), st.integers(1, 200))
def test_any_content_in_any_blocks_comes_back(content, in_blocks, out_blocks):
    assert open_(seal(content, blocks=in_blocks), blocks=out_blocks) == content


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_lengths_around_a_chunk(length):
    sealed = seal(b"x" * length)
    chunks = max(1, -(-length // CHUNK))
    assert len(sealed) == HEADER + length + 16 * chunks
    assert open_(sealed) == b"x" * length


@given(contents, st.data())
def test_any_single_bit_flipped_is_refused(content, data):
    sealed = bytearray(seal(content))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(SealBrokenError, match="a/original"):
        open_(bytes(sealed))


@given(contents, st.data())
def test_any_cut_is_refused(content, data):
    sealed = seal(content)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(SealBrokenError, match="a/original"):
        open_(sealed[:cut])


@given(contents, st.binary(min_size=1, max_size=80))
def test_anything_added_is_refused(content, more):
    with pytest.raises(SealBrokenError):
        open_(seal(content) + more)


@given(st.binary(min_size=3 * CHUNK, max_size=5 * CHUNK), st.data())
def test_two_chunks_exchanged_repeated_or_left_out_are_refused(content, data):
    sealed = seal(content)
    size = CHUNK + 16
    chunks = [sealed[start : start + size] for start in range(HEADER, len(sealed), size)]
    order = data.draw(
        st.lists(st.sampled_from(range(len(chunks))), max_size=len(chunks) + 2).filter(
            lambda order: order != list(range(len(chunks)))
        )
    )
    with pytest.raises(SealBrokenError):
        open_(sealed[:HEADER] + b"".join(chunks[number] for number in order))


def test_chunks_of_two_files_of_one_key_do_not_mix():
    one, two = seal(b"1" * 40), seal(b"2" * 40)
    with pytest.raises(SealBrokenError):
        open_(one[: HEADER + 32] + two[HEADER + 32 :])
    with pytest.raises(SealBrokenError):
        open_(one[:HEADER] + two[HEADER:])


def test_another_name_or_another_key_does_not_open():
    with pytest.raises(SealBrokenError, match="a/page-1"):
        open_(seal(b"x"), name="a/page-1")
    with pytest.raises(SealBrokenError):
        open_(seal(b"x"), key=OTHER_KEY)


def test_a_header_cannot_ask_for_much_memory():
    sealed = bytearray(seal(b"x"))
    sealed[9:13] = b"\xff\xff\xff\xff"
    with pytest.raises(SealBrokenError, match="does not begin"):
        open_(bytes(sealed))
