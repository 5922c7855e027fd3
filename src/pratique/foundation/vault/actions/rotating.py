"""A new data key for an owner, and everything that is sealed in rows under it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from pratique.foundation import audit
from pratique.foundation.models import DataKey
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import files, providers
from pratique.foundation.vault.actions.making import INSERT, SHARED_LOCK, WRAPPING_LOCK, new_row


@dataclass(frozen=True)
class SealedColumn:
    """A column of a table whose values the vault sealed, each under the name that `name_of` gives its row."""

    model: type[models.Model]
    column: str
    name_of: Callable[[Any], str]


def rotate_data_key(
    *, institution_id: UUID, owner_id: UUID, provider_name: str, by: audit.Actor, now: datetime
) -> int:
    """Make the owner's next data key and return its version. Raises KeyProviderError.

    Files that are there stay under theirs. A process that remembers the present key seals with it for up to
    `keys.REMEMBERED_SECONDS` more.
    """
    provider = providers.provider(provider_name)
    with institution_scope(institution_id), connection.cursor() as cursor:
        cursor.execute(SHARED_LOCK, [WRAPPING_LOCK])
        # Two at once: the second waits here, and then sees the first one's key.
        list(DataKey.objects.select_for_update().filter(owner_id=owner_id).values_list("id"))
        version = _newest_version(owner_id) + 1
        cursor.execute(INSERT, new_row(provider_name, provider, institution_id, owner_id, version))
        _record("vault:key:rotated", institution_id, owner_id, by, now, {"version": version})
    return version


def retire_data_keys(*, institution_id: UUID, owner_id: UUID, by: audit.Actor, now: datetime) -> int:
    """Retire all data keys of the owner but the newest; return how many. A file that names one still opens."""
    with institution_scope(institution_id):
        older = DataKey.objects.filter(
            owner_id=owner_id, retired_at=None, version__lt=_newest_version(owner_id)
        )
        versions = sorted(older.values_list("version", flat=True))
        older.update(retired_at=now)
        if versions:
            _record("vault:key:retired", institution_id, owner_id, by, now, {"versions": versions})
    return len(versions)


def reseal_column(place: SealedColumn, *, institution_id: UUID) -> int:
    """Seal the column's values of an institution under its newest data key; return how many. Raises VaultError.

    A value that somebody else changes meanwhile is left alone: theirs is sealed already.
    """
    done = 0
    with institution_scope(institution_id):
        for row in place.model._default_manager.exclude(**{place.column: b""}):
            sealed = bytes(getattr(row, place.column))
            fresh = files.reseal_stream(
                institution_id=institution_id, name=place.name_of(row), sealed=[sealed]
            )
            if fresh is not None:
                same = place.model._default_manager.filter(pk=row.pk, **{place.column: sealed})
                done += same.update(**{place.column: b"".join(fresh)})
    return done


def _newest_version(owner_id: UUID) -> int:
    newest = DataKey.objects.filter(owner_id=owner_id).aggregate(newest=models.Max("version"))["newest"]
    return newest or 0


def _record(
    action: str, institution_id: UUID, owner_id: UUID, by: audit.Actor, now: datetime, detail: dict[str, Any]
) -> None:
    audit.record(
        action, institution_id=institution_id, by=by, now=now, detail=detail,
        subject_type="institution" if owner_id == institution_id else "transfer_account", subject_id=owner_id,
    )  # fmt: skip
