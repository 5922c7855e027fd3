"""The demo institution's account for file transfer: a key on disk, named in `demo credentials`, and a past to look at.

A demo that was loaded before there was file transfer gets it too: each step looks for what it would make.
"""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from django.conf import settings

from pratique.foundation import audit
from pratique.foundation.demo_credentials import SFTP, keep_sign_ins, sftp_key_path, sign_ins
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.rosters import results_file
from pratique.rosters.models import ImportState, RosterImport
from pratique.transfers.actions import outbound
from pratique.transfers.actions.accounts import create_account
from pratique.transfers.actions.arrivals import add_past
from pratique.transfers.actions.keys import add_key, revoke_key
from pratique.transfers.keys import read_public_key
from pratique.transfers.models import InboundFile, InboundState, TransferAccount, TransferEvent, TransferKey
from pratique.transfers.models import TransferSession as Session
from pratique.transfers.queries import results_id, results_name
from pratique.transfers.types import AccountRef

PART = "sis"
NAME = "Harbor State student information system"
_BITS = 3072


def add_sftp(institution: Institution, *, by: audit.Actor, now: datetime) -> bool:
    """Make what is missing of the account, its key and its past; return whether anything was."""
    var = Path(settings.VAR)
    path, people = sftp_key_path(var), sign_ins(var)
    with institution_scope(institution.id):
        account = _account(institution, by=by, now=now)
        key = _known_key(account, path)
        known = any(one["role"] == SFTP and one["username"] == account.username for one in people)
        if key and known:
            return False
        if key is None:
            key = _with_key(account, path, by=by, now=now)
        if not Session.objects.filter(account=account).exists():
            _past(account, key, by=by, now=now)
    _results(account, by=by, now=now)
    # After the commit: a file must not name an account that does not exist. Lost before this line, it is made again.
    others = [one for one in people if one["role"] != SFTP]
    keep_sign_ins(var, [*others, {"role": SFTP, "username": account.username}])
    return True


def _account(institution: Institution, *, by: audit.Actor, now: datetime) -> TransferAccount:
    found = TransferAccount.objects.filter(username=f"{institution.slug}-{PART}").first()
    return found or create_account(
        institution=institution,
        name=NAME,
        username_part=PART,
        contact_email="sis@harbor.example.edu",
        by=by,
        now=now,
    )


def _known_key(account: TransferAccount, path: Path) -> TransferKey | None:
    """Return the key of the account whose private half lies at `path`."""
    try:
        line = _public_line(path.read_bytes())
    except (OSError, ValueError):
        return None
    fingerprint = read_public_key(line, ed25519=False).fingerprint
    return TransferKey.objects.filter(
        account=account, fingerprint=fingerprint, revoked_at__isnull=True
    ).first()


def _with_key(account: TransferAccount, path: Path, *, by: audit.Actor, now: datetime) -> TransferKey:
    """Make a key pair and keep its private half; older keys that nobody has any more are revoked."""
    for key in TransferKey.objects.filter(account=account, revoked_at__isnull=True):
        revoke_key(key=key, by=by, now=now)
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    _keep_private(path, private)
    return add_key(
        account=account, label="sis.harbor.example.edu", text=_public_line(private), by=by, now=now
    )


def _keep_private(path: Path, private: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    fresh.replace(path)


def _public_line(private: bytes) -> str:
    key = load_ssh_private_key(private, password=None).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _past(account: TransferAccount, key: TransferKey, *, by: audit.Actor, now: datetime) -> None:
    """Write what a term's beginning leaves behind: a roster that was processed, one cut short, a client refused.

    These are rows of a log and of files that nobody could bring yet: there is no server in this process to bring them
    to. Their content is what the demo's own roster import was.
    """
    common: dict[str, Any] = {"institution_id": account.institution_id, "account": account}
    came = now - timedelta(hours=6)
    imported = _import_of()
    bringing = Session(
        **common, started_at=came - timedelta(seconds=4), ended_at=came + timedelta(seconds=2), end="client",
        address="192.0.2.14", client="SSH-2.0-OpenSSH_9.2p1", fingerprint=key.fingerprint,
        cipher="aes128-gcm@openssh.com", files_in=1, bytes_in=imported.size if imported else 0,
    )  # fmt: skip
    cut = Session(
        **common, started_at=came - timedelta(days=1), ended_at=came - timedelta(days=1, seconds=-31), end="lost",
        address="192.0.2.14", client="SSH-2.0-OpenSSH_9.2p1", fingerprint=key.fingerprint,
        cipher="aes128-gcm@openssh.com", files_in=0, bytes_in=98_304,
    )  # fmt: skip
    refused = Session(
        **common, started_at=came - timedelta(days=2), ended_at=came - timedelta(days=2), refused="signature_sha1",
        address="192.0.2.14", client="SSH-2.0-libssh2_1.10.0", fingerprint=key.fingerprint,
    )  # fmt: skip
    names = ("harbor-state-2026.csv", "harbor-state-draft.csv")
    files = [
        InboundFile(
            **common, name=names[1], size=98_304, state=InboundState.REMOVED, reason="connection_lost",
            session=cut.id, received_at=came - timedelta(days=1, seconds=-31),
        )
    ]  # fmt: skip
    events = _events(
        common, cut, names[1], [("interrupted", 98_304, "connection_lost"), ("removed", 98_304, "")]
    )
    if imported:
        files.append(
            InboundFile(
                **common,
                name=names[0],
                size=imported.size,
                state=InboundState.PROCESSED,
                sha256=imported.sha256,
                session=bringing.id,
                received_at=came,
                claimed_at=came + timedelta(seconds=3),
                finished_at=came + timedelta(seconds=9),
                roster_import=imported,
            )
        )
        went = [(kind, imported.size, "") for kind in ("uploaded", "claimed", "processed")]
        events += _events(common, bringing, names[0], went)
    add_past(
        account=account, sessions=[bringing, cut, refused], files=files, events=events, by=by, now=now
    )  # fmt: skip


def _events(
    common: dict[str, Any], session: Session, name: str, went: Sequence[tuple[str, int, str]]
) -> list[TransferEvent]:
    began = session.ended_at or session.started_at
    return [
        TransferEvent(
            **common, session=session.id, at=began + timedelta(seconds=3 * step), kind=kind, path=f"/inbound/{name}",
            size=size, reason=reason, id=new_id(),
        )
        for step, (kind, size, reason) in enumerate(went)
    ]  # fmt: skip


def _results(account: TransferAccount, *, by: audit.Actor, now: datetime) -> None:
    """Put the results of the demo's import into the outbound folder, once."""
    with institution_scope(account.institution_id):
        file = InboundFile.objects.filter(account=account, state=InboundState.PROCESSED).first()
        if file is None or file.roster_import is None or file.claimed_at is None:
            return
        content = b"".join(results_file.blocks(file.roster_import))
    outbound.put(
        account=AccountRef(account.institution_id, account.id, account.username), folder="results",
        name=results_name(file.name, file.claimed_at), content=[content], source="results", by=by,
        now=now, file_id=results_id(file.id, file.claimed_at),
    )  # fmt: skip


def _import_of() -> RosterImport | None:
    return RosterImport.objects.filter(state=ImportState.APPLIED).order_by("received_at", "id").first()
