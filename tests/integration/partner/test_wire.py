"""What is on the wire: forms that are refused, limits, faults as JSON, and errors that leak nothing, nor does time."""

import itertools
import json
import os
import statistics
import time
import tracemalloc
import zlib
from datetime import timedelta

import joserfc.jwe
import joserfc.jws
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from pratique.foundation import clock
from pratique.foundation.vault import sealing
from pratique.partner_client import protocol
from pratique.partners import sessions
from pratique.partners.actions.clients import suspend
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.types import ERRORS, Refusal
from tests.integration.partner import wire
from tests.integration.partner.wire import assertion, authenticate, opened, post, sealed
from tests.partners import a_partner
from tests.schools import BY, a_school

pytestmark = pytest.mark.usefixtures("committed")
MIB = 1024 * 1024
NOT_AUTHENTICATED = json.loads(json.dumps(Refusal("NOT_AUTHENTICATED").to_data()))


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def partner(school):
    return a_partner(school)


@pytest.fixture
def session(partner, monkeypatch):
    wire.answers(monkeypatch, "echo", lambda values, caller, now: b"{}")
    return opened(partner.client_id, partner.encryption_key)


def refused(answer):
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == NOT_AUTHENTICATED
    return True


def pieces(header, *rest):
    return ".".join([protocol.to_base64url(json.dumps(header).encode()), *rest])


# --- messages that do not open -----------------------------------------------------------------------------------


