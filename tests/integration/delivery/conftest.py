"""A school with students, a customer's server, and a worker's steps done by hand."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from pratique.connectors.sftp_push.fake import FakeServer
from pratique.connectors.sftp_push.types import Waits
from pratique.delivery import sending
from pratique.delivery.actions.deliveries import deliver
from pratique.delivery.models import Delivery, Destination
from pratique.delivery.types import Place
from pratique.foundation import clock
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports.types import Format
from pratique.transfers import outbound
from tests.destinations import PASSWORD
from tests.schools import BY, NOW, a_school, imported
from tests.settings import CLUSTER, ROOT

REPORT = "student-detail"
QUICK = Waits(connect=5, sign_in=10, stall=10)


class Days:
    """The clock of a test: `now` is what it says."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Days:
    days = Days(NOW)
    monkeypatch.setattr(clock, "now", days)
    return days


@pytest.fixture
def theirs(tmp_path: Any) -> Any:
    with FakeServer(tmp_path / "theirs", password=PASSWORD) as server:
        server.root.mkdir()
        yield server


@pytest.fixture
def school() -> Institution:
    school = a_school()
    imported(school, "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1")
    return school


@pytest.fixture
def delivered_to(school: Institution, clocked: Days) -> Callable[..., Delivery]:
    """Return a function that asks for a delivery; nothing is sent yet."""

    def ask(place: Destination | Place, template: str = "students-{n}.csv", **more: Any) -> Delivery:
        there = place if isinstance(place, Place) else Place(destination_id=place.id)
        values = {"report": REPORT, "parameters": {}, "format": Format.CSV, **more}
        return deliver(institution=school, place=there, template=template, by=BY, now=clocked.now, **values)

    return ask


@pytest.fixture(scope="module")
def workers(django_db_setup):
    environment = {
        **os.environ,
        "DATABASE_URL": CLUSTER.url("pratique", connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "pratique.config.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.delivery.sender"],
        env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def killed(workers):
    """Return a function that has another process try a delivery, and die."""

    def kill(delivery, where, now=None):
        at = now.isoformat() if now else ""
        workers.stdin.write(f"{delivery.institution_id} {delivery.id} {where} {at}\n")
        workers.stdin.flush()
        assert workers.stdout.readline().strip() == str(-signal.SIGKILL)
        return read(delivery)

    return kill


def tried(delivery: Delivery) -> Delivery:
    """Try a delivery as a worker does, and return it as it is after that."""
    sending.send(delivery.institution_id, delivery.id, waits=QUICK)
    return read(delivery)


def read(row: Any) -> Any:
    """Return a row as the database has it now."""
    with institution_scope(row.institution_id):
        return type(row).objects.get(id=row.id)


def content(school, account, name):
    """What lies under a name in an account's folder."""
    (file,) = [one for one in outbound.listed(school.id, account.account.id) if one.name == name]
    stored = outbound.stored_name(account.account.id, file.id)
    return blob_store().get(institution_id=school.id, name=stored)
