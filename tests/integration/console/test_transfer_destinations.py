"""Destinations in the console: set up, sign-in, the test that names the step, trust, stopping, deliveries."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.connectors.sftp_push.fake import FakeServer
from pratique.delivery.actions import destinations as actions
from pratique.delivery.models import Delivery, DeliveryState, Destination
from pratique.delivery.queries import Standing
from pratique.delivery.types import FAILURES
from pratique.foundation.tenancy import current_institution
from pratique.screens import words
from tests.destinations import PASSWORD, a_destination, a_destination_at
from tests.integration.console.conftest import text_of
from tests.schools import BY, NOW

pytestmark = pytest.mark.django_db
FORM = {"name": "Housing", "host": "sftp.example.edu", "port": "22", "username": "pratique"}


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    with FakeServer(tmp_path_factory.mktemp("theirs"), password=PASSWORD) as server:
        yield server


@pytest.fixture
def admin(signed_in):
    return signed_in(Role.ADMINISTRATOR)


@pytest.fixture
def held(school):
    return a_destination(school.institution)


@pytest.fixture
def at(held):
    return f"/transfers/destinations/{held.id}/"


def the(school, destination) -> Destination:
    with school.scope():
        return Destination.objects.get(id=destination.id)


def deliver(destination, number=1, **values) -> list[uuid.UUID]:
    from pratique.foundation.tenancy import institution_scope

    with institution_scope(destination.institution_id):
        made = Delivery.objects.bulk_create(
            Delivery(
                institution_id=destination.institution_id, destination=destination, report_key="compliance-summary",
                format="csv", file_name=f"students-{uuid.uuid4()}.csv", requested_at=NOW - timedelta(minutes=back),
                requested_by=str(BY), **values,
            )
            for back in range(number)
        )  # fmt: skip
    return [one.id for one in made]


READS = ["{at}", "{at}deliveries/"]
MANAGES = ["/transfers/destinations/new/", "{at}change/", "{at}password/", "{at}key/", "{at}close/"]
DEEDS = [*MANAGES, "{at}test/", "{at}pin/", "{at}unpin/", "{at}stop/", "{at}resume/"]
WHO = {
    "reviewer": (Role.REVIEWER, 403, 403),
    "coordinator": (Role.COORDINATOR, 200, 403),
    "administrator": (Role.ADMINISTRATOR, 200, 200),
}


@pytest.mark.parametrize(("role", "reads", "manages"), WHO.values(), ids=WHO)
def test_each_role_gets_its_pages(role, reads, manages, signed_in, at, held):
    client = signed_in(role)
    for pattern in READS:
        assert client.get(pattern.format(at=at)).status_code == reads, pattern
    for pattern in MANAGES:
        assert client.get(pattern.format(at=at)).status_code == manages, pattern
    if manages == 403:
        (delivery,) = deliver(held)
        for pattern in [*DEEDS, f"{{at}}deliveries/{delivery}/retry/"]:
            assert client.post(pattern.format(at=at)).status_code == 403, pattern


def test_another_schools_destination_is_nobodys(admin, other_school, school, held, at):
    theirs = a_destination(other_school.institution)
    (delivery,) = deliver(theirs)
    address, nowhere = f"/transfers/destinations/{theirs.id}/", f"/transfers/destinations/{uuid.uuid4()}/"
    for pattern in [*READS, *MANAGES[1:]]:
        found, never = (admin.get(pattern.format(at=one)) for one in (address, nowhere))
        assert (found.status_code, never.status_code) == (404, 404), pattern
        assert text_of(found) == text_of(never)
    for pattern in [*DEEDS[1:], f"{{at}}deliveries/{delivery}/cancel/"]:
        assert admin.post(pattern.format(at=address)).status_code == 404, pattern
    assert admin.post(f"{at}deliveries/{delivery}/cancel/").status_code == 404
    assert theirs.name not in text_of(admin.get("/transfers/"))


def test_a_destination_is_made_with_a_key_whose_public_half_is_shown(admin, school):
    answer = admin.post("/transfers/destinations/new/", FORM, follow=True)
    at = answer.redirect_chain[-1][0]
    assert "Not at all yet" in text_of(answer)
    answer = admin.post(f"{at}key/", {"kind": "ed25519"}, follow=True)
    with school.scope():
        made = Destination.objects.get()
    assert made.public_key in text_of(answer)
    assert "PRIVATE KEY" not in answer.content.decode()
    assert "Housing" in text_of(admin.get("/transfers/"))


WRONG = {
    "no name": ({"name": ""}, "This field is required."),
    "an address in front": ({"host": "sftp://x"}, "without sftp:// before it"),
    "a port that cannot be": ({"port": "70000"}, "Choose a number from 1 to 65535."),
    "no e-mail": ({"contact_email": "nobody"}, "That is no e-mail address."),
}


@pytest.mark.parametrize(("changed", "says"), WRONG.values(), ids=WRONG)
def test_what_a_destination_cannot_be(admin, changed, says):
    answer = admin.post("/transfers/destinations/new/", FORM | changed)
    assert answer.status_code == 422
    assert says in text_of(answer)


def test_a_password_is_never_shown_again(admin, held, at):
    assert admin.post(f"{at}password/", {"password": "s3cret-s3cret"}).status_code == 302
    for path in (at, f"{at}password/", f"{at}change/"):
        page = admin.get(path).content.decode()
        assert "s3cret-s3cret" not in page
        assert PASSWORD not in page
    assert admin.post(f"{at}password/", {"password": ""}).status_code == 422


def test_the_test_shows_the_host_key_and_then_delivers(admin, school, fake):
    destination = a_destination(school.institution, host="127.0.0.1", port=fake.port, password=fake.password)
    at = f"/transfers/destinations/{destination.id}/"
    shown = admin.post(f"{at}test/").getvalue().decode()
    assert "Only if the two agree" in shown
    assert fake.host_key_public in shown
    answer = admin.post(f"{at}pin/", {"host_key": f"ssh-ed25519 {fake.host_key_public}"}, follow=True)
    assert "The host key is trusted." in text_of(answer)
    assert "Files can be delivered" in text_of(admin.post(f"{at}test/"))


def test_the_test_names_the_step_that_failed(admin, school, fake):
    destination = a_destination_at(fake, school.institution)
    actions.set_password(destination=destination, password="wrong", by=BY, now=NOW)
    said = text_of(admin.post(f"/transfers/destinations/{destination.id}/test/"))
    assert "Files cannot be delivered yet" in said
    assert str(FAILURES["sign_in_refused"]) in said


def test_their_server_is_waited_for_outside_the_transaction_of_the_request(admin, school, fake, monkeypatch):
    destination, seen = a_destination_at(fake, school.institution), []
    tried = actions.client.try_out

    def watched(*given, **named):
        seen.append((current_institution(), len(connection.savepoint_ids)))
        return tried(*given, **named)

    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(actions.client, "try_out", watched)
    assert "Files can be delivered" in text_of(admin.post(f"/transfers/destinations/{destination.id}/test/"))
    assert seen == [(None, outside)]


def test_a_host_key_that_is_none_is_refused(admin, at):
    answer = admin.post(f"{at}pin/", {"host_key": "hello"})
    assert answer.status_code == 422
    assert "That is no SSH public key." in text_of(answer)


def test_stopping_resuming_and_trusting_no_more(admin, school, fake):
    destination = a_destination_at(fake, school.institution)
    at = f"/transfers/destinations/{destination.id}/"
    said = text_of(admin.post(f"{at}stop/", follow=True))
    assert "Somebody stopped the deliveries." in said
    assert "Somebody stopped the deliveries." in text_of(admin.get("/transfers/")), (
        "health comes first there too"
    )
    assert the(school, destination).stopped_for == "staff"
    assert "Deliveries go on." in text_of(admin.post(f"{at}resume/", follow=True))
    assert the(school, destination).stopped_at is None
    (trusted,) = the(school, destination).host_keys
    admin.post(f"{at}unpin/", {"fingerprint": trusted["fingerprint"]})
    assert the(school, destination).host_keys == []
    assert "needs a way to sign in" in text_of(admin.post(f"{at}resume/", follow=True))


def test_closing_forgets_the_secret(admin, school, held, at):
    deliver(held, 2, state=DeliveryState.WAITING)
    assert "2 deliveries that wait are cancelled." in text_of(admin.get(f"{at}close/"))
    assert "The destination is closed." in text_of(admin.post(f"{at}close/", follow=True))
    assert bytes(the(school, held).secret) == b""
    assert "This destination is closed." in text_of(admin.post(f"{at}stop/", follow=True))


def test_deliveries_are_listed_in_words_and_tried_again(admin, held, at, school):
    (failed,) = deliver(
        held,
        state=DeliveryState.FAILED,
        failure="folder_missing",
        size=9,
        finished_at=NOW - timedelta(days=60),
    )
    (waiting,) = deliver(
        held, state=DeliveryState.WAITING, tries=2, failure="connect_timeout", next_try_at=NOW
    )
    said = text_of(admin.get(f"{at}deliveries/"))
    assert str(FAILURES["folder_missing"]) in said
    assert "2 tries so far" in said
    assert "1 delivery" in text_of(admin.get(f"{at}deliveries/?state=failed"))
    assert "Nothing fits these filters" in text_of(admin.get(f"{at}deliveries/?q=zzz"))
    assert "The delivery is cancelled." in text_of(
        admin.post(f"{at}deliveries/{waiting}/cancel/", follow=True)
    )
    assert "It cannot be cancelled any more." in text_of(
        admin.post(f"{at}deliveries/{waiting}/cancel/", follow=True)
    )
    assert "cannot be delivered to yet" in text_of(admin.post(f"{at}deliveries/{failed}/retry/", follow=True))
    assert admin.post(f"{at}deliveries/{failed}/eat/").status_code == 404


def test_the_lists_take_a_fixed_number_of_queries(admin, held, at, school):
    deliver(held, 2)
    counts = []
    for _round in range(2):
        for path in ("/transfers/", at, f"{at}deliveries/?sort=file_name"):
            with CaptureQueriesContext(connection) as made:
                assert admin.get(path).status_code == 200
            counts.append(len(made))
        deliver(held, 60)
        for _more in range(4):
            a_destination(school.institution)
    assert counts[:3] == counts[3:]


def test_every_state_has_its_words():
    for kind, states in (("destination", Standing), ("delivery", DeliveryState.values)):
        for state in states:
            assert words.chip(kind, str(state)) is not words.UNKNOWN
