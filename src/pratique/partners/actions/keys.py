"""Encryption keys of a client: issued (shown once), rotated with an overlap, revoked at once.

A key is sealed by the vault under the institution that made the client, bound to its own id. Sealing may commit
that institution's data key by itself (`foundation.vault.actions`), which a rollback here does not undo.
"""

import hashlib
import os
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from pratique.foundation import audit, vault
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.partners import policies
from pratique.partners.actions.withdrawal import withdraw_tokens
from pratique.partners.errors import PartnerError
from pratique.partners.models import PartnerClient, PartnerKey

KEY_BYTES = 32


@dataclass(frozen=True, repr=False)
class IssuedKey:
    """A key as it is made. `encryption_key` is base64url without padding; nobody can read it again later."""

    key: PartnerKey
    encryption_key: str


def sealed_name(key: PartnerKey) -> str:
    """Return the name that a key is sealed under: opening it under another one fails."""
    return f"partner-key/{key.id}"


def issue_key(
    *, client: PartnerClient, by: audit.Actor, now: datetime, ends_previous_at: datetime | None = None
) -> IssuedKey:
    """Make another key for a client. The keys that work now end at `ends_previous_at`, or sooner if they do anyway.

    With None they go on. Raises PartnerError if more than two would work then.
    """
    institution_id = client.institution_id
    with institution_scope(institution_id):
        # The client's row is the lock: two rotations at once would leave three keys.
        kept = PartnerClient.objects.select_for_update().get(id=client.id)
        working = policies.living(PartnerKey.objects.filter(client=kept).order_by("created_at", "id"), now)
        if (
            policies.living_after_issue(working, ends_previous_at=ends_previous_at, now=now)
            > policies.MOST_LIVING_KEYS
        ):
            raise PartnerError(
                "two_keys", _("Two keys work already. Revoke one first, or end the older ones at once.")
            )
        secret = os.urandom(KEY_BYTES)
        key = PartnerKey(
            id=new_id(), institution_id=institution_id, client=kept, identifier=kept.identifier,
            fingerprint=hashlib.sha256(secret).hexdigest()[:16], created_at=now, created_by=str(by),
        )  # fmt: skip
        key.sealed = vault.seal(institution_id=institution_id, name=sealed_name(key), content=secret)
        key.save(force_insert=True)
        ended = _end(working, at=ends_previous_at)
        audit.record(
            "partners:key:rotated" if working else "partners:key:issued",
            institution_id=institution_id, by=by, now=now, subject_type="partner", subject_id=kept.partner_id,
            detail={"environment": kept.environment, "client": kept.identifier, "fingerprint": key.fingerprint}
            | ({"previous": ended, "ends_at": ends_previous_at.isoformat()} if ends_previous_at else {}),
        )  # fmt: skip
    return IssuedKey(key, urlsafe_b64encode(secret).rstrip(b"=").decode("ascii"))


def revoke_key(*, key: PartnerKey, by: audit.Actor, now: datetime) -> PartnerKey:
    """Stop a key at once, every session under it, and the client's tokens that nobody has used yet.

    One that is revoked already stays as it is.
    """
    with institution_scope(key.institution_id):
        kept = PartnerKey.objects.select_related("client").select_for_update(of=("self",)).get(id=key.id)
        if kept.revoked_at is None:
            kept.revoked_at, kept.revoked_by = now, str(by)
            kept.save(update_fields=["revoked_at", "revoked_by"])
            withdraw_tokens(client=kept.client, now=now)
            audit.record(
                "partners:key:revoked", institution_id=kept.institution_id, by=by, now=now,
                subject_type="partner", subject_id=kept.client.partner_id,
                detail={"environment": kept.client.environment, "client": kept.identifier,
                        "fingerprint": kept.fingerprint},
            )  # fmt: skip
    return kept


def _end(keys: Sequence[PartnerKey], *, at: datetime | None) -> list[str]:
    """Let these keys end at a time (None: not); return their fingerprints. What ends sooner is not prolonged."""
    if at is None:
        return []
    for key in keys:
        if key.ends_at is None or key.ends_at > at:
            key.ends_at = at
            key.save(update_fields=["ends_at"])
    return [key.fingerprint for key in keys]
