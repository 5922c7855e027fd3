"""Pages that were seen before in this institution: the same file, or the same picture in another one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.reviews.types import Duplicate

MOST = 60

# Drafts are nobody's business; what the same student took back, or handed in again, is no surprise.
_SEEN = """
    select distinct on (p.id, o.id) p.submission_id, p.id, found.kind,
           case when o.student_id = s.student_id then null
                else trim(concat(st.first_name, ' ', st.last_name)) end,
           o.id, o.number, coalesce(o.sent_at, o.started_at)
    from records_page p
    join records_file f on f.institution_id = p.institution_id and f.id = p.file_id
    join records_submission s on s.institution_id = p.institution_id and s.id = p.submission_id
    join lateral (
        select 'same_file' as kind, 1 as rank, same.submission_id
        from records_file same
        where same.institution_id = p.institution_id and same.sha256 = f.sha256 and same.sha256 > ''
            and same.id <> f.id
        union all
        select 'same_picture', 2, alike.submission_id
        from records_page alike
        where alike.institution_id = p.institution_id and alike.picture = p.picture and alike.file_id <> p.file_id
    ) found on true
    join records_submission o on o.institution_id = p.institution_id and o.id = found.submission_id
    join students_student st on st.institution_id = o.institution_id and st.id = o.student_id
    where p.submission_id = any(%(cases)s) and o.state <> 'draft'
        and not (o.student_id = s.student_id
                 and (o.state = 'withdrawn' or o.id is not distinct from s.follows_id))
    order by p.id, o.id, found.rank limit %(limit)s
"""


def duplicates(case_ids: Sequence[UUID]) -> dict[UUID, list[Duplicate]]:
    """Return by case what its pages are duplicates of, the same file before the same picture. One query."""
    found: dict[UUID, list[Duplicate]] = {}
    if not case_ids:
        return found
    values: dict[str, Any] = {"cases": list(case_ids), "limit": MOST * len(case_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, values)
        for case_id, *columns in cursor:
            found.setdefault(case_id, []).append(Duplicate(*columns))
    return found
