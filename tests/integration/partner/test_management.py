"""Partners, clients and keys: what is made, what becomes of keys, what is kept of them, and who is told."""

import base64
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from pratique.foundation import vault
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.partners.actions import clients, keys
from pratique.partners.actions.settings import change_settings
from pratique.partners.errors import PartnerError
from pratique.partners.models import Partner, PartnerClient, PartnerKey
from pratique.partners.policies import KeyState, living_after_issue, standing_of, state_of
from tests.partners import a_partner
from tests.schools import BY, NOW, a_school

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TABLES = ("partners_partner", "partners_partnerclient", "partners_partnerkey", "foundation_auditevent")


def a_key(ends=None, revoked=None):
    return SimpleNamespace(ends_at=ends, revoked_at=revoked)


STATES = [
    ("no end", None, None, KeyState.ACTIVE),
    ("ends later", NOW + HOUR, None, KeyState.ENDING),
    ("ends this instant", NOW, None, KeyState.ENDED),
    ("ended before", NOW - HOUR, None, KeyState.ENDED),
    ("revoked, no end", None, NOW - HOUR, KeyState.REVOKED),
    ("revoked before its end", NOW + HOUR, NOW - HOUR, KeyState.REVOKED),
    ("revoked after its end", NOW - HOUR, NOW, KeyState.REVOKED),
]


@pytest.mark.parametrize(
    ("ends", "revoked", "state"), [row[1:] for row in STATES], ids=[row[0] for row in STATES]
)
def test_the_state_of_a_key(ends, revoked, state):
    assert state_of(a_key(ends, revoked), NOW) is state


ISSUES = [
    ("the first", [], None, 1),
    ("beside one that goes on", [a_key()], None, 2),
    ("one ends later", [a_key()], NOW + HOUR, 2),
    ("one ends at once", [a_key()], NOW, 1),
    ("two work", [a_key(), a_key(NOW + HOUR)], NOW + HOUR, 3),
    ("two work and end at once", [a_key(), a_key(NOW + HOUR)], NOW, 1),
    ("dead ones do not count", [a_key(NOW - HOUR), a_key(None, NOW), a_key()], None, 2),
]


@pytest.mark.parametrize(
    ("held", "ends", "living"), [row[1:] for row in ISSUES], ids=[row[0] for row in ISSUES]
)
def test_how_many_keys_work_after_another_is_made(held, ends, living):
    assert living_after_issue(held, ends_previous_at=ends, now=NOW) == living


STANDINGS = [
    ("works", None, 600, [a_key()], "works"),
    ("works beside one that ends", None, 600, [a_key(), a_key(NOW + HOUR)], "works"),
    ("the last key ends", None, 600, [a_key(NOW + HOUR), a_key(None, NOW)], "ending"),
    ("no key", None, 600, [], "no_key"),
    ("only dead keys", None, 600, [a_key(NOW), a_key(None, NOW)], "no_key"),
    ("no calls let through", None, 0, [a_key()], "no_calls"),
    ("suspended before all else", NOW, 0, [], "suspended"),
]


@pytest.mark.parametrize(
    ("suspended", "limit", "held", "standing"),
    [row[1:] for row in STANDINGS],
    ids=[row[0] for row in STANDINGS],
)
def test_the_standing_of_a_client(suspended, limit, held, standing):
    assert standing_of(suspended_at=suspended, calls_per_minute=limit, keys=held, now=NOW) == standing


@pytest.fixture
def school() -> Institution:
    return a_school()


@pytest.fixture
def held(school):
    return a_partner(school)


def rotate(held, ends):
    return keys.issue_key(client=held.client, by=BY, now=NOW, ends_previous_at=ends)


def kept(key):
    with institution_scope(key.institution_id):
        return PartnerKey.objects.get(id=key.id)


def events(school):
    with institution_scope(school.id):
        found = AuditEvent.objects.filter(action__startswith="partners:").order_by("id")
        return [(event.action, event.detail) for event in found]


