"""What the school's portal asks of Pratique, as any partner does: over HTTP, with its client id and key."""

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from pratique.interfaces.school_portal.roster import Student
from pratique.partner_client.answers import PackageRow
from pratique.partner_client.client import PartnerClient
from pratique.partner_client.errors import Unreachable

# This page calls the very server that it is a part of. A part of some other system never would: for a demo it is
# fine, since it takes none of the turns that its calls need (config.wsgi), and since what gets no answer soon is over.
SECONDS = 8.0
_KEPT_SECONDS = 5.0

Credentials = Mapping[str, Any]


class Calls(list[str]):
    """The steps of calls as one may show them: each with its time of day, without secrets and people."""

    def note(self, step: str) -> None:
        self.append(f"{datetime.now(UTC):%H:%M:%S.%f}"[:12] + f"  {step}")


@dataclass(frozen=True)
class Standings:
    """What Pratique reported, by student id, and how it was asked. `asked_at`: UTC."""

    rows: Mapping[str, PackageRow]
    asked_at: datetime
    calls: Calls


class _Kept:
    """The newest report of this process, so that turning pages does not ask for 2,000 students each time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = 0.0
        self.client_id = ""
        self.standings: Standings | None = None


_kept = _Kept()


def standings(credentials: Credentials) -> Standings:
    """Return everybody's standing, a few seconds old at most. Raises PartnerError."""
    # Whoever comes meanwhile waits for the first one's answer instead of asking again, but not for ever.
    if not _kept.lock.acquire(timeout=SECONDS):
        raise Unreachable("UNREACHABLE", "Others have been waiting for an answer for too long already.")
    try:
        fresh = time.monotonic() < _kept.until and _kept.client_id == credentials["client_id"]
        if _kept.standings is None or not fresh:
            calls = Calls()
            with _partner(credentials, calls) as partner:
                rows = partner.get_package_counts(code=credentials["package_code"])
            _kept.standings = Standings({row.vendor_key: row for row in rows}, datetime.now(UTC), calls)
            _kept.client_id = credentials["client_id"]
            _kept.until = time.monotonic() + _KEPT_SECONDS
        return _kept.standings
    finally:
        _kept.lock.release()


def forget_standings() -> None:
    """Ask anew the next time."""
    _kept.until = 0.0


def sign_in_address(credentials: Credentials, student: Student, calls: Calls) -> str:
    """Make the student known, if need be, and return where their browser goes to be signed in. Raises PartnerError.

    The address holds a token: it is sent to the browser and written nowhere.
    """
    person = student.person
    with _partner(credentials, calls) as partner:
        created = partner.create_user(
            username=person.username,
            vendor_key=person.student_id,
            first_name=person.first_name,
            last_name=person.last_name,
            phone=person.telephone,
            email=person.username,
            date_of_birth=person.date_of_birth,
            registration_code=credentials["package_code"],
        )
        forget_standings()
        return partner.sign_in_address(created.secure_token)


@contextmanager
def _partner(credentials: Credentials, calls: Calls) -> Iterator[PartnerClient]:
    # The loopback alone is called, over http: no proxy of the environment, no list of authorities to read.
    with httpx.Client(
        timeout=SECONDS, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ) as http:
        yield PartnerClient(
            credentials["base_url"],
            credentials["client_id"],
            credentials["encryption_key"],
            http=http,
            trace=calls.note,
        )
