"""Reading the facts of many memberships in a fixed number of queries."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pratique.compliance.judging import Facts
from pratique.foundation import bulk
from pratique.rules import Document, Dose, Evidence, Exemption, FormAnswer, StudentFacts, Titer


class StoredItem(NamedTuple):
    """An item as it was stored by the last evaluation."""

    status: str
    digest: int


class Loaded(NamedTuple):
    """A membership with its facts and what is stored of its standing."""

    membership_id: UUID
    stale_since: datetime | None
    progress: tuple[Any, ...]
    facts: Facts
    items: dict[str, StoredItem]


# What is compared and stored of a standing, in the order of judging.Standing's progress.
PROGRESS_COLUMNS = (
    "num_items", "num_complete", "num_approved", "user_complete", "complete", "next_action_on", "changes_on",
)  # fmt: skip

_MEMBERSHIPS = f"""
    select m.id, m.stale_since, s.id, {", ".join(f"m.{column}" for column in PROGRESS_COLUMNS)},
           t.requirement_group_id, coalesce(g.name, ''), coalesce(te.name, ''), te.starts_on, t.due_on,
           s.date_of_birth, s.on_campus, nullif(s.attributes, '{{}}')
    from students_membership m
    join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
    left join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    left join institutions_requirementgroup g on g.institution_id = t.institution_id and g.id = t.requirement_group_id
    left join institutions_term te on te.institution_id = t.institution_id and te.id = t.term_id
"""  # noqa: S608  (constants only)

_STALE = _MEMBERSHIPS + "where m.stale_since is not null order by m.stale_since, m.id limit %(limit)s"
_GIVEN = _MEMBERSHIPS + "where m.id = any(%(ids)s)"

# The position of the student in the batch comes back instead of a key: one integer a row, no dictionary of UUIDs.
_BATCH = (
    "from unnest(%(students)s::uuid[]) with ordinality as b (student_id, position) "
    "join {table} e using (student_id)"
)
_TOUCHED = "greatest(e.submitted_at, e.reviewed_at)"
_EVIDENCE: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    (
        "dose",
        "records_dose",
        "e.id::text, e.cvx, e.administered_on, e.state, e.submitted_at, e.mvx, e.precision",
        Dose,
    ),
    (
        "titer",
        "records_titer",
        "e.id::text, e.antibody, e.result, e.collected_on, e.state, e.submitted_at, e.value, e.unit",
        Titer,
    ),
    ("document", "records_document", "e.id::text, e.kind, e.issued_on, e.state, e.submitted_at", Document),
    (
        "form",
        "records_formanswer",
        "e.id::text, e.form, e.answers, e.signed_on, e.state, e.submitted_at",
        FormAnswer,
    ),
    (
        "exemption",
        "records_exemption",
        "e.id::text, e.kind, e.requirement_key, e.granted_on, e.expires_on, e.has_document, e.state, e.submitted_at",
        Exemption,
    ),
)
_ITEMS = """
    select b.position, i.requirement_key, i.status, i.digest
    from unnest(%(memberships)s::uuid[]) with ordinality as b (membership_id, position)
    join compliance_item i using (membership_id)
"""


def stale(limit: int) -> list[Loaded]:
    """Load up to `limit` stale memberships, those that wait longest first: eight queries for any number."""
    return _load(_STALE, {"limit": limit})


def of(membership_ids: Sequence[UUID]) -> list[Loaded]:
    """Load these memberships, in no promised order."""
    return _load(_GIVEN, {"ids": list(membership_ids)})


def _load(statement: str, values: dict[str, Any]) -> list[Loaded]:
    with bulk.reading() as cursor:
        # Otherwise each batch of a large school reads whole tables, and time grows with the square of its size.
        cursor.execute("set local enable_seqscan = off")
        rows = cursor.execute(statement, values).fetchall()
        if not rows:
            return []
        evidence, touched = _evidence(cursor, [row[2] for row in rows])
        items = _items(cursor, [row[0] for row in rows])
        cursor.execute("set local enable_seqscan = on")
    first = 3 + len(PROGRESS_COLUMNS)
    loaded = []
    for position, row in enumerate(rows):
        group_id, group, term, starts_on, due_on, born, on_campus, attributes = row[first:]
        student = StudentFacts(born, on_campus, attributes or {}, group, term, starts_on, due_on)
        facts = Facts(group_id, student, evidence[position], touched[position])
        loaded.append(Loaded(row[0], row[1], row[3:first], facts, items[position]))
    return loaded


def evidence_statements() -> list[str]:
    """Return the statement that reads each kind of evidence of a batch, in the order of rules.Evidence."""
    return [
        f"select b.position, {_TOUCHED}, {columns} {_BATCH.format(table=table)}"
        for _, table, columns, _ in _EVIDENCE
    ]


def _evidence(cursor: Any, students: list[UUID]) -> tuple[list[Evidence], list[dict[str, datetime]]]:
    found: list[list[list[Any]]] = []
    touched: list[dict[str, datetime]] = [{} for _ in students]
    for (name, _, _, make), statement in zip(_EVIDENCE, evidence_statements(), strict=True):
        of_kind: list[list[Any]] = [[] for _ in students]
        cursor.execute(statement, {"students": students})
        for position, at, *values in cursor:
            position -= 1
            one = make(*values)
            of_kind[position].append(one)
            key = f"{name}:{one[1]}:{one[2]}" if make is Exemption else f"{name}:{one[1]}"
            last = touched[position].get(key)
            if last is None or at > last:
                touched[position][key] = at
        found.append(of_kind)
    return [Evidence(*(tuple(kind) for kind in kinds)) for kinds in zip(*found, strict=True)], touched


def _items(cursor: Any, memberships: list[UUID]) -> list[dict[str, StoredItem]]:
    items: list[dict[str, StoredItem]] = [{} for _ in memberships]
    cursor.execute(_ITEMS, {"memberships": memberships})
    for position, key, status, digest in cursor:
        items[position - 1][key] = StoredItem(status, digest)
    return items
