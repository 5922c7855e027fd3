"""One server and one committed database for the tests of a module; a school and an account for each test."""

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from django.db import connections

from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.students.models import Student
from pratique.transfers.models import (
    InboundFile,
    OutboundFile,
    TransferAccount,
    TransferEvent,
    TransferSession,
)
from tests.conftest import _empty_all_tables
from tests.schools import HEADER, a_school
from tests.sftp_clients import Clients
from tests.sftp_server import SftpServer, wait_until, work
from tests.transfers import an_account

FINAL = {"processed", "failed", "repeated", "ignored"}


@pytest.fixture(scope="module")
def committed_for_module(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """Let the tests of a module commit for real, and empty the tables after the last."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        connections["default"].close()
        _empty_all_tables(connections["default"].settings_dict["NAME"])
        for alias in connections:
            connections[alias].close()


@pytest.fixture(scope="module")
def sftp(committed_for_module: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A running server."""
    server = SftpServer.in_folder(tmp_path_factory.mktemp("sftp"))
    server.start()
    yield server
    server.stop()


@dataclass
class Place:
    """A school with an account, its clients, and what became of its files."""

    server: SftpServer
    institution: Institution
    account: TransferAccount
    clients: Clients
    folder: Path

    def roster(
        self, name: str = "roster.csv", *, students: int = 3, prefix: str = "s", line_end: str = "\n"
    ) -> Path:
        """Write a small roster into the clients' folder."""
        lines = [HEADER, *(row(f"{prefix}{number}") for number in range(students))]
        path = self.folder / name
        path.write_text("".join(line + line_end for line in lines), newline="")
        return path

    def files(self) -> list[InboundFile]:
        with institution_scope(self.institution.id):
            return list(InboundFile.objects.filter(account_id=self.account.id).order_by("received_at", "id"))

    def file(self, name: str = "roster.csv") -> InboundFile:
        """Return the one file that was brought under `name` and not removed (or overwritten) since."""
        (found,) = [file for file in self.files() if file.name == name and file.state != "removed"]
        return found

    def claimed(self, name: str = "roster.csv") -> InboundFile:
        """Wait until the one file of this name was claimed, and return it."""

        def look() -> InboundFile | None:
            found = [file for file in self.files() if file.name == name and file.claimed_at]
            assert len(found) < 2, "it was claimed twice"
            return found[0] if found else None

        found = wait_until(look, told=self.told)
        assert found
        return found

    def processed(self, name: str = "roster.csv") -> InboundFile:
        """Wait until the one file of this name was claimed, do the worker's part, and return what became of it."""
        self.claimed(name)

        def look() -> InboundFile | None:
            work()
            file = self.file(name)
            return file if file.state in FINAL else None

        found = wait_until(look, told=self.told)
        assert found
        return found

    def students(self) -> list[str]:
        with institution_scope(self.institution.id):
            return sorted(Student.objects.values_list("username", flat=True))

    def outbound(self) -> list[OutboundFile]:
        with institution_scope(self.institution.id):
            return list(OutboundFile.objects.filter(account_id=self.account.id, deleted_at__isnull=True))

    def results(self) -> str:
        """Return the content of the only results file."""
        (found,) = [one for one in self.outbound() if one.folder == "results"]
        name = f"account-{self.account.id}/{found.id}"
        return blob_store().get(institution_id=self.institution.id, name=name).decode()

    def events(self) -> list[tuple[str, str, str]]:
        """Return the log of files as (kind, path, reason)."""
        with institution_scope(self.institution.id):
            found = TransferEvent.objects.filter(account_id=self.account.id).order_by("at", "id")
            return list(found.values_list("kind", "path", "reason"))

    def sessions(self) -> list[TransferSession]:
        with institution_scope(self.institution.id):
            return list(
                TransferSession.objects.filter(account_id=self.account.id).order_by("started_at", "id")
            )

    def listed(self, folder: str = "/inbound") -> dict[str, int]:
        """Return the names and sizes of the files (0: a folder) that the account sees in a folder."""
        with self.clients.paramiko() as there:
            return sizes_of(there.listdir_attr(folder))

    def suspended_for(self) -> str:
        """Return why the account is kept out, or nothing."""
        with institution_scope(self.institution.id):
            return TransferAccount.objects.get(id=self.account.id).suspended_for

    def told(self) -> str:
        """Return how things are, for a test that failed."""
        states = [(file.name, file.state, file.reason, file.size) for file in self.files()]
        return f"{states}\n{self.events()}\n{self.server.said()}"


def sizes_of(listing: Sequence[paramiko.SFTPAttributes]) -> dict[str, int]:
    """Return the names and sizes of the files in a listing; 0 for a folder."""
    return {one.filename: 0 if stat.S_ISDIR(one.st_mode or 0) else one.st_size or 0 for one in listing}


def row(username: str) -> str:
    """A row of the roster for one student."""
    return f"{username}@college.example,{username},Ng,Ana,919-555-2917,03/01/2005,Nursing,Fall 2026,1"


@pytest.fixture
def make_place(sftp: SftpServer, tmp_path: Path) -> Callable[..., Place]:
    """Return a function that makes a school, or another account of one."""

    def make(institution: Institution | None = None, name: str = "", server: SftpServer = sftp) -> Place:
        school = institution or a_school()
        folder = tmp_path / (name or f"account-{len(list(tmp_path.iterdir()))}")
        folder.mkdir()
        made = an_account(school, folder)
        clients = Clients(server, made.account.username, made.private_key_path, folder)
        return Place(server, school, made.account, clients, folder)

    return make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Iterator[Place]:
    yield make_place()
    with suppress(Exception):
        connections["default"].close()
