"""Phase two: a call under a session, its nonce, its transaction and its line in the log."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError

from pratique.foundation import clock
from pratique.foundation.tenancy import current_institution, institution_scope
from pratique.partner_client import protocol
from pratique.partners.actions import calls, sweep
from pratique.partners.actions.clients import resume, suspend
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.models import PartnerCall, PartnerNonce, PartnerSession, PartnerUsage
from pratique.partners.sessions import NOBODY
from pratique.partners.tasks import sweep_calls
from pratique.partners.types import Refusal
from tests.integration.partner import wire
from tests.integration.partner.wire import a_nonce, code, opened, post, sealed
from tests.partners import a_partner
from tests.schools import BY, a_school

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


def count(model, institution):
    with institution_scope(institution.id):
        return model.objects.count()


def refused(answer):
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "NOT_AUTHENTICATED"
    assert "field" not in answer.json()["error"]
    return True


def test_a_call_reaches_its_method_and_its_answer_is_sealed(school, partner, session):
    nonce = a_nonce()
    status, told = wire.call(session, "echo", {"lastName": "Łuçé"}, nonce=nonce)
    assert status == 200
    assert told["given"] == {"lastName": "Łuçé", "nonce": nonce}
    assert told["for"] == str(school.id)
    assert told["key"] == partner.key.fingerprint


def test_the_answers_header_names_session_method_and_time(session):
    answer = post(sealed(session, "echo", {"nonce": a_nonce()}), "echo")
    header = protocol.sealed_header(answer.content)
    assert header["method"] == "echo"
    assert abs(header["iat"] - wire.seconds()) < 60
    assert "no-store" in answer.headers["Cache-Control"]
    with pytest.raises(protocol.ProtocolError):
        protocol.open_sealed(answer.content, session.request_key)


def test_names_escaped_the_old_way(session):
    content = rb'{"nonce": "1", "lastName": "O\'Brien\, Jr\;"}'
    status, told = wire.call(session, "echo", content)
    assert (status, told["given"]["lastName"]) == (200, "O'Brien, Jr;")
    status, told = wire.call(session, "echo", rb'{"nonce": "2", "lastName": "O\qBrien"}')
    assert (status, code(told)) == (400, "BAD_JSON")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'"x"', b"\xff", b'{"nonce": 1, "nonce": 2}', b"[" * 9999]
)
def test_what_is_not_one_json_object(session, content):
    status, told = wire.call(session, "echo", content)
    assert (status, code(told)) == (400, "BAD_JSON")


# --- nonces -----------------------------------------------------------------------------------------------------


def test_a_nonce_is_good_once_for_any_method_and_session(session, partner, monkeypatch):
    wire.answers(monkeypatch, "other", echo)
    assert wire.call(session, "echo", nonce="once")[0] == 200
    later = opened(partner.client_id, partner.encryption_key)
    for again, method in ((session, "echo"), (session, "other"), (later, "echo")):
        status, told = wire.call(again, method, nonce="once")
        assert (status, code(told)) == (409, "NONCE_REPEATED")
        assert told["error"]["field"] == "nonce"
    assert wire.call(session, "echo", nonce="Once")[0] == 200


def test_the_very_same_message_again(session):
    message = sealed(session, "echo", {"nonce": "1"})
    assert post(message, "echo").status_code == 200
    assert post(message, "echo").status_code == 409


def test_of_twenty_equal_calls_at_once_one_succeeds(session, monkeypatch):
    done = []
    wire.answers(monkeypatch, "deed", lambda values, caller, now: done.append(1) or b"{}")
    message = sealed(session, "deed", {"nonce": "at once"})
    statuses = wire.at_once(20, lambda _number: post(message, "deed").status_code)
    assert sorted(statuses) == [200] + [409] * 19
    assert len(done) == 1


def test_each_client_has_its_own_nonces_and_so_has_its_new_key(school, session, partner):
    other = a_partner(school)
    assert wire.call(session, "echo", nonce="1")[0] == 200
    assert wire.call(opened(other.client_id, other.encryption_key), "echo", nonce="1")[0] == 200
    newer = issue_key(client=partner.client, by=BY, now=clock.now())
    under_newer = opened(partner.client_id, newer.encryption_key)
    assert wire.call(under_newer, "echo", nonce="1")[0] == 409, "the older key still works"


@pytest.mark.parametrize(
    "nonce", ["x", "x" * 128, "é" * 128, " ", 0, -7, 10**17, "\u0000"],
    ids=["one", "longest", "longest, not ASCII", "blank", "zero", "negative", "nanoseconds", "NUL"],
)  # fmt: skip
def test_nonces_that_will_do(session, nonce):
    content = json.dumps({"nonce": nonce}).encode()
    assert wire.call(session, "echo", content)[0] == 200
    assert wire.call(session, "echo", content)[0] == 409


def test_an_integer_is_taken_as_its_digits(session):
    assert wire.call(session, "echo", b'{"nonce": 12}')[0] == 200
    assert wire.call(session, "echo", b'{"nonce": "12"}')[0] == 409


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{}", "FIELD_MISSING"), (b'{"nonce": null}', "FIELD_MISSING"), (b'{"nonce": ""}', "FIELD_INVALID"),
        (b'{"nonce": true}', "FIELD_INVALID"), (b'{"nonce": 1.5}', "FIELD_INVALID"),
        (b'{"nonce": ["1"]}', "FIELD_INVALID"), (b'{"nonce": "' + b"x" * 129 + b'"}', "FIELD_INVALID"),
    ],
)  # fmt: skip
def test_nonces_that_will_not(session, content, expected):
    status, told = wire.call(session, "echo", content)
    assert (status, code(told), told["error"]["field"]) == (400, expected, "nonce")


def test_only_a_hash_of_a_nonce_is_kept(school, session):
    wire.call(session, "echo", nonce="Magnus-2001")
    assert "Magnus" not in wire.everything_of("partners_partnernonce", school)


def test_a_refused_method_uses_up_its_nonce(school, session, monkeypatch):
    def refuse(values, caller, now):
        raise Refusal("TRACKER_UNKNOWN", field="trackerName")

    wire.answers(monkeypatch, "refuse", refuse)
    status, told = wire.call(session, "refuse", nonce="1")
    assert (status, code(told), told["error"]["field"]) == (404, "TRACKER_UNKNOWN", "trackerName")
    assert wire.call(session, "echo", nonce="1")[0] == 409
    assert [line.code for line in wire.log_of(school)] == ["OK", "TRACKER_UNKNOWN", "NONCE_REPEATED"]


# --- faults of ours ---------------------------------------------------------------------------------------------


def test_a_fault_of_ours_leaves_nothing_behind_and_says_nothing(school, session, monkeypatch, caplog):
    def broken(values, caller, now):
        calls.take_nonce(caller=caller, nonce="another", now=now)
        raise RuntimeError(f"Key (username)=({values['username']}) already exists")

    wire.answers(monkeypatch, "broken", broken)
    status, told = wire.call(session, "broken", {"username": "amagnus"}, nonce="1")
    assert (status, code(told)) == (500, "INTERNAL")
    assert count(PartnerNonce, school) == 0
    assert "RuntimeError" in caplog.text
    assert "amagnus" not in caplog.text
    assert "amagnus" not in json.dumps(told)
    assert wire.log_of(school)[-1].code == "INTERNAL"
    assert wire.call(session, "echo", nonce="1")[0] == 200


def test_no_database_during_a_call(school, session, monkeypatch):
    def away(values, caller, now):
        raise OperationalError("server closed the connection unexpectedly")

    wire.answers(monkeypatch, "away", away)
    answer = post(sealed(session, "away", {"nonce": "1"}), "away")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert code(wire.told(session, answer)) == "UNAVAILABLE"
    assert count(PartnerNonce, school) == 0


def test_a_log_that_cannot_be_written_after_the_work_changes_nothing(school, monkeypatch, caplog):
    """A demo client's line lies with another institution than its work, which is committed already."""
    twin = a_school(is_demo=True)
    demo = a_partner(school, environment="demo", acts_for=twin)
    wire.answers(monkeypatch, "echo", echo)
    session = opened(demo.client_id, demo.encryption_key)

    def away(**_options):
        raise OperationalError("gone")

    monkeypatch.setattr(calls, "record_call", away)
    assert wire.call(session, "echo", nonce="1")[0] == 200
    assert wire.call(session, "echo", nonce="1")[0] == 409


