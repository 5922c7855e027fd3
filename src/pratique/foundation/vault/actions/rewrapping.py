"""Data keys wrapped anew: by a newer wrapping key of their provider, or by another provider.

What is wrapped changes, not the data keys: no file is touched, and processes that remember them go on. Each batch is
one transaction; whoever begins again after an interruption does what is left.
"""

import hmac
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from pratique.foundation import audit
from pratique.foundation.models import DataKey
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.actions.making import WRAPPING_LOCK
from pratique.foundation.vault.errors import KeyLockedError, KeyProviderError
from pratique.foundation.vault.providers import KeyProvider, context_of, provider

BATCH = 100
_EXCLUSIVE = "select pg_advisory_xact_lock(%s)"


def wait_for_wrappers() -> None:
    """Return once every data key that somebody was about to store is stored."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXCLUSIVE, [WRAPPING_LOCK])


def rewrap(
    *,
    institution_id: UUID,
    provider_name: str,
    key_id: str,
    by: audit.Actor,
    now: datetime,
    after: UUID | None = None,
    all_keys: bool = False,
) -> tuple[int, UUID | None]:
    """Wrap a batch of an institution's data keys by `key_id` of a provider; return how many, and the last one's id.

    Those that it wraps already are left alone, unless `all_keys`. Call it again with `after` set to that id until it
    is None. Raises KeyLockedError, KeyProviderError; nothing of the batch is changed then.
    """
    target = provider(provider_name)
    with institution_scope(institution_id):
        rows = DataKey.objects.select_for_update().filter(institution_id=institution_id)
        if not all_keys:
            rows = rows.exclude(provider=provider_name, provider_key_id=key_id)
        if after:
            rows = rows.filter(id__gt=after)
        batch = list(rows.order_by("id")[:BATCH])
        for row in batch:
            _rewrap(row, provider_name, target)
        DataKey.objects.bulk_update(batch, ["wrapped", "provider", "provider_key_id"])
        if batch:
            audit.record(
                "vault:key:rewrapped", institution_id=institution_id, by=by, now=now,
                subject_type="institution", subject_id=institution_id,
                detail={"keys": len(batch), "provider": provider_name, "key": key_id},
            )  # fmt: skip
    return len(batch), batch[-1].id if len(batch) == BATCH else None


def forget_unneeded(
    provider_name: str, *, institution_ids: Callable[[], Iterable[UUID]]
) -> tuple[list[str], list[str]]:
    """Destroy the older wrapping keys of a provider that no data key needs; return those gone and those needed.

    `institution_ids` must return all there are; it is asked when nobody can store a data key any more, so that those
    of an institution that was made a moment ago count too. What is counted stays true.
    """
    holder = provider(provider_name)
    gone, needed = [], []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXCLUSIVE, [WRAPPING_LOCK])
        present = holder.key_id
        named = _named(provider_name, institution_ids())
        for key_id in holder.held():
            if key_id == present:
                continue
            if key_id in named:
                needed.append(key_id)
            else:
                holder.forget(key_id)
                gone.append(key_id)
    return gone, needed


def _rewrap(row: DataKey, provider_name: str, target: KeyProvider) -> None:
    context = context_of(row.institution_id, row.owner_id, row.version)
    key = provider(row.provider).unwrap(bytes(row.wrapped), key_id=row.provider_key_id, context=context)
    fresh = target.wrap(key, context=context)
    # The old wrapping is given up only for one that is known to give the same key back.
    try:
        back = target.unwrap(fresh.data, key_id=fresh.key_id, context=context)
    except KeyLockedError:
        back = b""
    if not hmac.compare_digest(back, key):
        raise KeyProviderError(
            f"The key provider {provider_name} does not give back what it wrapped. Nothing was changed. Check it "
            "with its own tools."
        )
    row.wrapped, row.provider, row.provider_key_id = fresh.data, provider_name, fresh.key_id


def _named(provider_name: str, institution_ids: Iterable[UUID]) -> set[str]:
    named: set[str] = set()
    for institution_id in institution_ids:
        with institution_scope(institution_id):
            rows = DataKey.objects.filter(provider=provider_name).order_by()
            named |= set(rows.values_list("provider_key_id", flat=True).distinct())
    return named
