"""The order of the queue, in SQL: by the day on which it matters, then by the place in the queue.

That day is the earliest due date of the student's active memberships; who has none comes last. Within a day, who
has waited longest comes first. `place` and the student's estimate count in this same order.
"""

from typing import Any
from uuid import UUID

from django.db import connection

# Every waiting case with its day. The aggregate runs once a case, by the index of memberships.
WAITING = """
    from records_submission s
    left join lateral (
        select min(t.due_on) as due_on
        from students_membership m
        join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
        where m.institution_id = s.institution_id and m.student_id = s.student_id and m.state = 'active'
    ) d on true
    where s.institution_id = %(institution)s and s.state = 'waiting' and s.queued_at is not null
"""
KEY = "coalesce(d.due_on, 'infinity'::date), s.queued_at, s.id"

# What `by` may take: not what a colleague has, not what was handed to one, not what `by` asked a second opinion on.
FREE = """
    and (s.claimed_by = %(by)s or (
        (s.claimed_by = '' or s.claimed_until <= %(now)s)
        and s.handed_to in ('', %(by)s) and s.second_opinion_of <> %(by)s
    ))
"""
# What one has open comes first, so that a page that was loaded anew shows it again; then what was handed to one.
_RANK = (
    """case when %(resume)s and s.claimed_by = %(by)s then 0 when s.handed_to = %(by)s then 1 else 2 end"""
)
_BEHIND = f" and ({_RANK}, {KEY}) > (%(rank)s, %(due_on)s, %(queued_at)s, %(id)s)"


def next_statement(*, behind: bool) -> str:
    """Return the statement that finds the first cases that somebody may take.

    Values: institution, by, now, resume, but (an id to leave out, or None), limit; `behind` wants those of `key_of`
    too. Rows that others are taking at this moment are passed over, and what is found is locked.
    """
    return (
        f"select s.id {WAITING} {FREE} and s.id is distinct from %(but)s::uuid {_BEHIND if behind else ''} "  # noqa: S608
        f"order by {_RANK}, {KEY} limit %(limit)s for update of s skip locked"
    )


def key_of(submission_id: UUID, by: str) -> dict[str, Any] | None:
    """Return the place of a case in the order that `by` sees, whatever has become of it; None if it never waited."""
    with connection.cursor() as cursor:
        cursor.execute(_KEY_OF, {"submission": submission_id, "by": by})
        row = cursor.fetchone()
    return dict(zip(("rank", "due_on", "queued_at", "id"), row, strict=True)) if row else None


_KEY_OF = """
    select case when s.handed_to = %(by)s then 1 else 2 end,
           coalesce((
               select min(t.due_on) from students_membership m
               join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
               where m.institution_id = s.institution_id and m.student_id = s.student_id and m.state = 'active'
           ), 'infinity'::date)::text,
           s.queued_at, s.id
    from records_submission s where s.id = %(submission)s and s.queued_at is not null
"""
