"""What happens to transfer accounts: made, changed, suspended, let in again, closed. Keys are `actions.keys`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.transfers import account_rules as rules
from pratique.transfers.errors import TransferError
from pratique.transfers.models import SuspendedFor, TransferAccount, TransferKey


def create_account(
    *,
    institution: Institution,
    name: str,
    username_part: str,
    contact_email: str,
    by: audit.Actor,
    now: datetime,
) -> TransferAccount:
    """Create an account without keys; its username is `<slug>-<username_part>`, for good.

    Raises TransferError (a name is empty, too long or taken; no address).
    """
    account = TransferAccount(
        institution=institution, username=rules.username(institution.slug, username_part),
        name=rules.account_name(name), contact_email=rules.address(contact_email), created_at=now,
    )  # fmt: skip
    with institution_scope(institution.id):
        try:
            with transaction.atomic():
                account.save(force_insert=True)
        except IntegrityError:
            raise TransferError(
                "username_taken", _("This username is not free. Choose another one."), "username_part"
            ) from None
        record("created", account, by=by, now=now)
    return account


def change_account(
    *,
    account: TransferAccount,
    name: str,
    contact_email: str,
    networks: str,
    most_sessions: int,
    by: audit.Actor,
    now: datetime,
) -> TransferAccount:
    """Change what may change; the same as before changes nothing. `networks` as people write them.

    Raises TransferError.
    """
    given: dict[str, Any] = {
        "name": rules.account_name(name), "contact_email": rules.address(contact_email),
        "networks": list(rules.networks(networks)), "most_sessions": rules.most_sessions(most_sessions),
    }  # fmt: skip
    with institution_scope(account.institution_id):
        kept = open_account(account)
        changed = [field for field, value in given.items() if getattr(kept, field) != value]
        if changed:
            for field in changed:
                setattr(kept, field, given[field])
            kept.save(update_fields=changed)
            record("changed", kept, by=by, now=now, fields=changed)
    return kept


def suspend(
    *,
    account: TransferAccount,
    reason: str,
    by: audit.Actor,
    now: datetime,
    because: SuspendedFor = SuspendedFor.STAFF,
) -> TransferAccount:
    """Keep an account out until it is lifted. One that is suspended stays as it is, with its first reason.

    Sessions that are open are ended by the servers that have them, within seconds. Raises TransferError without a
    reason, and for an account that is closed.
    """
    said = rules.reason(reason)
    with institution_scope(account.institution_id):
        kept = open_account(account)
        if kept.suspended_at is None:
            kept.suspended_at, kept.suspended_by = now, str(by)
            kept.suspended_for, kept.suspended_reason = because, said
            kept.save(update_fields=_SUSPENSION)
            record("suspended", kept, by=by, now=now, reason=said, suspended_for=because.value)
    return kept


def lift(*, account: TransferAccount, reason: str, by: audit.Actor, now: datetime) -> TransferAccount:
    """Let a suspended account in again; `reason` goes into the audit trail. One that is not suspended stays as it is.

    Raises TransferError without a reason, and for an account that is closed.
    """
    said = rules.reason(reason)
    with institution_scope(account.institution_id):
        kept = open_account(account)
        if kept.suspended_at is not None:
            lifted = kept.suspended_for
            kept.suspended_at, kept.suspended_by, kept.suspended_for, kept.suspended_reason = None, "", "", ""
            kept.save(update_fields=_SUSPENSION)
            record("lifted", kept, by=by, now=now, reason=said, suspended_for=lifted)
    return kept


def close_account(*, account: TransferAccount, by: audit.Actor, now: datetime) -> TransferAccount:
    """Close an account for good, and revoke its keys. One that is closed stays as it is. Its files and log stay."""
    with institution_scope(account.institution_id):
        kept = TransferAccount.objects.select_for_update().get(id=account.id)
        if kept.closed_at is None:
            kept.closed_at = now
            kept.save(update_fields=["closed_at"])
            keys = TransferKey.objects.filter(account=kept, revoked_at__isnull=True)
            revoked = keys.update(revoked_at=now, revoked_by=str(by))
            record("closed", kept, by=by, now=now, keys_revoked=revoked)
    return kept


def open_account(account: TransferAccount) -> TransferAccount:
    """Return the account, locked until the transaction ends. Raises TransferError if it is closed."""
    kept = TransferAccount.objects.select_for_update().get(id=account.id)
    if kept.closed_at is not None:
        raise TransferError("closed", _("This account is closed."))
    return kept


def record(
    verb: str, account: TransferAccount, *, by: audit.Actor, now: datetime, of: str = "account", **detail: Any
) -> None:
    """Append an audit row about an account (or, with `of`, about its keys)."""
    audit.record(
        f"transfers:{of}:{verb}", institution_id=account.institution_id, by=by, now=now,
        subject_type="transfer_account", subject_id=account.id, detail={"username": account.username} | detail,
    )  # fmt: skip


_SUSPENSION: Sequence[str] = ("suspended_at", "suspended_by", "suspended_for", "suspended_reason")
