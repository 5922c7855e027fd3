"""Public keys of transfer accounts: added and revoked. Which keys are taken is `transfers.keys`."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.transfers import account_rules as rules
from pratique.transfers.actions.accounts import open_account, record
from pratique.transfers.errors import TransferError
from pratique.transfers.keys import read_public_key
from pratique.transfers.models import TransferAccount, TransferKey

# Each log-in compares with all of them; rotation needs two.
MOST_KEYS = 20


def add_key(
    *, account: TransferAccount, label: str, text: str, by: audit.Actor, now: datetime
) -> TransferKey:
    """Let a public key sign in to the account, beside those that do. Without a label it gets the key's own comment.

    Raises TransferError: what is wrong with the key, or it is there already, was revoked, or there are too many.
    """
    read = read_public_key(text, ed25519=settings.SFTP_ED25519)
    named = rules.label(label.strip() or read.comment)
    with institution_scope(account.institution_id):
        kept = open_account(account)
        before = list(TransferKey.objects.filter(account=kept).values_list("fingerprint", "revoked_at"))
        if (read.fingerprint, None) in before:
            raise TransferError("key_known", _("This key can sign in already."), "text")
        if read.fingerprint in {fingerprint for fingerprint, _revoked in before}:
            raise TransferError(
                "key_revoked", _("This key was revoked, and that is for good. Make a new one."), "text"
            )
        if sum(revoked is None for _fingerprint, revoked in before) >= MOST_KEYS:
            raise TransferError(
                "too_many", _("An account has at most 20 keys. Revoke one that nobody uses."), "text"
            )
        key = TransferKey.objects.create(
            institution_id=kept.institution_id, account=kept, username=kept.username, label=named,
            algorithm=read.algorithm, bits=read.bits, public_data=read.public_data, fingerprint=read.fingerprint,
            created_at=now, created_by=str(by),
        )  # fmt: skip
        record("added", kept, by=by, now=now, of="key", fingerprint=key.fingerprint, label=named)
    return key


def revoke_key(*, key: TransferKey, by: audit.Actor, now: datetime) -> TransferKey:
    """Let a key sign in no more; sessions under it are ended within seconds. One that is revoked stays as it is."""
    with institution_scope(key.institution_id):
        kept = TransferKey.objects.select_related("account").select_for_update(of=("self",)).get(id=key.id)
        if kept.revoked_at is None:
            kept.revoked_at, kept.revoked_by = now, str(by)
            kept.save(update_fields=["revoked_at", "revoked_by"])
            record(
                "revoked",
                kept.account,
                by=by,
                now=now,
                of="key",
                fingerprint=kept.fingerprint,
                label=kept.label,
            )
    return kept
