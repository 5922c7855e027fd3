"""The audit trail: one row for each thing done, in the transaction that did it.

An event about a student has `subject_type="student"` and `subject_id=student.id`; ids of anything else that it
touched stand in its detail. So "who opened this record" is one look into one index. `audit_chain` seals the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from pratique.foundation.audit_kinds import Kind, kind_of
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import run_later


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is staff, student, system, command or the name of an interface; `id` a key or a job's name."""

    kind: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


SYSTEM = Actor("system")

# By hand: nearly every deed leaves a row, and the model's own way of inserting it took twice as long.
_INSERT = """
    insert into foundation_auditevent (id, institution_id, at, by, action, subject_type, subject_id, detail)
    values (%(id)s, %(institution)s, %(at)s, %(by)s, %(action)s, %(subject_type)s, %(subject_id)s, %(detail)s)
"""


def record(
    action: str,
    *,
    institution_id: UUID,
    by: Actor,
    now: datetime,
    subject_type: str = "",
    subject_id: UUID | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one audit row. `action` is `source:subject:action`, such as `roster:import:applied`."""
    values = {
        "id": new_id(), "institution": institution_id, "at": now, "by": str(by), "action": action,
        "subject_type": subject_type, "subject_id": subject_id, "detail": orjson.dumps(dict(detail or {})).decode(),
    }  # fmt: skip
    run_later(_INSERT, values)


def about(
    subject_type: str, subject_id: UUID, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return the present institution's events about one subject, newest first: from `since`, before `until`."""
    found = AuditEvent.objects.filter(subject_type=subject_type, subject_id=subject_id)
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    return found.order_by("-at", "-id")


def actions_of(kind: Kind) -> list[str]:
    """Return the actions of a kind that the present institution's trail holds.

    They are few, so a filter by their names is quick; a pattern for "none of these verbs" took seconds.
    """
    known = AuditEvent.objects.order_by().values_list("action", flat=True).distinct()
    return [action for action in known if kind_of(action) is kind]