def test_cut_messages(session):
    message = sealed(session, "echo", {"nonce": "1"})
    for length in (0, 1, 20, len(message) // 2, len(message) - 23, len(message) - 22, len(message) - 1):
        assert refused(post(message[:length], "echo")), length
    head, key, iv, content, tag = message.split(".")
    for wrong in (
        f"{head}.{key}.{iv}..{tag}", f"{head}.{key}.{iv}.{content[:-4]}.{tag}", f"{head}.{key}.{iv}.{content}.",
        f"{head}.{key}..{content}.{tag}", f"{head}.{iv}.{content}.{tag}", f"{message}.x", message + "=", message + "\n",
        f"{head}.{key}.{iv}.{content}.{tag[:11]}",
    ):  # fmt: skip
        assert refused(post(wrong, "echo")), wrong
    assert post(message, "echo").status_code == 200


def test_a_flipped_bit_anywhere(session):
    message = sealed(session, "echo", {"nonce": "1", "lastName": "Magnus"})
    head, _key, *rest = message.split(".")
    for place, piece in enumerate(rest):
        content = bytearray(protocol.from_base64url(piece))
        for bit in (0, 8 * len(content) // 2, 8 * len(content) - 1):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            changed = [*rest[:place], protocol.to_base64url(bytes(flipped)), *rest[place + 1 :]]
            assert refused(post(".".join([head, "", *changed]), "echo")), (place, bit)
    for name, value in (("method", "getUser"), ("iat", wire.seconds() - 1)):
        header = dict(protocol.sealed_header(message)) | {name: value}
        assert refused(post(pieces(header, "", *rest), "echo")), name
    assert post(message, "echo").status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"zip": "DEF"}, {"crit": ["exp"], "exp": 1}, {"typ": "JOSE", "p2c": 10**9}, {"alg": "A256KW"},
        {"alg": "PBES2-HS256+A128KW", "p2s": "AAAA", "p2c": 2**31 - 1}, {"alg": "none"}, {"alg": "DIR"},
        {"enc": "A128GCM"}, {"enc": "A256CBC-HS512"}, {"iat": "1"}, {"iat": True}, {"iat": 1.5}, {"iat": None},
        {"iat": 10**400}, {"iat": -1}, {"kid": 1}, {"kid": ""}, {"kid": None}, {"method": None}, {"method": ["echo"]},
        {"kid": "x" * 500}, {"kid": "\u0000"}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {"epk": {}}, {"apu": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_odd_headers(session, changed):
    message = sealed(session, "echo", {"nonce": "1"})
    header = dict(protocol.sealed_header(message)) | changed
    assert refused(post(pieces(header, *message.split(".")[1:]), "echo"))


@pytest.mark.parametrize("name", ["alg", "enc", "kid", "iat", "method"])
def test_a_header_with_less(session, name):
    message = sealed(session, "echo", {"nonce": "1"})
    header = dict(protocol.sealed_header(message))
    del header[name]
    assert refused(post(pieces(header, *message.split(".")[1:]), "echo"))


def test_a_bomb_of_compressed_nothing_is_not_unpacked(session):
    """Rightly sealed by somebody who holds the key, 200 MB in 200 kB: neither read nor held in memory."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(MIB)) for _number in range(200)) + packer.flush()
    header = {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": session.id,
        "iat": wire.seconds(),
        "method": "echo",
        "zip": "DEF",
    }
    head, iv = protocol.to_base64url(json.dumps(header).encode()), os.urandom(12)
    content = AESGCM(session.request_key).encrypt(iv, bomb, head.encode())
    message = ".".join([head, "", *map(protocol.to_base64url, (iv, content[:-16], content[-16:]))])
    assert len(message) < MIB
    post("warm", "echo")
    tracemalloc.start()
    try:
        assert refused(post(message, "echo"))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


# --- messages that open, and are refused under seal ---------------------------------------------------------------


def told(session, answer):
    return answer.status_code, wire.code(wire.told(session, answer))


def test_the_method_in_the_header_is_not_the_one_in_the_path(session):
    message = sealed(session, "echo", {"nonce": "1"})
    assert told(session, post(message, "getUser")) == (400, "METHOD_MISMATCH")
    assert post(message, "echo").status_code == 200, "its nonce was not used up"


@pytest.mark.parametrize("method", ["nothing", "Echo", "CREATEUSER", "createUser ", "é"])
def test_a_method_that_there_is_not(session, method):
    seal_as = method if method.isascii() else "x"
    assert told(session, post(sealed(session, seal_as, {"nonce": "1"}), method)) == (404, "METHOD_UNKNOWN")
    assert refused(post("x.y.z", method))
    assert refused(post(sealed(session, "echo", {}, session_id="x.y"), method))


@pytest.mark.parametrize("seconds", [-361, 361], ids=["six minutes behind", "six minutes ahead"])
def test_a_clock_six_minutes_off(school, session, seconds):
    answer = post(sealed(session, "echo", {"nonce": "1"}, now=wire.seconds() + seconds), "echo")
    assert told(session, answer) == (400, "CLOCK_SKEW")
    direction = "behind" if seconds < 0 else "ahead of"
    assert wire.log_of(school)[-1].detail == f"The call's clock is 6 minutes {direction} ours."
    assert answer.status_code == 400
    assert post(sealed(session, "echo", {"nonce": "1"}), "echo").status_code == 200, (
        "its nonce was not used up"
    )


@pytest.mark.parametrize("seconds", [-290, 290], ids=["behind", "ahead"])
def test_a_clock_within_five_minutes_will_do(session, seconds):
    assert (
        post(sealed(session, "echo", {"nonce": "1"}, now=wire.seconds() + seconds), "echo").status_code == 200
    )


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/octet-stream", ""])
def test_a_good_message_of_another_media_type(session, media_type):
    message = sealed(session, "echo", {"nonce": "1"})
    assert told(session, post(message, "echo", media_type=media_type)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert refused(post("x", "echo", media_type=media_type))
    assert post(message, "echo", media_type="application/jose; charset=utf-8").status_code == 200


@pytest.mark.parametrize("code", ERRORS)
def test_every_refusal_of_a_method_is_sealed_with_its_status(session, monkeypatch, code):
    def refuse(values, caller, now):
        raise Refusal(code, field="x")

    wire.answers(monkeypatch, "refuse", refuse)
    answer = post(sealed(session, "refuse", {"nonce": "1"}), "refuse")
    assert told(session, answer) == (ERRORS[code].status, code)
    assert set(wire.told(session, answer)["error"]) == {"code", "message", "field"}


# --- HTTP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["authenticate", "createUser", "nothing"])
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options", "head", "trace"])
def test_only_post(client, path, method):
    answer = getattr(client, method)(f"/partner/v1/{path}")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Content-Type"] == "application/json"
    if method != "head":
        assert answer.json()["error"]["code"] == "METHOD_UNKNOWN"


@pytest.mark.parametrize("path", ["", "v1", "v1/", "v1/createUser/", "v1/a/b", "v2/createUser", "%00"])
def test_an_address_where_nothing_is(client, path):
    answer = client.post(f"/partner/{path}", b"x", content_type="application/jose")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "METHOD_UNKNOWN")


@pytest.mark.parametrize("path", ["authenticate", "createUser"])
@pytest.mark.parametrize("size", [MIB + 1, 10 * MIB], ids=["a byte too many", "ten megabytes"])
def test_a_body_that_is_too_large(client, path, size):
    answer = client.post(f"/partner/v1/{path}", bytes(size), content_type="application/jose")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "TOO_LARGE")
    assert answer.headers["Content-Type"] == "application/json"


def test_the_largest_body_that_may_be_sent(session):
    room = (MIB - 400) * 3 // 4
    message = sealed(session, "echo", {"nonce": "1", "x": "y" * room})
    assert MIB - 1000 < len(message) <= MIB
    assert post(message, "echo").status_code == 200


def test_somebody_signed_in_at_the_console_gets_no_other_limit(client):
    """A machine has no session: none is looked up, whatever cookie comes along."""
    client.cookies["sessionid"] = "x" * 32
    with connection.execute_wrapper(lambda *_query: pytest.fail("asked the database")):
        answer = client.post("/partner/v1/createUser", bytes(2 * MIB), content_type="application/jose")
    assert answer.status_code == 413


def test_a_host_that_is_not_ours_is_told_so_in_json(client):
    answer = client.post(
        "/partner/v1/createUser", b"x", content_type="application/jose", headers={"host": "evil.test"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "METHOD_UNKNOWN"


def test_no_form_token_is_asked_for_and_no_cookie_set(session):
    answer = post(sealed(session, "echo", {"nonce": "1"}), "echo", client=Client(enforce_csrf_checks=True))
    assert answer.status_code == 200
    assert not answer.cookies


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_no_database(session, partner, monkeypatch, error):
    def away(*_query):
        raise error("could not connect to server")

    monkeypatch.setattr(sessions, "run_prepared", away)
    for answer in (
        post(sealed(session, "echo", {"nonce": "1"}), "echo"),
        authenticate(assertion(partner.client_id, partner.encryption_key)),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/json"


def test_a_fault_before_the_session_is_known(session, partner, monkeypatch, caplog):
    def broken(*_query):
        raise RuntimeError("Magnus")

    monkeypatch.setattr(sessions, "run_prepared", broken)
    for answer in (
        post(sealed(session, "echo", {"nonce": "1"}), "echo"),
        authenticate(assertion(partner.client_id, partner.encryption_key)),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL")
        assert answer.headers["Content-Type"] == "application/json"
    assert "Magnus" not in caplog.text


# --- errors leak nothing --------------------------------------------------------------------------------------------


class Work:
    """What a request costs us: statements to the database and operations on keys, in their order."""

    def __init__(self, monkeypatch):
        self.done = []
        for place, name in (
            (sealing, "open_sealed"), (protocol, "derive"), (joserfc.jws, "deserialize_compact"),
            (joserfc.jwe, "decrypt_compact"),
        ):  # fmt: skip
            monkeypatch.setattr(place, name, self._noting(name, getattr(place, name)))

    def _noting(self, name, deed):
        def noting(*given, **options):
            self.done.append(name)
            return deed(*given, **options)

        return noting

    def of(self, ask):
        def note(execute, sql, *rest):
            self.done.append(f"statement: {' '.join(sql.split())}")
            return execute(sql, *rest)

        self.done = []
        with connection.execute_wrapper(note):
            answer = ask()
        return answer, self.done


@pytest.fixture
def tries(school, partner, session):
    """For each phase what is refused, by why: functions that ask."""
    now, other = clock.now(), a_partner(school)
    issue_key(client=partner.client, by=BY, now=now)  # two keys work: a rotation lasts

    def made(deed):
        one = a_partner(school)
        its_session = opened(one.client_id, one.encryption_key)
        deed(one)
        return one, its_session

    revoked = made(lambda one: revoke_key(key=one.key, by=BY, now=now))
    suspended = made(lambda one: suspend(client=one.client, reason="Odd calls", by=BY, now=now))
    ended = made(lambda one: wire.key_ends(school, one.key, now - timedelta(hours=1)))

    # Signed and sealed before anything is counted or timed.
    def asking(one, *, name="", key=""):
        token = assertion(name or one.client_id, key or one.encryption_key)
        return lambda: authenticate(token)

    def calling(session, **changed):
        message = sealed(session, "echo", {"nonce": "1"}, **changed)
        return lambda: post(message, "echo")

    nobody = "live_0000000000000000000000"
    first = {
        "unknown client": asking(partner, name=nobody),
        "wrong key": asking(partner, key=other.encryption_key),
        "revoked key": asking(revoked[0]),
        "ended key": asking(ended[0]),
        "suspended client": asking(suspended[0]),
    }
    second = {
        "unknown client": calling(session, session_id=f"{nobody}.{'0' * 22}"),
        "unknown session": calling(session, session_id=f"{partner.client_id}.{'0' * 22}"),
        "wrong key": calling(session.under(other.encryption_key)),
        "revoked key": calling(revoked[1]),
        "ended key": calling(ended[1]),
        "suspended client": calling(suspended[1]),
    }
    return {"authenticate": first, "call": second}


def seen(answer):
    return answer.status_code, answer.content, sorted(answer.headers.items())


@pytest.mark.parametrize("phase", ["authenticate", "call"])
def test_whoever_is_not_known_costs_and_gets_the_same_as_whoever_is_wrong(tries, phase, monkeypatch):
    for ask in tries[phase].values():
        ask()  # a connection plans a look-up once, and a process unwraps a data key once in a while
    work = Work(monkeypatch)
    all_of_it = {why: work.of(ask) for why, ask in tries[phase].items()}
    expected, done = all_of_it["unknown client"]
    for why, (answer, its_work) in all_of_it.items():
        assert seen(answer) == seen(expected), why
        assert its_work == done, why
    assert refused(expected)
    keys = 2 if phase == "authenticate" else 1
    assert done.count("open_sealed") == done.count("derive") == keys
    assert done.count("deserialize_compact") + done.count("decrypt_compact") == keys
    assert len([step for step in done if step.startswith("statement: ")]) == 2, "one look-up, one count"


@pytest.mark.parametrize("phase", ["authenticate", "call"])
def test_it_takes_as_long(tries, phase):
    """Medians of samples taken in turns; how far two runs of one case lie apart says what the machine does to them.

    Generous, for a machine that has other work: a difference counts only if it is there three times in a row.
    """
    cases = dict(tries[phase]) | {"unknown client again": tries[phase]["unknown client"]}
    for ask in cases.values():
        ask()
    for attempt in itertools.count(1):
        median = _medians(cases, 60)
        floor = median["unknown client"]
        noise = abs(median["unknown client again"] - floor)
        apart = {why: abs(value - floor) for why, value in median.items()}
        if all(value <= 0.3 * floor + 3 * noise for value in apart.values()):
            return
        assert attempt < 3, {why: f"{1000 * value:.2f} ms" for why, value in median.items()}


def _medians(cases, count):
    taken = {why: [] for why in cases}
    for _number in range(count):
        for why, ask in cases.items():
            before = time.perf_counter()
            ask()
            taken[why].append(time.perf_counter() - before)
    return {why: statistics.median(times) for why, times in taken.items()}
