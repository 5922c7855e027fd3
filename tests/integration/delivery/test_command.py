"""`pratique deliver`, as people and scripts call it."""

import threading

import orjson
import pytest
from django.db import connection
from pysequoia import Tsk
from typer.testing import CliRunner

from pratique.accounts.actions import create_staff
from pratique.accounts.roles import Role
from pratique.delivery import sending
from pratique.delivery.models import Delivery
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli import deliver as command
from pratique.transfers import outbound
from tests.destinations import a_destination_at
from tests.integration.delivery.conftest import QUICK, REPORT, content
from tests.schools import BY, NOW
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(command, "_LOOK_EVERY_SECONDS", 0.02)


@pytest.fixture
def destination(school, theirs):
    return a_destination_at(theirs, school, name="Registrar")


def call(school, *arguments, report=REPORT):
    return CliRunner().invoke(command.app, [report, "--institution", school.slug, *arguments])


class Worker(threading.Thread):
    """Tries each delivery of a school that waits, once, as soon as it is there."""

    def __init__(self, school):
        super().__init__(daemon=True)
        self.school, self.tried, self.over = school, set(), threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            with institution_scope(self.school.id):
                waiting = list(Delivery.objects.filter(state="waiting").exclude(id__in=self.tried))
            for delivery in waiting:
                self.tried.add(delivery.id)
                sending.send(self.school.id, delivery.id, waits=QUICK)
        connection.close()

    def __enter__(self):
        self.start()

    def __exit__(self, *_error):
        self.over.set()
        self.join(30)


def test_a_report_is_delivered_to_an_account_by_its_username(school, tmp_path):
    account = an_account(school, tmp_path)
    with Worker(school):
        done = call(
            school,
            "--to",
            account.username,
            "--name",
            "students-{date:%Y}.jsonl",
            "--format",
            "jsonl",
            "--wait",
        )
    assert done.exit_code == 0, done.output
    (file,) = outbound.listed(school.id, account.account.id)
    assert f"Delivered {file.name} ({file.size:,} bytes) to {account.username}." in done.output
    assert file.name.endswith(".jsonl")


def test_a_report_is_delivered_to_a_destination_by_its_name(school, theirs, destination):
    with Worker(school):
        done = call(school, "--to", "registrar", "--filter", "on_campus=yes", "--wait", "--json")
    assert done.exit_code == 0, done.output
    told = orjson.loads(done.stdout)
    assert (told["state"], told["to"], told["tries"], told["sentence"]) == ("delivered", "registrar", 1, "")
    assert [one.name for one in theirs.root.iterdir()] == [told["file"]]


def test_columns_order_and_shape_of_the_file_are_chosen(school, tmp_path):
    account = an_account(school, tmp_path)
    layout, key = tmp_path / "layout.json", tmp_path / "key.asc"
    layout.write_text('{"columns": [{"key": "last_name", "title": "Surname"}, {"key": "student_id"}]}')
    key.write_text(str(Tsk.generate("it@x.edu").extract_certificate()))
    chosen = (
        "--to",
        account.username,
        "--layout",
        str(layout),
        "--sort",
        "-student_id",
        "--bom",
        "--wait",
        "--json",
    )
    with Worker(school):
        plain = orjson.loads(call(school, *chosen).stdout)
        sealed = orjson.loads(call(school, *chosen, "--pgp-key", str(key), "--no-neutralise").stdout)
    assert (plain["state"], sealed["state"]) == ("delivered", "delivered")
    assert content(school, account, plain["file"]).startswith("\ufeffSurname,".encode())
    assert sealed["file"].endswith(".csv.pgp")
    with institution_scope(school.id):
        kept = Delivery.objects.get(id=sealed["id"])
    assert (kept.neutralise, kept.bom, kept.sort) == (False, True, "-student_id")


def test_staff_are_named_by_their_addresses(school):
    with institution_scope(school.id):
        person = create_staff(
            institution=school, username="coordinator", name="Eve O’Neill", role=Role.COORDINATOR,
            password="a long enough password", email="eve@x.edu", by=BY, now=NOW,
        )  # fmt: skip
    done = call(school, "--mail-to", "Eve@x.edu")
    assert done.exit_code == 0, done.output
    with institution_scope(school.id):
        assert Delivery.objects.get().staff == [str(person.id)]


def test_a_file_that_is_no_layout_or_no_key_is_said(school, destination, tmp_path):
    binary = tmp_path / "key.gpg"
    binary.write_bytes(bytes(range(256)))
    for option, says in (("--layout", "no layout"), ("--pgp-key", "no OpenPGP public key")):
        done = call(school, "--to", "Registrar", option, str(binary))
        assert (done.exit_code, says in done.output) == (2, True), done.output
        assert call(school, "--to", "Registrar", option, str(tmp_path)).exit_code == 2


def test_without_waiting_it_is_on_its_way(school, destination):
    done = call(school, "--to", "Registrar")
    assert (done.exit_code, "is on its way to Registrar" in done.output) == (0, True)


def test_a_stopped_destination_is_told_and_not_waited_for(school, theirs, destination):
    theirs.change_host_key()
    with Worker(school):
        done = call(school, "--to", "Registrar", "--wait", "--json")
    told = orjson.loads(done.stdout)
    assert (done.exit_code, told["state"], told["stopped_for"]) == (1, "waiting", "host_key_changed")
    assert "fingerprint" in told["sentence"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "nobody"], "Known: Registrar"),
        ([], "--mail-to"),
        (["--to", "Registrar", "--mail-to", "ana@x.edu"], "--mail-to"),
        (["--mail-to", "nobody@x.edu"], "nobody among staff"),
        (["--to", "Registrar", "--sort", "nothing"], "nothing"),
        (["--to", "Registrar", "--format", "pdf"], "csv"),
        (["--to", "Registrar", "--filter", "package"], "--filter name=value"),
        (["--to", "Registrar", "--filter", "nothing=1"], "nothing"),
        (["--to", "Registrar", "--name", "{student}.csv"], "{date}"),
    ],
    ids=[
        "no-such-place",
        "no-place",
        "two-places",
        "nobody-on-staff",
        "no-such-column",
        "no-such-format",
        "no-filter",
        "unknown-filter",
        "no-such-field",
    ],
)
def test_what_is_wrong_is_said_and_nothing_begins(school, destination, arguments, says):
    done = call(school, *arguments)
    assert done.exit_code == 2
    assert says in done.output
    as_json = call(school, *arguments, "--json")
    assert says in orjson.loads(as_json.stdout)["error"]
    with institution_scope(school.id):
        assert not Delivery.objects.exists()


def test_an_unknown_report_and_school_are_said(school, destination):
    assert call(school, "--to", "Registrar", report="nothing").exit_code == 2
    done = CliRunner().invoke(command.app, [REPORT, "--institution", "none", "--to", "Registrar"])
    assert (done.exit_code, "There is no institution" in done.output) == (2, True)
