"""A trail of events, and what somebody with the owner's rights could do to it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from pratique.foundation import audit
from pratique.foundation.audit_chain import actions, rows
from pratique.foundation.audit_chain.verify import Verdict, verify
from pratique.foundation.models import AuditEvent, AuditSeal
from pratique.foundation.tenancy import institution_scope

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
OURS, THEIRS = UUID(int=0x0A), UUID(int=0x0B)
BY = audit.Actor("staff", "tests")


def written(
    count: int = 1, *, institution_id: UUID = OURS, detail: Mapping[str, Any] | None = None, **more: Any
) -> None:
    """Append events, each in a transaction of its own; no two of several are alike."""
    for number in range(count):
        told = {"number": number} | dict(detail or {}) if count > 1 else detail
        with institution_scope(institution_id):
            audit.record(
                "tests:thing:done", institution_id=institution_id, by=BY, now=NOW, detail=told, **more
            )


def settle() -> None:
    """Wait for the open transactions of other databases: their numbers come from the one cluster of all tests."""
    query = (
        "select pid, backend_xid::text from pg_stat_activity "
        "where backend_xid is not null and datname <> current_database()"
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute(query)
        older = set(cursor.fetchall())
        while older:
            time.sleep(0.02)
            cursor.execute(query)
            older &= set(cursor.fetchall())


def sealed(institution_id: UUID = OURS, **options: Any) -> int:
    settle()
    return actions.seal(institution_id=institution_id, now=NOW + timedelta(minutes=1), **options)


def verified(institution_id: UUID = OURS, **options: Any) -> Verdict:
    settle()
    return verify(institution_id=institution_id, now=NOW + timedelta(minutes=2), **options)


def head(institution_id: UUID = OURS) -> tuple[int, bytes]:
    with institution_scope(institution_id):
        found = rows.head(institution_id)
    assert found
    return found.sequence, found.hash


def chained(institution_id: UUID = OURS) -> list[tuple[int, UUID]]:
    """The chain as it is stored: sequence and event."""
    with institution_scope(institution_id):
        return list(AuditSeal.objects.order_by("sequence").values_list("sequence", "event_id"))


def event_ids(institution_id: UUID = OURS) -> list[UUID]:
    with institution_scope(institution_id):
        return list(AuditEvent.objects.order_by("transaction_id", "id").values_list("id", flat=True))


def tamper(*statements: str, **values: Any) -> None:
    """Run statements as the tables' owner, whom neither row security nor missing rights hold."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)
            assert cursor.rowcount, f"nothing was touched by: {statement}"