# --- sessions ---------------------------------------------------------------------------------------------------


def test_a_session_that_there_is_not(session, partner):
    ids = [
        f"{partner.client_id}.{'0' * 22}", partner.client_id, f"{partner.client_id}.", "live_0." + "0" * 22, "x", ".",
        session.id.upper(), session.id + " ", session.id + "%",
    ]  # fmt: skip
    for name in ids:
        assert refused(post(sealed(session, "echo", {"nonce": "1"}, session_id=name), "echo")), name


def test_a_session_under_another_clients_key(school, session):
    other = a_partner(school)
    assert refused(post(sealed(session.under(other.encryption_key), "echo", {"nonce": "1"}), "echo"))


def test_a_session_under_another_key_of_its_own_client(session, partner):
    newer = issue_key(client=partner.client, by=BY, now=clock.now())
    assert refused(post(sealed(session.under(newer.encryption_key), "echo", {"nonce": "1"}), "echo"))


def test_one_sessions_message_in_anothers_name(session, partner):
    other = opened(partner.client_id, partner.encryption_key)
    assert refused(post(sealed(session, "echo", {"nonce": "1"}, session_id=other.id), "echo"))


def test_an_answer_is_no_call(session):
    """Request and response keys differ: nothing of ours can be sent back to us."""
    answer = post(sealed(session, "echo", {"nonce": "1"}), "echo")
    assert refused(post(answer.content, "echo"))


