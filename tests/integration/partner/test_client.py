"""The client against the product over HTTP: what an integrator's program meets."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from typer.testing import CliRunner

from pratique.foundation import clock
from pratique.foundation.demo_credentials import keep_sign_ins
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, Tracker
from pratique.interfaces.cli import partner as command
from pratique.interfaces.partner import methods
from pratique.partner_client.answers import PackageRow
from pratique.partner_client.client import PartnerClient
from pratique.partner_client.dates import CENTRAL, to_long
from pratique.partner_client.errors import NotAuthenticated, PartnerError, RateLimited, Unreachable
from pratique.partner_client.fields import LONGS, METHODS
from pratique.partners.actions.keys import revoke_key
from pratique.partners.models import PartnerSession
from pratique.students.models import Student
from tests.partners import TestPartner, a_partner
from tests.schools import BY, EXAM, MMR, a_school, requires

ALBERT = {
    "username": "amagnus", "vendor_key": "Azy834Itlw0", "first_name": "Albert", "last_name": "O'Brien, Jr.",
    "phone": "919-599-2917", "email": "albert.magnus@example.edu", "date_of_birth": date(1978, 3, 22),
}  # fmt: skip


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """A test's requests are nobody's news."""


@dataclass
class Place:
    """A server, a school with two requirements, and its partner."""

    url: str
    school: Institution
    partner: TestPartner
    code: str
    tracker: str

    def client(self, partner: TestPartner | None = None, **options) -> PartnerClient:
        who = partner or self.partner
        return PartnerClient(self.url, who.client_id, who.encryption_key, **options)


@pytest.fixture
def place(committed: None) -> Iterator[Place]:
    cache.clear()
    school = a_school()
    requires(school, MMR, EXAM)
    partner = a_partner(school)
    with institution_scope(school.id):
        code = Package.objects.get().code
        tracker = Tracker.objects.order_by("name").first().name
    server = ThreadedWSGIServer(("localhost", 0), _Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Place(f"http://localhost:{server.server_port}", school, partner, code, tracker)
    server.shutdown()
    server.server_close()
    thread.join()
    connections.close_all()


@pytest.fixture
def client(place: Place) -> Iterator[PartnerClient]:
    with place.client() as made:
        yield made


def test_a_student_from_first_call_to_archive(place, client):
    began = clock.now() - timedelta(seconds=1)
    made = client.create_user(**ALBERT, registration_code=place.code, expiration_date=date(2031, 6, 30))
    assert made.username == "amagnus"
    assert len(made.secure_token) == 32
    student = {"account_token": made.account_token, "vendor_key": ALBERT["vendor_key"]}
    on_package = student | {"code": place.code}

    nothing = client.get_user(**on_package)
    assert (nothing.tracker_name, nothing.due_date, nothing.items, nothing.complete) == (
        "None Selected", None, (), False,
    )  # fmt: skip
    assert client.get_package_counts(code=place.code) == [
        PackageRow("Azy834Itlw0", 0, 0, False, "None Selected", False)
    ]

    assert client.set_tracker(**on_package, tracker_name=place.tracker) is True
    told = client.get_user(**on_package)
    assert (told.tracker_name, told.num_complete, told.num_items, told.complete) == (
        place.tracker, 0, 2, False,
    )  # fmt: skip
    assert told.due_date is not None
    assert {item.item_name for item in told.items} == {"MMR", "Physical exam"}
    assert {item.item_status for item in told.items} == {"incomplete"}
    assert [
        row.num_items for row in client.get_package_counts_since(code=place.code, delta_start_date=began)
    ] == [2]
    later = datetime.now(CENTRAL) + timedelta(days=2)
    assert client.get_package_counts_since(code=place.code, delta_start_date=later) == []

    assert client.get_membership_status(**on_package) == "active"
    assert client.set_membership_status(**on_package, status="archive") == "archive"
    assert client.set_membership_status(**on_package, status="archive") == "archive"
    assert client.get_membership_status(**on_package) == "archive"
    assert client.get_package_counts(code=place.code) == []
    assert client.set_membership_status(**on_package, status="active") == "active"

    again = client.create_user(**ALBERT, registration_code=place.code)
    assert (again.account_token, again.username) == (made.account_token, "amagnus")
    assert again.secure_token != made.secure_token
    assert client.secure_token(**student) not in {made.secure_token, again.secure_token}


def test_the_client_knows_the_methods_and_fields_that_there_are():
    there = {
        name: {f"{field.name}{'' if field.required else '?'}" for field in method.fields} - {"nonce"}
        for name, method in methods.METHODS.items()
    }
    assert {name: set(names) for name, names in METHODS.items()} == there
    longs = {
        field.name for method in methods.METHODS.values() for field in method.fields if field.kind == "long"
    }
    assert longs == LONGS


def test_errors_come_as_what_they_are(place, client):
    made = client.create_user(**ALBERT, registration_code=place.code)
    student = {"account_token": made.account_token, "vendor_key": ALBERT["vendor_key"]}
    for expected, status, call in [
        (
            "TRACKER_UNKNOWN",
            404,
            lambda: client.set_tracker(**student, code=place.code, tracker_name="No such"),
        ),
        ("PACKAGE_UNKNOWN", 404, lambda: client.get_package_counts(code="NOPE")),
        ("STUDENT_UNKNOWN", 404, lambda: client.secure_token(account_token="x", vendor_key="y")),
        ("FIELD_MISSING", 400, lambda: client.call("getPackageCounts")),
        ("METHOD_UNKNOWN", 404, lambda: client.call("getEverything")),
        ("METHOD_UNKNOWN", 404, lambda: client.call("createuser")),
    ]:
        with pytest.raises(PartnerError) as raised:
            call()
        assert (raised.value.code, raised.value.status) == (expected, status)
        assert raised.value.message


def test_a_nonce_is_good_once(place, client):
    client.get_package_counts(code=place.code, nonce="267446780000")
    with pytest.raises(PartnerError) as raised:
        client.get_package_counts(code=place.code, nonce="267446780000")
    assert (raised.value.code, raised.value.field, raised.value.status) == ("NONCE_REPEATED", "nonce", 409)


def test_a_clock_that_is_wrong_is_told(place):
    with place.client(now=lambda: clock.now().timestamp()) as client:
        client.get_package_counts(code=place.code)
        client._now = lambda: clock.now().timestamp() - 360
        with pytest.raises(PartnerError) as raised:
            client.get_package_counts(code=place.code)
    assert raised.value.code == "CLOCK_SKEW"


def test_the_limit_of_a_client(place):
    slow = a_partner(place.school, calls_per_minute=2)
    with place.client(slow) as client, pytest.raises(RateLimited) as raised:
        # Five, because a minute may end in between.
        [client.get_package_counts(code=place.code) for _ in range(5)]
    assert raised.value.status == 429
    assert 0 < raised.value.retry_after <= 60


def test_a_wrong_key_and_an_unknown_client_are_told_alike(place):
    other = a_partner(place.school)
    told = []
    for client_id, key in [
        (place.partner.client_id, other.encryption_key),
        ("live_" + "x" * 22, place.partner.encryption_key),
    ]:
        with PartnerClient(place.url, client_id, key) as client, pytest.raises(NotAuthenticated) as raised:
            client.get_package_counts(code=place.code)
        told.append((str(raised.value), raised.value.status))
    assert told[0] == told[1]
    assert told[0][1] == 401


def test_a_session_that_the_server_forgot_is_opened_anew(place):
    steps = []
    with place.client(trace=steps.append) as client:
        client.get_package_counts(code=place.code)
        with institution_scope(place.school.id):
            PartnerSession.objects.all().delete()
        client.get_package_counts(code=place.code)
    assert len([step for step in steps if step.startswith("session opened")]) == 2
    assert [step.split(" in ")[0] for step in steps if " HTTP " in step] == [
        "authenticate: HTTP 200", "getPackageCounts: HTTP 200", "getPackageCounts: HTTP 401",
        "authenticate: HTTP 200", "getPackageCounts: HTTP 200",
    ]  # fmt: skip


def test_a_revoked_key_ends_the_session_at_once(place, client):
    client.get_package_counts(code=place.code)
    with institution_scope(place.school.id):
        revoke_key(key=place.partner.key, by=BY, now=clock.now())
    with pytest.raises(NotAuthenticated):
        client.get_package_counts(code=place.code)


def test_threads_create_one_student(place, client):
    made, start = [], threading.Barrier(8)

    def work():
        start.wait()
        made.append(client.create_user(**ALBERT, registration_code=place.code))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({each.account_token for each in made}) == 1
    assert len({each.secure_token for each in made}) == 8


def test_another_page_of_the_product_is_not_the_api(place):
    with (
        PartnerClient(
            f"{place.url}/account", place.partner.client_id, place.partner.encryption_key
        ) as client,
        pytest.raises(Unreachable) as raised,
    ):
        client.get_package_counts(code=place.code)
    assert raised.value.code == "UNREADABLE_ANSWER"


# --- the command ----------------------------------------------------------------------------------------------


def run(place, *arguments, key=None, **environment):
    return CliRunner().invoke(
        command.app,
        ["call", *arguments],
        env={"PRATIQUE_PARTNER_KEY": key or place.partner.encryption_key} | environment,
    )


def as_partner(place):
    return ["--url", place.url, "--client-id", place.partner.client_id]


def test_the_command_prints_the_answer(place):
    made = run(
        place, "createUser", "username=amagnus", "vendorKey=A1", "firstName=Albert", "lastName=Peña=Ruiz", "phone=",
        "email=", "dateOfBirth=1978-03-22", "expirationDate=2031-06-30", f"registrationCode={place.code}",
        *as_partner(place),
    )  # fmt: skip
    assert (made.exit_code, made.stderr) == (0, "")
    answer = json.loads(made.stdout)
    assert set(answer) == {"secureToken", "accountToken", "username"}
    counts = run(
        place, "getPackageCountsSince", f"code={place.code}", "deltaStartDate=2020-01-01", *as_partner(place)
    )
    assert [row["vendorKey"] for row in json.loads(counts.stdout)["packageDetails"]] == ["A1"]


def test_the_command_says_what_to_do(place):
    run(place, "getPackageCounts", f"code={place.code}", "nonce=7", *as_partner(place))
    refused = run(place, "getPackageCounts", f"code={place.code}", "nonce=7", *as_partner(place))
    assert (refused.exit_code, refused.stdout) == (1, "")
    first, second = refused.stderr.splitlines()
    assert first.startswith("NONCE_REPEATED (HTTP 409, field nonce): ")
    assert second.startswith("Remedy: Send the call again with a fresh nonce")


def test_the_command_tells_its_steps_without_secrets(place):
    told = run(place, "getPackageCounts", f"code={place.code}", *as_partner(place), "-v")
    steps = told.stderr.splitlines()
    assert [step.split(" ")[0] for step in steps] == [
        "POST",
        "authenticate:",
        "session",
        "POST",
        "getPackageCounts:",
    ]
    assert place.partner.encryption_key not in told.output
    with institution_scope(place.school.id):
        assert place.partner.client_id + "." not in told.output


def test_the_command_calls_as_the_demo_partner(place, tmp_path):
    keep_sign_ins(
        tmp_path,
        [
            {"role": "coordinator", "username": "c", "password": "p"},
            {
                "role": "partner", "client_id": place.partner.client_id,
                "encryption_key": place.partner.encryption_key, "base_url": "http://elsewhere.example",
                "package_code": place.code, "tracker_names": [place.tracker],
            },
        ],
    )  # fmt: skip
    here = {"PRATIQUE_VAR": str(tmp_path), "PRATIQUE_PORT": place.url.rpartition(":")[2]}
    told = run(place, "getPackageCounts", "--demo", key="A" * 43, **here)
    assert (told.exit_code, told.stdout) == (0, '{"packageDetails":[]}\n')
    made = run(
        place, "createUser", "username=a", "vendorKey=A1", "firstName=A", "lastName=B", "phone=", "email=",
        "dateOfBirthString=03/22/1978", "--demo", **here,
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    other = run(place, "getPackageCounts", "code=NOPE", "--demo", **here)
    assert other.stderr.startswith("PACKAGE_UNKNOWN")


def test_a_date_of_birth_as_a_long_is_that_day(place, client):
    client.call(
        "createUser", username="a", vendorKey="A1", firstName="A", lastName="B", phone="", email="",
        dateOfBirth=to_long(date(2004, 4, 4)), registrationCode=place.code,
    )  # fmt: skip
    with institution_scope(place.school.id):
        assert Student.objects.get().date_of_birth == date(2004, 4, 4)
