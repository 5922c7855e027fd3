"""Transfer accounts in a named state, made through the actions that real ones are made through."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
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
from pratique.transfers.models import TransferAccount, TransferKey
from pratique.transfers.types import AccountRef
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


def public_line(private_key: str, comment: str = "") -> str:
    """The public half of a private key, as OpenSSH writes it."""
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