def test_client_ids_say_where_they_belong(school):
    assert a_partner(school).client_id.startswith("live_")
    assert a_partner(school, environment="demo").client_id.startswith("demo_")
    assert len(a_partner(school).client_id) == len("live_") + 22


def test_the_key_that_was_shown_is_the_one_that_the_vault_gives_back(held):
    key = kept(held.key)
    opened = vault.open(
        institution_id=key.institution_id, name=keys.sealed_name(key), sealed=bytes(key.sealed)
    )
    assert opened == base64.urlsafe_b64decode(held.encryption_key + "=")
    assert len(opened) == 32


def test_a_key_sealed_for_one_row_does_not_open_as_another(held):
    other = rotate(held, None).key
    with pytest.raises(vault.SealBrokenError):
        vault.open(
            institution_id=other.institution_id,
            name=keys.sealed_name(other),
            sealed=bytes(kept(held.key).sealed),
        )


def test_no_table_and_no_log_line_holds_the_key(held, caplog, capfd):
    caplog.set_level("DEBUG")
    made = rotate(held, NOW + HOUR)
    keys.revoke_key(key=held.key, by=BY, now=NOW)
    dump = ""
    with institution_scope(held.client.institution_id), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"select {table}::text from {table}")
            dump += "\n".join(row for (row,) in cursor.fetchall())
    said = caplog.text + "".join(capfd.readouterr())
    for secret in (held.encryption_key, made.encryption_key):
        raw = base64.urlsafe_b64decode(secret + "=")
        for text in (secret, raw.hex(), base64.b64encode(raw).decode(), secret[:20]):
            assert text not in dump
            assert text not in said
    assert held.key.fingerprint in dump, "the dump looks in the wrong place"
    assert made.encryption_key not in repr(made)


def test_a_rotation_lets_the_older_key_end(held):
    rotate(held, NOW + timedelta(days=7))
    assert kept(held.key).ends_at == NOW + timedelta(days=7)


def test_a_rotation_never_prolongs_a_key_that_ends_sooner(held):
    second = rotate(held, NOW + HOUR)
    keys.revoke_key(key=second.key, by=BY, now=NOW)
    rotate(held, NOW + timedelta(days=30))
    assert kept(held.key).ends_at == NOW + HOUR


def test_a_rotation_at_once_ends_all_older_keys(held):
    second = rotate(held, NOW + HOUR)
    rotate(held, NOW)
    assert {state_of(kept(key), NOW) for key in (held.key, second.key)} == {KeyState.ENDED}


def test_a_third_key_is_refused_while_two_work(held):
    rotate(held, NOW + HOUR)
    with pytest.raises(PartnerError) as refused:
        rotate(held, NOW + HOUR)
    assert refused.value.code == "two_keys"
    with institution_scope(held.client.institution_id):
        assert PartnerKey.objects.filter(client=held.client).count() == 2


def test_revoking_twice_is_one_deed(school, held):
    keys.revoke_key(key=held.key, by=BY, now=NOW)
    keys.revoke_key(key=held.key, by=BY, now=NOW + HOUR)
    assert kept(held.key).revoked_at == NOW
    assert [action for action, _ in events(school)].count("partners:key:revoked") == 1


