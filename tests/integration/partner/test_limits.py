"""What a call costs: how many a minute a client may make, and what each asks of the database."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from pratique.foundation import clock
from pratique.foundation.tenancy import current_institution, institution_scope
from pratique.interfaces.partner.views import calls as views
from pratique.partners.actions import calls
from pratique.partners.models import Environment, PartnerUsage
from pratique.partners.types import Caller
from tests.integration.partner import wire
from tests.integration.partner.wire import code, opened, post, sealed
from tests.partners import a_partner
from tests.schools import a_school

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def partner(school):
    return a_partner(school)


@pytest.fixture
def session(partner, monkeypatch):
    """A session, and beside the eight methods one that says what it was given."""
    wire.answers(monkeypatch, "echo", echo)
    return opened(partner.client_id, partner.encryption_key)


def echo(values, caller, now):
    return json.dumps(
        {"given": values, "for": str(current_institution()), "key": caller.fingerprint}
    ).encode()


def refused(answer):
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "NOT_AUTHENTICATED"
    assert "field" not in answer.json()["error"]
    return True


# --- limits -----------------------------------------------------------------------------------------------------


def test_the_limit_is_exact_and_the_next_minute_is_a_new_one(school, monkeypatch):
    partner = a_partner(school, calls_per_minute=5)
    still = clock.now()
    monkeypatch.setattr(clock, "now", lambda: still)
    wire.answers(monkeypatch, "echo", echo)
    session = opened(partner.client_id, partner.encryption_key)
    assert [wire.call(session, "echo")[0] for _number in range(5)] == [200] * 4 + [429]
    answer = post(sealed(session, "echo", {"nonce": "1"}), "echo")
    assert code(wire.told(session, answer)) == "RATE_LIMITED"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert int(answer.headers["Retry-After"]) == 60 - still.second
    monkeypatch.setattr(clock, "now", lambda: still + timedelta(seconds=60 - still.second))
    assert wire.call(session, "echo", nonce="1")[0] == 200, "the refused one did not use up its nonce"


def test_the_limit_is_exact_under_concurrency(school, monkeypatch):
    partner = a_partner(school, calls_per_minute=8)
    still = clock.now()
    monkeypatch.setattr(clock, "now", lambda: still)
    wire.answers(monkeypatch, "echo", echo)
    session = opened(partner.client_id, partner.encryption_key)
    statuses = wire.at_once(20, lambda _number: wire.call(session, "echo")[0])
    assert sorted(statuses) == [200] * 7 + [429] * 13


def test_a_limit_of_none_lets_no_call_through(school):
    partner = a_partner(school, calls_per_minute=0)
    assert wire.authenticate(wire.assertion(partner.client_id, partner.encryption_key)).status_code == 429


def test_calls_beyond_the_limit_do_not_fill_the_log(school, monkeypatch):
    partner = a_partner(school, calls_per_minute=1)
    still = clock.now()
    monkeypatch.setattr(clock, "now", lambda: still)
    monkeypatch.setattr(views, "_MOST_LIMITED_LOGGED", 3)
    session = opened(partner.client_id, partner.encryption_key)
    assert {wire.call(session, "getUser")[0] for _number in range(6)} == {429}
    assert [line.code for line in wire.log_of(school)] == ["OK"] + ["RATE_LIMITED"] * 3


def test_a_stranger_who_knows_a_client_id_uses_up_nothing_of_its_limit(school, partner, session):
    def counted():
        with institution_scope(school.id):
            return PartnerUsage.objects.get(client=partner.client.id).calls

    before = counted()
    for _attempt in range(3):
        refused(post(sealed(session, "echo", {}, session_id=f"{partner.client_id}.x"), "echo"))
    assert counted() == before


# --- queries ----------------------------------------------------------------------------------------------------


def test_a_call_asks_the_database_four_times_beside_its_method(session, monkeypatch):
    """Who calls (one query for session, key and client), how often, the nonce, and the log's line."""
    wire.answers(monkeypatch, "idle", lambda values, caller, now: b"{}")
    nobody_has_taken_a_share(monkeypatch)
    expected = ["look-up", "usage", "nonce", "line of the log"]
    assert asked(lambda: wire.call(session, "idle")) == expected
    expected.remove("usage")  # this process has a share of the minute's calls now
    assert asked(lambda: wire.call(session, "idle")) == expected
    message = sealed(session, "idle", {"nonce": 1}, session_id="nobody.x")
    assert asked(lambda: post(message, "idle")) == ["look-up", "usage"]


def nobody_has_taken_a_share(monkeypatch):
    monkeypatch.setattr(calls, "_taken", {})


@pytest.mark.parametrize("processes", [1, 2, 7])
@pytest.mark.parametrize("limit", [1, 199, 1000, 1001, 6007])
def test_however_many_processes_take_their_shares_the_limit_is_not_passed(
    school, monkeypatch, limit, processes
):
    caller = replace(a_caller(school), calls_per_minute=limit)
    now = clock.now().replace(second=30)
    taken = [{} for _process in range(processes)]
    through = 0
    for number in range(limit + 3 * (1 + limit // 200) * processes):
        monkeypatch.setattr(calls, "_taken", taken[number % processes])
        through += calls.count_call(caller=caller, now=now) == 0
    assert through == limit
    assert calls.count_call(caller=caller, now=now) > 0
    assert calls.count_call(caller=caller, now=now + timedelta(minutes=1)) == 0


def test_the_refused_calls_of_a_minute_are_numbered(school):
    caller = replace(a_caller(school), calls_per_minute=2)
    now = clock.now()
    assert [calls.count_call(caller=caller, now=now) for _call in range(5)] == [0, 0, 1, 2, 3]


def a_caller(school):
    made = a_partner(school)
    return Caller(
        client=made.client.id, identifier=made.client_id, environment=Environment.PRODUCTION,
        institution_id=school.id, acts_for=school.id, key=made.key.id, fingerprint="", calls_per_minute=0,
    )  # fmt: skip


def test_a_session_takes_four_queries(partner, monkeypatch):
    nobody_has_taken_a_share(monkeypatch)
    token = wire.assertion(partner.client_id, partner.encryption_key)
    expected = ["look-up", "usage", "session", "line of the log"]
    assert asked(lambda: wire.authenticate(token)) == expected


def asked(deed):
    """Return what each statement of a deed is about, in their order."""
    statements = []

    def note(execute, sql, *rest):
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        deed()
    about = {
        "partners_partnerusage": "usage",
        "partners_partnersession": "session",
        "partners_partnerclient": "look-up",
        "partners_partnernonce": "nonce",
        "partners_partnercall": "line of the log",
    }
    return [
        " + ".join(about[name] for name in re.findall(r"execute (\w+)_", sql)) or sql for sql in statements
    ]
