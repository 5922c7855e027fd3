"""The partner API attacked from outside, through the wire: what one layer's own tests cannot show."""

import io
import json
import random
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory

from pratique.config.body_first import MOST_AHEAD, BodyFirst
from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.partner_client import protocol
from pratique.partners.actions.clients import suspend
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.models import PartnerCall, PartnerClient, PartnerKey, PartnerSession, SecureToken
from pratique.students.models import Membership, Student
from tests.integration.partner import wire
from tests.integration.partner.asking import ALBERT, code_of
from tests.partners import a_partner
from tests.schools import BY, MMR, a_school, requires


@pytest.fixture
def school(committed: None):
    cache.clear()
    return a_school()


@pytest.fixture
def partner(school):
    return a_partner(school)


@pytest.fixture
def session(partner):
    return wire.opened(partner.client_id, partner.encryption_key)


def new(school, **values):
    return {**ALBERT, "registrationCode": code_of(school), **values}


def create(session, school, **values):
    """Make a student, which must succeed; return how other calls name them."""
    given = new(school, **values)
    status, made = wire.call(session, "createUser", given)
    assert status == 200, made
    return {
        "accountToken": made["accountToken"], "vendorKey": given["vendorKey"], "code": given["registrationCode"],
    }  # fmt: skip


# --- whose student -----------------------------------------------------------------------------------------------

STUDENT_METHODS = {
    "secureToken": {},
    "setTracker": {"trackerName": "Undergraduate - Fall 2026"},
    "setMembershipStatus": {"status": "archive"},
    "getMembershipStatus": {},
    "getUser": {},
}


@pytest.mark.parametrize("method", STUDENT_METHODS)
def test_another_schools_student_by_a_valid_token_and_key(school, session, method):
    """Token, vendor key and code are all right, at another school: sealed, one answer, and nothing happens there."""
    other = a_school()
    requires(other, MMR)
    theirs = create(wire.opened(*_of(a_partner(other))), other, vendorKey="theirs")
    ours = create(session, school)
    before = wire.everything_of("students_membership", other), wire.everything_of("students_student", other)
    nobody = {**ours, "accountToken": "0" * 22, "vendorKey": "nobody"}
    answers = [
        wire.call(session, method, {**named, **STUDENT_METHODS[method]})
        for named in (theirs, {**theirs, "code": ours["code"]}, {**theirs, "vendorKey": ours["vendorKey"]}, nobody)
    ]  # fmt: skip
    assert answers == [answers[-1]] * 4
    assert answers[-1][0] == 404
    assert wire.code(answers[-1][1]) == "STUDENT_UNKNOWN"
    assert before == (
        wire.everything_of("students_membership", other), wire.everything_of("students_student", other),
    )  # fmt: skip
    with institution_scope(other.id):
        assert SecureToken.objects.count() == 1, "the one of their own createUser"
        assert not AuditEvent.objects.filter(by__contains=session.id.split(".")[0]).exists()


def test_the_same_vendor_key_at_two_schools_is_two_students(school, session):
    other = a_school()
    theirs = create(wire.opened(*_of(a_partner(other))), other)
    ours = create(session, school)
    assert ours["vendorKey"] == theirs["vendorKey"]
    assert ours["accountToken"] != theirs["accountToken"]
    crossed = {**ours, "accountToken": theirs["accountToken"]}
    assert wire.code(wire.call(session, "getUser", crossed)[1]) == "STUDENT_UNKNOWN"


def _of(partner):
    return partner.client_id, partner.encryption_key


# --- messages ----------------------------------------------------------------------------------------------------


def refused_alike(answer):
    return (
        answer.status_code == 401
        and answer.headers["Content-Type"] == "application/json"
        and answer.json()["error"]["code"] == "NOT_AUTHENTICATED"
    )


