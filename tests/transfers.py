"""Transfer accounts in a named state, made through the actions that real ones are made through."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import count, cycle
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.transfers.actions.accounts import create_account
from pratique.transfers.actions.keys import add_key
from pratique.transfers.models import (
    InboundFile,
    OutboundFile,
    TransferAccount,
    TransferEvent,
    TransferKey,
    TransferSession,
)
from pratique.transfers.types import ENDS, EVENTS, REASONS, REFUSALS, AccountRef
from tests.schools import BY, NOW


@dataclass(frozen=True)
class TestAccount:
    """An account that can sign in, and the private half of its key on disk (0600) as its own system would have it."""

    __test__ = False  # pytest would take it for tests, by its name

    account: TransferAccount
    key: TransferKey
    private_key_path: Path

    @property
    def username(self) -> str:
        return self.account.username

    @property
    def ref(self) -> AccountRef:
        return AccountRef(self.account.institution_id, self.account.id, self.account.username)


@cache
def a_private_key(number: int = 0, bits: int = 2048) -> str:
    """The private half of an RSA key, as OpenSSH writes it. One for each number and size: making them takes long."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@cache
def public_line(private_key: str, comment: str = "") -> str:
    """The public half of a private key, as OpenSSH writes it. Reading a private one takes long: it is checked."""
    key = load_ssh_private_key(private_key.encode(), password=None).public_key()
    return f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {comment}".strip()


def kept_private_key(private_key: str, folder: Path) -> Path:
    """Write a private key where ssh takes it: readable by its owner alone."""
    path = folder / f"key-{new_id().hex[-12:]}"
    path.touch(mode=0o600)
    path.write_text(private_key)
    return path


def an_account(
    institution: Institution,
    folder: Path,
    *,
    part: str = "",
    name: str = "Student information system",
    contact_email: str = "it@school.example",
    private_key: str = "",
    now: datetime = NOW,
) -> TestAccount:
    """An account with one key, whose private half is written into `folder` (such as `tmp_path`)."""
    private_key = private_key or a_private_key()
    account = create_account(
        institution=institution, name=name, username_part=part or f"t{new_id().hex[-10:]}",
        contact_email=contact_email, by=BY, now=now,
    )  # fmt: skip
    with institution_scope(institution.id):
        key = add_key(account=account, label="Server", text=public_line(private_key), by=BY, now=now)
    return TestAccount(account, key, kept_private_key(private_key, folder))


def with_traffic(
    held: TestAccount, number: int = 1, *, until: datetime = NOW, name: str = "roster.csv"
) -> None:
    """Put files in every state, files to take, sessions of each end and refusal, and events into an account.

    `number` times the whole round, the newest at `until`, each older one a minute apart.
    """
    institution = held.account.institution_id
    common = {"institution_id": institution, "account": held.account}
    at = [until - timedelta(minutes=back) for back in range(number)]
    with institution_scope(institution):
        InboundFile.objects.bulk_create(
            InboundFile(
                **common, name=name, size=1_234_567, state=state, reason=reason, received_at=moment,
                claimed_at=None if state in ("incomplete", "waiting", "removed") else moment + step,
                finished_at=moment + 2 * step if state in ("processed", "failed") else None,
            )
            for moment in at
            for step, (state, reason) in zip(_steps(), INBOUND, strict=False)
        )  # fmt: skip
        OutboundFile.objects.bulk_create(
            OutboundFile(
                **common, folder=folder, name=f"{moment:%H%M%S}.{name}", size=54_321, source="results",
                created_at=moment, first_read_at=moment if folder else None,
            )
            for moment in at
            for folder in ("", "results")
        )  # fmt: skip
        TransferSession.objects.bulk_create(
            TransferSession(
                **common, started_at=moment, ended_at=None if not end and not refused else moment, end=end,
                refused=refused, address="203.0.113.7", client="SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3",
                fingerprint=held.key.fingerprint, cipher="" if refused else "aes256-gcm@openssh.com",
                files_in=0 if refused else 3, bytes_in=0 if refused else 4_321,
            )
            for moment in at
            for end, refused in [("", ""), *[(code, "") for code in ENDS], *[("", code) for code in REFUSALS]]
        )  # fmt: skip
        TransferEvent.objects.bulk_create(
            TransferEvent(**common, at=moment, kind=kind, path=f"/inbound/{name}", size=77, reason=reason)
            for moment in at
            for kind, reason in zip(EVENTS, cycle(["", *REASONS]), strict=False)
        )


# Every state with a reason that it may have.
INBOUND = (
    ("incomplete", "connection_lost"), ("waiting", "settling"), ("waiting", "not_csv"), ("claimed", ""),
    ("importing", ""), ("processed", ""), ("failed", "refused_file"), ("repeated", "same_as_last"),
    ("ignored", "retry"), ("removed", ""),
)  # fmt: skip


def _steps() -> Iterator[timedelta]:
    return (timedelta(seconds=number) for number in count(1))
