"""Destinations: what may be typed, what is kept secret, and what is believed."""

import json

import pytest

from pratique.connectors.sftp_push.types import Step
from pratique.delivery import queries
from pratique.delivery.actions import destinations as actions
from pratique.delivery.models import Destination
from pratique.delivery.queries import Standing, standing
from pratique.delivery.servers import server_of
from pratique.delivery.types import DestinationError
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from tests.destinations import PASSWORD, a_destination, a_destination_at
from tests.integration.delivery.conftest import QUICK, read
from tests.schools import BY, NOW

pytestmark = pytest.mark.usefixtures("committed")


def change(destination, **fields):
    kept = {
        name: getattr(destination, name)
        for name in ("name", "host", "port", "username", "folder", "contact_email", "allow_old_algorithms")
    }
    return actions.change_destination(destination=destination, by=BY, now=NOW, **{**kept, **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 121}, "name"), ({"host": ""}, "host"),
        ({"host": "sftp://example.edu"}, "host"), ({"host": "a b"}, "host"), ({"host": "-oProxy"}, "host"),
        ({"port": 0}, "port"), ({"port": 65536}, "port"), ({"username": ""}, "username"),
        ({"folder": "x" * 401}, "folder"), ({"folder": "a\nb"}, "folder"),
        ({"contact_email": "nobody"}, "contact_email"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_field(school, fields, field):
    with pytest.raises(DestinationError) as caught:
        a_destination(school, **fields)
    assert caught.value.field == field
    with pytest.raises(DestinationError):
        change(a_destination(school), **fields)


def test_a_name_is_used_once_among_those_that_are_open(school):
    first = a_destination(school, name="Registrar")
    with pytest.raises(DestinationError):
        a_destination(school, name="REGISTRAR")
    actions.close_destination(destination=first, by=BY, now=NOW)
    a_destination(school, name="registrar")


def test_a_password_is_sealed_and_in_no_text(school):
    destination = a_destination(school, password="hunter2 hunter2")
    assert b"hunter2" not in bytes(read(destination).secret)
    server = server_of(read(destination))
    assert (server.password, server.private_key) == ("hunter2 hunter2", "")
    assert "hunter2" not in repr(server)
    with institution_scope(school.id):
        told = json.dumps([one.detail for one in AuditEvent.objects.filter(action__startswith="delivery:")])
    assert "hunter2" not in told


@pytest.mark.parametrize(("kind", "word"), [("ed25519", "ssh-ed25519"), ("rsa", "ssh-rsa")])
def test_a_key_pair_is_made_here_and_only_its_public_half_is_shown(school, kind, word):
    destination = actions.make_key(destination=a_destination(school), kind=kind, by=BY, now=NOW)
    assert destination.public_key.split()[0] == word
    assert destination.public_key.endswith(f"pratique-{school.slug}")
    server = server_of(read(destination))
    assert server.password == ""
    assert server.private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    with pytest.raises(DestinationError):
        actions.make_key(destination=destination, kind="dsa", by=BY, now=NOW)


def test_another_host_is_not_sent_the_password_and_not_believed(school, theirs):
    destination = a_destination_at(theirs, school)
    same = change(destination, name="New name")
    assert same.secret
    assert same.host_keys
    other = change(destination, host="evil.example.com")
    assert (bytes(other.secret), other.host_keys) == (b"", [])


def test_a_key_pair_outlives_another_host(school):
    destination = actions.make_key(destination=a_destination(school), by=BY, now=NOW)
    assert change(destination, host="new.example.edu").secret


def test_a_test_shows_the_key_and_signs_in_only_after_it_was_trusted(school, theirs):
    destination = a_destination(school, host="127.0.0.1", port=theirs.port)
    assert standing(destination) == Standing.NO_HOST_KEY
    tested = actions.try_connection(destination=destination, by=BY, now=NOW, waits=QUICK)
    assert (tested.ready, tested.failure, theirs.passwords) == (False, "host_key_not_pinned", [])
    destination = actions.pin_host_key(destination=destination, host_key=tested.host_key, by=BY, now=NOW)
    assert standing(destination) == Standing.READY
    tested = actions.try_connection(destination=destination, by=BY, now=NOW, waits=QUICK)
    assert tested.ready
    assert tested.steps[-1].step == Step.RENAME
    assert theirs.passwords == [PASSWORD]
    with institution_scope(school.id):
        events = AuditEvent.objects.filter(action="delivery:destination:tested").order_by("id")
        assert [one.detail["ready"] for one in events] == [False, True]


def test_host_keys_are_pinned_once_and_unpinned(school, theirs):
    destination = a_destination_at(theirs, school)
    line = f"sftp.example.edu ssh-ed25519 {theirs.host_key_public} comment"
    assert len(actions.pin_host_key(destination=destination, host_key=line, by=BY, now=NOW).host_keys) == 1
    with pytest.raises(DestinationError):
        actions.pin_host_key(destination=destination, host_key="ssh-ed25519 nonsense", by=BY, now=NOW)
    fingerprint = destination.host_keys[0]["fingerprint"]
    kept = actions.unpin_host_key(destination=destination, fingerprint=fingerprint, by=BY, now=NOW)
    assert standing(kept) == Standing.NO_HOST_KEY
    with pytest.raises(DestinationError):
        actions.resume(destination=kept, by=BY, now=NOW)


def test_closing_forgets_the_secret_and_ends_all(school):
    destination = actions.close_destination(destination=a_destination(school), by=BY, now=NOW)
    assert bytes(destination.secret) == b""
    assert standing(destination) == Standing.CLOSED
    with pytest.raises(DestinationError):
        actions.set_password(destination=destination, password="x", by=BY, now=NOW)


def test_staff_stop_and_resume(school, theirs):
    destination = a_destination_at(theirs, school)
    assert standing(actions.stop(destination=destination, by=BY, now=NOW)) == Standing.STOPPED
    assert actions.stop(destination=destination, by=BY, now=NOW).stopped_for == "staff"
    assert standing(actions.resume(destination=destination, by=BY, now=NOW)) == Standing.READY


def test_lists_are_searched_and_ordered(school):
    for name, host in (("Beta", "x.edu"), ("alpha", "z.edu"), ("Gamma", "y.edu")):
        a_destination(school, name=name, host=host)
    with institution_scope(school.id):
        assert [one.name for one in queries.destinations()] == ["alpha", "Beta", "Gamma"]
        assert [one.name for one in queries.destinations(sort="-host")] == ["alpha", "Gamma", "Beta"]
        assert [one.name for one in queries.destinations(sort="secret", search="Y.EDU")] == ["Gamma"]
        assert queries.destination_by_name("ALPHA").host == "z.edu"
        assert Destination.objects.count() == 3
