"""How everyone on a package stands, as JSON that PostgreSQL writes: no object of ours for each of 50,000 students.

What is stored is told; a mark that waits to be evaluated is seconds old.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

NO_TRACKER = "None Selected"


class Counts(NamedTuple):
    """A package and its rows: the whole answer of getPackageCounts."""

    package_id: UUID
    answer: bytes


# Text goes through to_json, which escapes it; a tracker's name once, not once a student. Pieces joined by || are the
# quickest of the ways that PostgreSQL has (50,000 rows: 90 ms; json_agg of rows 117, json_build_object 145).
_COUNTS = """
    with named as materialized (
        select id, to_json(name)::text as name from institutions_tracker where institution_id = %(institution)s
    )
    select p.id, '{"packageDetails":[' || coalesce((
        select string_agg(counted.line, ',')
        from (
            select '{"vendorKey":' || to_json(s.student_id) || ',"numComplete":' || m.num_complete
                || ',"numItems":' || m.num_items || ',"complete":' || m.complete
                || ',"trackerName":' || coalesce(t.name, %(no_tracker)s)
                || ',"userComplete":' || m.user_complete || '}' as line
            from students_membership m
            join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
            left join named t on t.id = m.tracker_id
            where m.institution_id = p.institution_id and m.package_id = p.id and m.state = 'active' {since}
            order by s.student_id, m.id
        ) counted
    ), '') || ']}'
    from institutions_package p
    where p.institution_id = %(institution)s and p.code = %(code)s
"""
_ALL = _COUNTS.replace("{since}", "")
# `since` is a whole millisecond, so a change in that very millisecond is not before it.
_CHANGED = _COUNTS.replace("{since}", "and m.status_changed_at >= %(since)s")


def counts(institution_id: UUID, *, code: str, since: datetime | None = None) -> Counts | None:
    """Return every active student on the package of a code, by vendor key; None if there is no such package.

    With `since` only those of whom something that is told here changed then or later.
    """
    values: dict[str, Any] = {
        "institution": institution_id, "code": code, "since": since, "no_tracker": f'"{NO_TRACKER}"',
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ALL if since is None else _CHANGED, values)
        row = cursor.fetchone()
    return Counts(row[0], row[1].encode()) if row else None