def test_a_call_cut_or_changed_at_any_place_is_refused_with_the_same_bytes(school, session):
    """Each character of the header and the tag, and a sample of the rest; and the whole message still works."""
    student = create(session, school)
    message = wire.sealed(session, "setMembershipStatus", {**student, "status": "archive", "nonce": "n"})
    head, tag = len(message.split(".", 1)[0]) + 1, len(message) - 22
    chance = random.Random(4)
    places = {*range(0, head, 3), *chance.sample(range(head, tag), 40), *range(tag - 2, len(message))}
    client = Client()
    answers = set()
    for place in sorted(places):
        other = chance.choice([sign for sign in "Aq_-9." if sign != message[place]])
        changed = message[:place] + other + message[place + 1 :]
        for wrong in (changed, message[:place], message[:place] + message[place + 1 :]):
            answer = wire.post(wrong, "setMembershipStatus", client=client)
            # What came before may have been a change of method, which no key opens either.
            assert refused_alike(answer), (place, other)
            answers.add((answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1
    with institution_scope(school.id):
        assert Membership.objects.get().state == "active"
    assert wire.post(message, "setMembershipStatus", client=client).status_code == 200


def test_an_assertion_cut_or_changed_at_any_place_opens_nothing(school, partner):
    token = wire.assertion(partner.client_id, partner.encryption_key)
    client = Client()
    answers = set()
    for place in range(0, len(token), 3):
        for wrong in (
            token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :],
            token[:place],
        ):
            answer = wire.authenticate(wrong, client=client)
            assert refused_alike(answer), place
            answers.add((answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1
    with institution_scope(school.id):
        assert not PartnerSession.objects.exists()
    assert wire.authenticate(token, client=client).status_code == 200


def test_names_escaped_the_old_way_reach_the_student_and_other_escapes_nobody(school, session):
    def sent(vendor_key, last_name):
        values = new(school, vendorKey=vendor_key, lastName="HERE", nonce=wire.a_nonce())
        content = json.dumps(values).encode().replace(b"HERE", last_name)
        return wire.call(session, "createUser", content)

    assert sent("1", rb"O\'Brien\, Jr.\; MD")[0] == 200
    status, told = sent("2", rb"O\qBrien")
    assert (status, wire.code(told)) == (400, "BAD_JSON")
    assert "Brien" not in json.dumps(told)
    with institution_scope(school.id):
        assert [student.last_name for student in Student.objects.all()] == ["O'Brien, Jr.; MD"]


def test_a_small_message_rightly_compressed_is_refused_as_a_bomb_is(school, session):
    """Not because it does not unpack or is too large: what is compressed is not opened."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(json.dumps({"code": code_of(school), "nonce": "1"}).encode()) + packer.flush()
    header = dict(protocol.sealed_header(wire.sealed(session, "getPackageCounts", {}))) | {"zip": "DEF"}
    head, iv = protocol.to_base64url(json.dumps(header).encode()), bytes(12)
    sealed = AESGCM(session.request_key).encrypt(iv, packed, head.encode())
    message = ".".join([head, "", *map(protocol.to_base64url, (iv, sealed[:-16], sealed[-16:]))])
    assert refused_alike(wire.post(message, "getPackageCounts"))


# --- sizes -------------------------------------------------------------------------------------------------------


class _Endless(io.RawIOBase):
    """A body of ten megabytes that says how much of it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        size = min(10 * MOST_AHEAD - self.taken, 10 * MOST_AHEAD if size < 0 else size)
        self.taken += size
        return b"x" * size


@pytest.mark.parametrize("path", ["authenticate", "createUser", "nothing"])
@pytest.mark.parametrize("is_announced", [True, False], ids=["of a told length", "in pieces"])
def test_ten_megabytes_are_refused_in_json_and_not_read(school, path, is_announced):
    body, given = _Endless(), []
    environ = RequestFactory().generic("POST", f"/partner/v1/{path}", content_type="application/jose").environ
    environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(10 * MOST_AHEAD)}
    if not is_announced:
        del environ["CONTENT_LENGTH"]
    application = BodyFirst(WSGIHandler(), turns=1, without_turn=())
    answer = b"".join(application(environ, lambda status, _headers: given.append(status[:3])))
    assert given == ["413"]
    assert json.loads(answer)["error"]["code"] == "TOO_LARGE"
    assert body.taken <= MOST_AHEAD + 1


# --- the very next call -------------------------------------------------------------------------------------------


def _rotated(partner):
    now = clock.now()
    issue_key(client=partner.client, by=BY, now=now, ends_previous_at=now)


def _deleted(partner):
    with institution_scope(partner.client.institution_id):
        for rows in (PartnerCall, PartnerSession, PartnerKey):
            rows.objects.filter(client=partner.client).delete()
        PartnerClient.objects.filter(id=partner.client.id).delete()


ENDS = {
    "suspended": lambda partner: suspend(client=partner.client, reason="Odd", by=BY, now=clock.now()),
    "revoked": lambda partner: revoke_key(key=partner.key, by=BY, now=clock.now()),
    "rotated at once": _rotated,
    "its row gone": _deleted,
}


@pytest.mark.parametrize("why", ENDS)
def test_the_very_next_call_of_an_open_session_is_refused_like_an_unknown_one(school, partner, session, why):
    other = a_partner(school)
    message = wire.sealed(session, "getPackageCounts", {"code": code_of(school), "nonce": "n"})
    ENDS[why](partner)
    answer = wire.post(message, "getPackageCounts")
    stranger = wire.sealed(
        session, "getPackageCounts", {"nonce": "n"}, session_id=f"live_{'0' * 22}.{'0' * 22}"
    )
    expected = wire.post(stranger, "getPackageCounts")
    assert refused_alike(answer)
    assert (answer.content, answer.headers.items()) == (expected.content, expected.headers.items())
    # Nobody else is touched by it.
    assert wire.call(wire.opened(*_of(other)), "getPackageCounts", {"code": code_of(school)})[0] == 200


# --- both environments ---------------------------------------------------------------------------------------------


def test_a_demo_client_with_a_production_clients_session_and_the_other_way_round(school):
    twin = a_school(is_demo=True)
    live, demo = a_partner(school), a_partner(school, environment="demo", acts_for=twin)
    live_session, demo_session = wire.opened(*_of(live)), wire.opened(*_of(demo))
    for mine, theirs in ((live_session, demo_session), (demo_session, live_session)):
        # The other environment's session id, with keys of one's own; and under the other's own id of client.
        stolen = wire.Session(theirs.id, mine.encryption_key, mine.client_nonce, mine.server_nonce)
        spliced = wire.Session(
            f"{mine.id.split('.')[0]}.{theirs.id.split('.')[1]}",
            theirs.encryption_key, theirs.client_nonce, theirs.server_nonce,
        )  # fmt: skip
        for forged in (stolen, spliced):
            assert refused_alike(wire.post(wire.sealed(forged, "getUser", {"nonce": "1"}), "getUser"))
    student = create(live_session, school)
    assert wire.code(wire.call(demo_session, "getUser", student)[1]) == "STUDENT_UNKNOWN"
    assert wire.code(wire.call(demo_session, "getPackageCounts", {"code": student["code"]})[1]) == (
        "PACKAGE_UNKNOWN"
    )


# --- what lies at the edges -----------------------------------------------------------------------------------------

LAST_DAY, FIRST_DAY = 253_402_300_799_999, -62_135_575_200_000


@pytest.mark.parametrize(
    ("expires", "lets_in"), [(LAST_DAY, True), (FIRST_DAY, False)], ids=["the year 9999", "the year 1"]
)
def test_a_registration_that_ends_at_the_edge_of_the_calendar(school, session, expires, lets_in):
    requires(school, MMR)
    student = create(session, school, expirationDate=expires)
    named = {name: student[name] for name in ("accountToken", "vendorKey")}
    assert wire.call(session, "getUser", student)[0] == 200
    assert wire.call(session, "setTracker", {**student, "trackerName": "Undergraduate - Fall 2026"})[0] == 200
    browser = Client()
    token = wire.call(session, "secureToken", named)[1]["secureToken"]
    assert browser.post("/sso/", {"token": token}).status_code == (303 if lets_in else 410)
    assert not lets_in or browser.get("/my/").status_code == 200


def test_clocks_six_minutes_off_in_either_phase_use_nothing_up(school, partner, session):
    for seconds in (-361, 361):
        now = wire.seconds() + seconds
        late = wire.assertion(partner.client_id, partner.encryption_key, iat=now, exp=now + 300)
        assert refused_alike(wire.authenticate(late))
        answer = wire.post(
            wire.sealed(session, "getPackageCounts", {"code": code_of(school), "nonce": "once"}, now=now),
            "getPackageCounts",
        )
        assert (answer.status_code, wire.code(wire.told(session, answer))) == (400, "CLOCK_SKEW")
    assert wire.call(session, "getPackageCounts", {"code": code_of(school)}, nonce="once")[0] == 200


def test_a_whole_clock_cannot_be_made_to_overflow(school, session):
    for now in (0, 2**53 - 1):
        answer = wire.post(wire.sealed(session, "getUser", {"nonce": "1"}, now=now), "getUser")
        assert wire.code(wire.told(session, answer)) == "CLOCK_SKEW"


# --- the browser ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example/", "/account/logout/"])
def test_the_link_leads_nowhere_but_to_the_students_page(school, session, next_page):
    token = wire.call(session, "createUser", new(school))[1]["secureToken"]
    answer = Client().post(f"/sso/?next={next_page}", {"token": token, "next": next_page})
    assert answer.status_code == 303
    assert answer.headers["Location"] in ("/my/", "/my/tracker/")


def test_a_token_counts_only_where_a_form_puts_it(school, session):
    """In a query string, a JSON body, a header or a cookie it is nothing, and is not used up by it."""
    token = wire.call(session, "createUser", new(school))[1]["secureToken"]
    client = Client(headers={"X-Token": token})
    client.cookies["token"] = token
    assert client.get(f"/sso/?token={token}").status_code == 410
    assert client.post(f"/sso/?token={token}").status_code == 410
    assert client.post("/sso/", {"token": token}, content_type="application/json").status_code == 410
    assert Client().post("/sso/", {"token": token}).status_code == 303


def test_no_other_page_shows_the_link_in_a_frame(school, session):
    token = wire.call(session, "createUser", new(school))[1]["secureToken"]
    for answer in (Client().get(f"/sso/{token}"), Client().post("/sso/", {"token": "x"})):
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


# --- tokens of somebody who was stopped ------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["suspended", "revoked"])
def test_tokens_given_to_a_partner_end_with_its_right_to_call(school, partner, session, why):
    """Whoever stole a key has asked for tokens, too. Another partner's, and the student's own session, go on."""
    used, unused = (wire.call(session, "createUser", new(school))[1]["secureToken"] for _ in range(2))
    other = wire.opened(*_of(a_partner(school)))
    theirs = wire.call(other, "createUser", new(school))[1]["secureToken"]
    student = Client()
    assert student.post("/sso/", {"token": used}).status_code == 303
    ENDS[why](partner)
    assert Client().post("/sso/", {"token": unused}).status_code == 410
    assert Client().post("/sso/", {"token": theirs}).status_code == 303
    assert student.get("/my/tracker/").status_code == 200


def test_a_demo_client_is_stopped_like_any_other(school):
    """Its tokens are the demo institution's, which is not visible to whoever stops it."""
    demo = a_partner(school, environment="demo", acts_for=a_school(is_demo=True))
    session = wire.opened(*_of(demo))
    ENDS["suspended"](demo)
    ENDS["revoked"](demo)
    assert refused_alike(wire.post(wire.sealed(session, "getUser", {"nonce": "1"}), "getUser"))