def test_every_deed_is_on_the_trail_and_says_no_secret(school, held):
    made = rotate(held, NOW + HOUR)
    keys.revoke_key(key=held.key, by=BY, now=NOW)
    clients.change_limit(client=held.client, calls_per_minute=10, by=BY, now=NOW)
    clients.change_limit(client=held.client, calls_per_minute=10, by=BY, now=NOW)
    clients.suspend(client=held.client, reason="They lost a laptop", by=BY, now=NOW)
    clients.suspend(client=held.client, reason="Again", by=BY, now=NOW)
    clients.resume(client=held.client, by=BY, now=NOW)
    clients.resume(client=held.client, by=BY, now=NOW)
    with institution_scope(school.id):
        partner = Partner.objects.get()
    clients.change_partner(partner=partner, name="Portal", contact_email="a@b.example", by=BY, now=NOW)
    clients.change_partner(partner=partner, name="Portal", contact_email="a@b.example", by=BY, now=NOW)
    change_settings(institution=school, secure_token_minutes=5, membership_months=None, by=BY, now=NOW)
    change_settings(institution=school, secure_token_minutes=5, membership_months=None, by=BY, now=NOW)
    client = {"environment": "production", "client": held.client_id}
    assert events(school) == [
        ("partners:partner:created", {}),
        ("partners:client:created", client),
        ("partners:key:issued", client | {"fingerprint": held.key.fingerprint}),
        (
            "partners:key:rotated",
            client
            | {"fingerprint": made.key.fingerprint, "previous": [held.key.fingerprint]}
            | {"ends_at": (NOW + HOUR).isoformat()},
        ),
        ("partners:key:revoked", client | {"fingerprint": held.key.fingerprint}),
        ("partners:client:limited", client | {"before": 60000, "after": 10}),
        ("partners:client:suspended", client),
        ("partners:client:resumed", client),
        ("partners:partner:changed", {"fields": ["name", "contact_email"]}),
        ("partners:settings:changed", {"secure_token_minutes": [10, 5], "membership_months": [12, None]}),
    ]  # fmt: skip


def test_a_suspended_client_keeps_the_first_reason_until_it_works_again(held):
    clients.suspend(client=held.client, reason="They\nlost a laptop", by=BY, now=NOW)
    stopped = clients.suspend(client=held.client, reason="Again", by=BY, now=NOW + HOUR)
    assert (stopped.suspended_at, stopped.suspended_reason) == (NOW, "They lost a laptop")
    free = clients.resume(client=held.client, by=BY, now=NOW)
    assert (free.suspended_at, free.suspended_reason) == (None, "")


def a_named(school, name="Portal", email=""):
    return clients.create_partner(institution=school, name=name, contact_email=email, by=BY, now=NOW)


REFUSED = [
    ("no name", {"name": " \t"}, "name"),
    ("only what cannot be seen", {"name": "\u200b\u202e"}, "name"),
    ("too long", {"name": "x" * 121}, "name"),
    ("taken, in another case", {"name": "PORTAL"}, "name"),
    ("no address", {"name": "Other", "email": "nobody"}, "contact_email"),
    ("two addresses", {"name": "Other", "email": "a@b.example, c@d.example"}, "contact_email"),
]


@pytest.mark.parametrize(("given", "field"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_a_partner_cannot_be(school, given, field):
    a_named(school)
    with pytest.raises(PartnerError) as refused:
        a_named(school, **given)
    assert refused.value.field == field
    with institution_scope(school.id):
        assert Partner.objects.count() == 1


def test_two_schools_may_have_a_partner_of_one_name(school):
    a_named(school)
    a_named(a_school())


def test_a_partner_has_one_client_in_an_environment(school, held):
    with institution_scope(school.id):
        partner = Partner.objects.get()
    with pytest.raises(PartnerError):
        clients.create_client(partner=partner, environment="production", acts_for=school.id, by=BY, now=NOW)
    clients.create_client(partner=partner, environment="demo", acts_for=school.id, by=BY, now=NOW)
    with institution_scope(school.id):
        assert PartnerClient.objects.count() == 2


@pytest.mark.parametrize("limit", [-1, 60_001])
def test_what_a_limit_cannot_be(held, limit):
    with pytest.raises(PartnerError):
        clients.change_limit(client=held.client, calls_per_minute=limit, by=BY, now=NOW)


@pytest.mark.parametrize(
    ("minutes", "months", "field"),
    [
        (0, 12, "secure_token_minutes"), (61, 12, "secure_token_minutes"), (10, 0, "membership_months"),
        (10, 121, "membership_months"),
    ],
)  # fmt: skip
def test_what_the_settings_cannot_be(school, minutes, months, field):
    with pytest.raises(PartnerError) as refused:
        change_settings(
            institution=school, secure_token_minutes=minutes, membership_months=months, by=BY, now=NOW
        )
    assert refused.value.field == field
    assert events(school) == []
