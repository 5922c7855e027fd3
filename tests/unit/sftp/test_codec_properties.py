"""What holds for whatever a client sends, cut wherever the network cuts it."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from pratique.interfaces.sftp.codec import Codec, Limits
from pratique.interfaces.sftp.framing import Requests
from tests.unit.sftp.packets import INIT, Files, answers, asked, n, q, s

ROOM = 1 << 20
MOST = Limits().packet

NAMES = st.sampled_from([b"/a", b"/b", b"/c", b"", b"/\xff\x00", b"/" + b"x" * 4096])
ODD = st.one_of(st.just(b""), st.binary(max_size=30), st.integers(0, 2**32 - 1).map(n), NAMES.map(s))


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A packet of any type with fields that fit or do not, sometimes with a length that lies."""
    kind = draw(st.one_of(st.integers(3, 20), st.just(200), st.integers(0, 255)))
    fields = draw(st.lists(ODD, max_size=4))
    packet = asked(kind, draw(st.integers(0, 2**32 - 1)), *fields)
    if draw(st.integers(0, 9)) == 0:
        packet = n(draw(st.integers(0, 40))) + packet[4:]
    return packet


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(spoilt(), st.binary(max_size=60)), max_size=12), st.booleans())
def test_whatever_comes_is_answered_or_ends_the_session(packets: list[bytes], greeted: bool) -> None:
    codec = Codec(Files({b"/a": bytearray(b"0123456789")}))
    came = 0
    for packet in ([INIT] if greeted else []) + packets:
        codec.feed(packet)
        came += len(packet)
        while codec.ready:
            codec.at_once()
            answers(codec.process(ROOM))
        assert codec.waiting == 0
        assert len(codec._handles) <= Limits().handles
    assert codec.broken or came < MOST
    codec.end()
    assert not codec._handles


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[str, bytes, bytes, int, bytes]]:
    deeds = st.sampled_from(["put", "append", "get", "stat", "remove", "rename", "replace"])
    names = st.sampled_from([b"/a", b"/b", b"/c"])
    return draw(
        st.lists(st.tuples(deeds, names, names, st.integers(0, 40), st.binary(max_size=20)), max_size=25)
    )


class Client:
    """Asks and waits."""

    def __init__(self) -> None:
        self.codec = Codec(Files())
        self.request = 0
        self.codec.feed(INIT)
        self.codec.process(ROOM)

    def ask(self, kind: int, *fields: bytes):
        self.request += 1
        self.codec.feed(asked(kind, self.request, *fields))
        (answer,) = answers(self.codec.process(ROOM))
        assert answer.request == self.request
        return answer


@settings(max_examples=100, deadline=None)
@given(conversations())
def test_any_conversation_goes_as_a_folder_in_memory_says(deeds) -> None:
    """The model is a dictionary of names and bytes, and says what each request must answer."""
    client, model = Client(), {}
    for deed, name, other, offset, data in deeds:
        if deed in ("put", "append"):
            flags = 0x02 | 0x08 | (0x04 if deed == "append" else 0)
            handle = client.ask(3, s(name), n(flags), n(0)).string
            assert client.ask(6, s(handle), q(offset), s(data)).said == "OK"
            assert client.ask(4, s(handle)).said == "OK"
            old = model.get(name, b"")
            at = len(old) if deed == "append" else offset
            model[name] = old[:at].ljust(at, b"\0") + data + old[at + len(data) :]
        elif deed == "get":
            opened = client.ask(3, s(name), n(1), n(0))
            assert (opened.said == "HANDLE") == (name in model)
            if name in model:
                answer = client.ask(5, s(opened.string), q(offset), n(10))
                expected = model[name][offset : offset + 10]
                assert answer.said == "EOF" if not expected else answer.string == expected
                client.ask(4, s(opened.string))
        elif deed == "stat":
            answer = client.ask(17, s(name))
            assert (
                answer.attributes.size == len(model[name]) if name in model else answer.said == "NO_SUCH_FILE"
            )
        elif deed == "remove":
            assert client.ask(13, s(name)).said == ("OK" if name in model else "NO_SUCH_FILE")
            model.pop(name, None)
        else:
            fields = (s(b"posix-rename@openssh.com"),) if deed == "replace" else ()
            answer = client.ask(200 if deed == "replace" else 18, *fields, s(name), s(other))
            if name not in model:
                assert answer.said == "NO_SUCH_FILE"
            elif other in model and deed == "rename":
                assert answer.said == "FAILURE"
            else:
                assert answer.said == "OK"
                model[other] = model.pop(name)
    assert client.codec._files.content == model  # type: ignore[attr-defined]


def conversation() -> bytes:
    return (
        INIT
        + asked(3, 1, s(b"/a.csv"), n(0x1A), n(0x0F), q(5), n(1), n(2), n(0o640), n(3), n(4))
        + asked(6, 2, s(b"none"), q(0), s(b"some data"), b"padding")
        + asked(16, 3, s(b"."))
        + asked(200, 4, s(b"limits@openssh.com"))
        + asked(99, 5)
    )


def said(pieces: list[bytes]) -> list[tuple[int, int]]:
    codec = Codec(Files())
    found = b""
    for piece in pieces:
        codec.feed(piece)
        found += codec.process(ROOM)
    assert not codec.broken
    return [(answer.kind, answer.request) for answer in answers(found)]


def test_it_does_not_matter_where_the_bytes_are_cut_in_two() -> None:
    whole = conversation()
    expected = said([whole])
    assert len(expected) == 6
    for at in range(len(whole) + 1):
        assert said([whole[:at], whole[at:]]) == expected


def test_one_byte_at_a_time_is_the_same() -> None:
    assert said([bytes([byte]) for byte in conversation()]) == said([conversation()])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(min_size=5, max_size=9000), min_size=1, max_size=8),
    st.lists(st.integers(1, 9000), min_size=1, max_size=20),
)
def test_requests_come_out_as_they_went_in(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(n(len(body)) + body for body in bodies)
    requests = Requests(10_000)
    at = turn = 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        requests.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    waiting = requests.waiting
    assert waiting >= sum(map(len, bodies))
    assert [bytes(requests.take()) for _ in bodies] == bodies
    assert (requests.waiting, len(requests)) == (0, 0)


def test_a_promise_of_much_takes_no_more_than_one_packet() -> None:
    requests = Requests(MOST)
    for _ in range(1000):
        requests.feed(struct.pack(">I", MOST)[:4] if not requests.waiting else b"")
        requests.feed(b"x")
    assert requests.waiting == 0
    assert len(requests._partial or b"") == MOST