def test_a_session_is_over_after_its_time(school, session):
    wire.session_ends(school, clock.now())
    assert refused(post(sealed(session, "echo", {"nonce": "1"}), "echo"))
    assert wire.log_of(school)[-1].detail == "The session is over: authenticate anew."


def test_the_very_next_call_after_a_key_is_revoked_is_refused(school, session, partner):
    assert wire.call(session, "echo")[0] == 200
    revoke_key(key=partner.key, by=BY, now=clock.now())
    assert refused(post(sealed(session, "echo", {"nonce": "1"}), "echo"))
    assert wire.log_of(school)[-1].detail == "The key was revoked."


def test_sessions_of_a_key_end_with_it(school, session, partner):
    newer = issue_key(client=partner.client, by=BY, now=clock.now())
    under_newer = opened(partner.client_id, newer.encryption_key)
    wire.key_ends(school, partner.key, clock.now())
    assert refused(post(sealed(session, "echo", {"nonce": "1"}), "echo"))
    assert wire.call(under_newer, "echo")[0] == 200


def test_a_suspended_client_is_refused_until_it_goes_on(session, partner):
    suspend(client=partner.client, reason="Odd calls", by=BY, now=clock.now())
    assert refused(post(sealed(session, "echo", {"nonce": "1"}), "echo"))
    resume(client=partner.client, by=BY, now=clock.now())
    assert wire.call(session, "echo", nonce="1")[0] == 200


def test_a_demo_client_acts_for_the_demo_institution_and_its_log_is_the_schools(school, monkeypatch):
    twin = a_school(is_demo=True)
    demo = a_partner(school, environment="demo", acts_for=twin)
    wire.answers(monkeypatch, "echo", echo)
    session = opened(demo.client_id, demo.encryption_key)
    assert wire.call(session, "echo", nonce="1")[1]["for"] == str(twin.id)
    assert wire.call(session, "echo", nonce="1")[0] == 409
    assert (count(PartnerNonce, twin), count(PartnerNonce, school)) == (1, 0)
    assert [line.code for line in wire.log_of(school)] == ["OK", "OK", "NONCE_REPEATED"]
    assert wire.log_of(twin) == []


# --- the log ----------------------------------------------------------------------------------------------------


def test_the_log_holds_nothing_of_what_was_sent(school, session, partner, caplog):
    caplog.set_level("DEBUG")
    person = {
        "username": "qmagnusson", "vendorKey": "V-998877", "firstName": "Quirinia", "lastName": "Magnusson",
        "phone": "919-555-2917", "email": "quirinia@school.example", "dateOfBirthString": "03/22/2004",
        "registrationCode": "NOSUCHCODE", "accountToken": "A" * 22, "code": "OTHERCODE", "trackerName": "Zephyr",
        "status": "frozen", "deltaStartDate": "2004",
    }  # fmt: skip
    for method in ("createUser", "getUser", "setTracker", "setMembershipStatus", "getPackageCountsSince"):
        wire.call(session, method, person)
        wire.call(session, method, person | {"nonce": "Quirinia"}, nonce="Quirinia")
        wire.call(session, method, dict.fromkeys(person, 7) | {"Magnusson": 1})
    wire.call(session, "Magnusson", person)
    post(sealed(session, "Magnusson", person), "createUser")
    wire.call(session, "createUser", b'{"firstName": "Quirinia" "Magnusson"')
    post(sealed(session, "createUser", person, session_id=f"{partner.client_id}.Quirinia"), "createUser")
    post("Quirinia.Magnusson", "Quirinia")
    wire.authenticate("Quirinia.Magnusson.x")
    wire.authenticate(
        wire.assertion(partner.client_id, partner.encryption_key, aud="Quirinia", sub="Magnusson")
    )
    log = wire.everything_of("partners_partnercall", school)
    assert len(log.splitlines()) >= 20
    sent = {"Quirinia", "Magnusson", "Zephyr", *person.values()} - {"2004"}
    for kept in (
        log,
        *(wire.everything_of(f"partners_partner{name}", school) for name in ("usage", "nonce", "session")),
    ):
        assert [value for value in sent if value.lower() in kept.lower()] == []
    assert [value for value in sent if value in caplog.text.replace("/partner/v1/Magnusson", "")
            .replace("/partner/v1/Quirinia", "")] == []  # fmt: skip
    with institution_scope(school.id):
        fingerprints = set(PartnerCall.objects.values_list("fingerprint", flat=True))
    assert fingerprints == {partner.key.fingerprint, ""}
    assert partner.encryption_key not in log


