"""Many calls at one moment, through the wire: a live server with threads, as the product is served.

Django's test client answers one after the other, and the methods' own races (test_methods_races) know no session, no
nonce and no turn.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections

from pratique.config.body_first import BodyFirst
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.partners.actions import calls
from pratique.partners.models import Environment, SecureToken
from pratique.partners.types import Caller
from pratique.students.models import Membership, Student
from tests.integration.partner import wire
from tests.integration.partner.test_hostile import create, new
from tests.partners import a_partner
from tests.schools import NOW, a_school

CALLS, AT_ONCE = 200, 20


@pytest.fixture
def school(committed: None):
    cache.clear()
    return a_school()


@pytest.fixture
def session(school):
    partner = a_partner(school)
    return wire.opened(partner.client_id, partner.encryption_key)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """A test's requests are nobody's news."""


@pytest.fixture
def server(committed: None) -> Iterator[str]:
    """The product behind a server that works on many requests at once, as it is served: body first."""
    server = ThreadedWSGIServer(("localhost", 0), _Quiet)
    server.set_app(BodyFirst(WSGIHandler(), turns=10, without_turn=()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    connections.close_all()


def posted(server, session, method, every):
    """Make these calls over HTTP, twenty at a time; return (status, what was answered) of each."""

    def one(values):
        message = wire.sealed(session, method, values | {"nonce": values.get("nonce") or wire.a_nonce()})
        address = f"{server}/partner/v1/{method}"
        answer = httpx.post(
            address, content=message, headers={"Content-Type": "application/jose"}, timeout=120
        )
        return answer.status_code, wire.told(session, answer)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, every))


def test_two_hundred_first_calls_for_one_vendor_key_make_one_student(server, school, session):
    answers = posted(
        server, session, "createUser",
        # Half of them suggest another username each: the key alone must hold them together.
        [new(school, username="amagnus" if n % 2 else f"a{n}") for n in range(CALLS)],
    )  # fmt: skip
    assert Counter(status for status, _told in answers) == {200: CALLS}
    with institution_scope(school.id):
        kept = Student.objects.get()
        assert Membership.objects.count() == 1
        assert SecureToken.objects.count() == CALLS
        assert AuditEvent.objects.filter(action="partners:student:created").count() == 1
    assert {(told["accountToken"], told["username"]) for _status, told in answers} == {
        (kept.account_token, kept.username)
    }
    assert len({told["secureToken"] for _status, told in answers}) == CALLS


def test_two_hundred_calls_for_one_username_get_each_its_own_number(server, school, session):
    answers = posted(server, session, "createUser", [new(school, vendorKey=f"key {n}") for n in range(CALLS)])
    assert Counter(status for status, _told in answers) == {200: CALLS}
    assert {told["username"] for _status, told in answers} == {
        "amagnus", *(f"amagnus{n}" for n in range(1, CALLS)),
    }  # fmt: skip
    with institution_scope(school.id):
        assert Student.objects.count() == Membership.objects.count() == CALLS


def test_one_nonce_in_calls_of_two_kinds_at_once(server, school, session):
    """Not only equal messages: whichever method comes first has it."""
    student = create(session, school)
    nonce = wire.a_nonce()
    calls = [
        {**student, "status": "archive", "nonce": nonce}, {**student, "status": "active", "nonce": nonce},
    ]  # fmt: skip
    answers = posted(server, session, "setMembershipStatus", calls * 10)
    assert Counter(wire.code(told) for _status, told in answers) == {"OK": 1, "NONCE_REPEATED": 19}


def test_a_token_that_forty_browsers_bring_at_once_lets_one_in(server, school, session):
    create(session, school)
    token = wire.call(session, "createUser", new(school))[1]["secureToken"]

    def browser(_number):
        return httpx.post(f"{server}/sso/", data={"token": token}, timeout=60).status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert Counter(threads.map(browser, range(40))) == {303: 1, 410: 39}


def test_a_limit_counted_by_shares_is_exact_for_a_process_of_many_threads(school):
    """A share that one thread takes while another does must not be lost: half of the limit would be."""
    client = a_partner(school, calls_per_minute=4000).client
    caller = Caller(
        client=client.id, identifier=client.identifier, environment=Environment.PRODUCTION,
        institution_id=school.id, acts_for=school.id, key=client.id, fingerprint="f" * 16, calls_per_minute=4000,
    )  # fmt: skip
    refused = wire.at_once(
        AT_ONCE, lambda _thread: [calls.count_call(caller=caller, now=NOW) for _call in range(210)]
    )
    assert sum(one.count(0) for one in refused) == 4000


# --- a nonce decides before anything else, and however a call ends --------------------------------------------------


def test_one_nonce_in_twenty_calls_for_twenty_students_makes_one(server, school, session):
    every = [new(school, vendorKey=f"key {n}", username=f"user {n}", nonce="once") for n in range(AT_ONCE)]
    answers = posted(server, session, "createUser", every)
    assert Counter(wire.code(told) for _status, told in answers) == {"OK": 1, "NONCE_REPEATED": AT_ONCE - 1}
    with institution_scope(school.id):
        assert Student.objects.count() == Membership.objects.count() == SecureToken.objects.count() == 1
        assert AuditEvent.objects.filter(action="partners:student:created").count() == 1
    outcomes = Counter(line.code for line in wire.log_of(school) if line.method == "createUser")
    assert outcomes == {"OK": 1, "NONCE_REPEATED": AT_ONCE - 1}


REFUSED = {
    "a field is missing": ("getUser", {"vendorKey": "x"}, "FIELD_MISSING"),
    "a field cannot be": ("getPackageCountsSince", {"code": "x", "deltaStartDate": "x"}, "FIELD_INVALID"),
    "nobody is meant": ("secureToken", {"accountToken": "x", "vendorKey": "x"}, "STUDENT_UNKNOWN"),
    "no such package": ("getPackageCounts", {"code": "x"}, "PACKAGE_UNKNOWN"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_repeated_nonce_is_told_before_whatever_else_is_wrong(school, session, why):
    """Also where a method refuses before it has asked the database anything; and each call is a line of the log."""
    method, values, code = REFUSED[why]
    first, again = (wire.call(session, method, values, nonce="once") for _time in range(2))
    other = wire.call(session, "createUser", new(school), nonce="once")
    assert [wire.code(told) for _status, told in (first, again, other)] == [
        code, "NONCE_REPEATED", "NONCE_REPEATED",
    ]  # fmt: skip
    assert again == other
    with institution_scope(school.id):
        assert not Student.objects.exists()
    assert [(line.method, line.code) for line in wire.log_of(school)][1:] == [
        (method, code), (method, "NONCE_REPEATED"), ("createUser", "NONCE_REPEATED"),
    ]  # fmt: skip