# --- what is left behind ----------------------------------------------------------------------------------------


def test_the_sweep_deletes_what_is_over_and_nothing_else(school, session, partner, monkeypatch):
    monkeypatch.setattr(sweep, "_BATCH", 2)
    other = a_school()
    neighbour = a_partner(other)
    theirs = opened(neighbour.client_id, neighbour.encryption_key)
    for number in range(5):
        wire.call(session, "echo", nonce=number + 1)
        wire.call(theirs, "echo", nonce=number + 1)
        opened(partner.client_id, partner.encryption_key)
    refused(post(sealed(session, "echo", {}, session_id="nobody.x"), "echo"))
    now = clock.now()
    assert sweep.sweep(institution_id=school.id, now=now) == 0

    # In an hour the sessions and counts are over; the log and the nonces stay.
    deleted = sweep.sweep(institution_id=school.id, now=now + timedelta(hours=1))
    assert (count(PartnerSession, school), count(PartnerUsage, school)) == (0, 0)
    assert deleted >= 7
    assert (count(PartnerNonce, school), count(PartnerCall, school)) == (5, 11)
    assert sweep.sweep(institution_id=NOBODY, now=now + timedelta(hours=1)) == 1

    # The nonces of a dead key go, and those of a living one stay.
    newer = issue_key(client=partner.client, by=BY, now=now)
    wire.call(opened(partner.client_id, newer.encryption_key), "echo", nonce="new")
    revoke_key(key=partner.key, by=BY, now=now)
    assert sweep.sweep(institution_id=school.id, now=now + timedelta(minutes=5)) == 0, "clocks differ"
    assert sweep.sweep(institution_id=school.id, now=now + timedelta(minutes=11)) >= 5
    assert count(PartnerNonce, school) == 1

    sweep.sweep(institution_id=school.id, now=now + timedelta(days=89))
    assert count(PartnerCall, school) == 13
    sweep.sweep(institution_id=school.id, now=now + timedelta(days=91))
    assert count(PartnerCall, school) == 0
    assert (count(PartnerNonce, other), count(PartnerCall, other), count(PartnerSession, other)) == (5, 6, 1)


def test_the_sweep_of_a_demo_client_reaches_the_institution_that_it_acts_for(school, monkeypatch):
    twin = a_school(is_demo=True)
    demo = a_partner(school, environment="demo", acts_for=twin)
    wire.answers(monkeypatch, "echo", echo)
    wire.call(opened(demo.client_id, demo.encryption_key), "echo")
    revoke_key(key=demo.key, by=BY, now=clock.now() - timedelta(hours=1))
    assert count(PartnerNonce, twin) == 1
    sweep_calls(timestamp=0)
    assert count(PartnerNonce, twin) == 0


def test_the_sweep_runs_every_hour():
    from procrastinate.contrib.django import app

    assert app.tasks["partners.sweep"].queue == "timed"
    crons = {key: task.cron for key, task in app.periodic_registry.periodic_tasks.items()}
    assert next(cron for (name, _id), cron in crons.items() if name == "partners.sweep") == "37 * * * *"


def test_an_assertion_is_good_once_though_the_sweep_came_between(school, partner):
    """As long as an assertion may be accepted, the row that remembers it stays: 600 s, which the sweep outwaits."""
    now = wire.seconds()
    token = wire.assertion(partner.client_id, partner.encryption_key, iat=now + 290, exp=now + 590)
    assert wire.authenticate(token).status_code == 200
    sweep.sweep(institution_id=school.id, now=clock.now() + timedelta(seconds=595))
    assert wire.authenticate(token).status_code == 401
