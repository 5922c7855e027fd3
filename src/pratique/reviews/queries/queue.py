"""The queue: its list, its counts, what comes next for somebody, and a student's place in it with an estimate."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation import clock
from pratique.foundation.tenancy import current_institution
from pratique.records.models import Submission
from pratique.reviews.policies import UNSAFE
from pratique.reviews.queries.estimate import estimate
from pratique.reviews.queries.names import names_of
from pratique.reviews.queries.order import FREE, KEY, WAITING
from pratique.reviews.queries.safety import look
from pratique.reviews.types import Place, QueueCounts, QueueFilter, QueueRow, SafeCases
from pratique.students.folding import plain

# The estimate looks at the decisions of so many days.
MEASURED_DAYS = 14
# One look for safe cases reads so many, in so large parts.
MOST_LOOKED_AT = 500
_LOOKED_AT_ONCE = 100

_SORTS: Mapping[str, str] = {
    "queue": f"case when s.handed_to <> '' and s.handed_to = %(by)s then 0 else 1 end {{way}}, {KEY}",
    "due": f"coalesce(d.due_on, 'infinity'::date) {{way}}, {KEY}",
    "age": "s.queued_at {way}, s.id",
    "student": "st.search_text {way}, s.id",
    "number": "s.number {way}",
}
SORTS = tuple(_SORTS)

_VIEWS: Mapping[str, str] = {
    "open": FREE,
    "handed": " and s.handed_to = %(by)s",
    "mine": " and s.claimed_by = %(by)s and s.claimed_until > %(now)s",
    "second": " and s.second_opinion_of not in ('', %(by)s)",
    "team": "",
}


def _where(chosen: QueueFilter, now: datetime) -> tuple[str, dict[str, Any]]:
    """Return conditions and values of a filter; every text comes in as a value."""
    conditions = _VIEWS.get(chosen.view, "")
    values: dict[str, Any] = {
        "institution": current_institution(),
        "by": chosen.by,
        "now": now,
        "resume": False,
    }
    for place, word in enumerate(plain(chosen.search).split()[:6]):
        conditions += f" and (st.search_text like %(word{place})s or lower(s.number) = %(exact{place})s)"
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {f"word{place}": f"%{escaped}%", f"exact{place}": word}
    if chosen.tracker:
        conditions += (
            " and exists (select 1 from students_membership tm where tm.institution_id = s.institution_id "
            "and tm.student_id = s.student_id and tm.state = 'active' and tm.tracker_id = %(tracker)s)"
        )
        values["tracker"] = chosen.tracker
    if chosen.group:
        conditions += (
            " and exists (select 1 from students_membership gm join institutions_tracker gt "
            "on gt.institution_id = gm.institution_id and gt.id = gm.tracker_id "
            "where gm.institution_id = s.institution_id and gm.student_id = s.student_id "
            "and gm.state = 'active' and gt.requirement_group_id = %(group)s)"
        )
        values["group"] = chosen.group
    if chosen.requirement_key:
        conditions += " and s.requirement_keys ? %(requirement)s"
        values["requirement"] = chosen.requirement_key
    if chosen.waiting_since_before:
        conditions += " and s.queued_at < %(since)s"
        values["since"] = chosen.waiting_since_before
    if chosen.due_before:
        conditions += " and d.due_on < %(due_before)s"
        values["due_before"] = chosen.due_before
    return conditions, values


# The table of students comes in only where something is asked of it.
_STUDENT = """
    join students_student st on st.institution_id = s.institution_id and st.id = s.student_id
"""


def _from(with_student: bool) -> str:
    return WAITING.replace("    where s.", f"{_STUDENT if with_student else ''}    where s.", 1)


def count(chosen: QueueFilter, *, now: datetime | None = None) -> int:
    """Return how many cases `chosen` lets through."""
    conditions, values = _where(chosen, now or clock.now())
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) {_from(bool(chosen.search))} {conditions}", values)
        return int(cursor.fetchone()[0])


def page(
    chosen: QueueFilter,
    sort: str = "queue",
    offset: int = 0,
    limit: int = 25,
    *,
    now: datetime | None = None,
    today: date | None = None,
) -> list[QueueRow]:
    """Return a page of waiting cases, each with whether it may be approved in bulk and if not, why.

    `sort` is one of SORTS, with "-" in front for descending. A fixed number of queries, whatever the size.
    """
    now = now or clock.now()
    today = today or now.date()
    conditions, values = _where(chosen, now)
    descending, key = sort.startswith("-"), sort.removeprefix("-")
    order = _SORTS.get(key, _SORTS["queue"]).format(way="desc" if descending else "asc")
    statement = (
        f"select s.id, d.due_on {_from(key == 'student' or bool(chosen.search))} {conditions} "
        f"order by {order} limit %(limit)s offset %(offset)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "limit": limit, "offset": offset})
        due = dict(cursor.fetchall())
    return _rows(due, by=chosen.by, now=now, today=today)


def safe_cases(
    chosen: QueueFilter, sort: str, *, start: int, now: datetime, today: date, most: int
) -> SafeCases:
    """Return the cases that may be approved in bulk from position `start` (0 is the first) of the list on.

    Stops at `most` of them or when MOST_LOOKED_AT cases were looked at; the answer says how far that was, so that the
    next look goes on behind it.
    """
    total = count(chosen, now=now)
    safe: list[QueueRow] = []
    start = max(0, start) if start < total else 0
    at = start
    while at < min(total, start + MOST_LOOKED_AT):
        found = page(chosen, sort, at, _LOOKED_AT_ONCE, now=now, today=today)
        for row in found:
            at += 1
            if not row.unsafe_because:
                safe.append(row)
            if len(safe) == most:
                return SafeCases(safe, start + 1, at, total)
        if not found:
            break
    return SafeCases(safe, start + 1 if at > start else 0, at, total)


def rows_of(ids: Sequence[UUID], *, by: str, now: datetime, today: date) -> list[QueueRow]:
    """Return these cases in the queue's order; what does not wait any more is left out."""
    values = {"institution": current_institution(), "ids": list(ids)}
    statement = f"select s.id, d.due_on {WAITING} and s.id = any(%(ids)s) order by {KEY}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        due = dict(cursor.fetchall())
    return _rows(due, by=by, now=now, today=today)


def _rows(due: Mapping[UUID, date | None], *, by: str, now: datetime, today: date) -> list[QueueRow]:
    """Return cases by id, in the order of `due`."""
    found = {case.id: case for case in Submission.objects.filter(id__in=list(due)).select_related("student")}
    cases = [found[key] for key in due if key in found]
    if not cases:
        return []
    looked = look(cases, by=by, now=now, today=today)
    trackers = _trackers([case.student_id for case in cases])
    names = names_of(actor for case in cases for actor in (case.claimed_by, case.handed_to))
    rows = []
    for case in cases:
        claimed = case.claimed_by if case.claimed_until and case.claimed_until > now else ""
        code = looked.unsafe[case.id]
        student = case.student
        rows.append(
            QueueRow(
                id=case.id,
                number=case.number,
                student_id=student.id,
                student_name=f"{student.first_name} {student.last_name}".strip() or student.username,
                student_number=student.student_id,
                tracker=trackers.get(student.id, ""),
                due_on=due[case.id],
                queued_at=case.queued_at or now,  # by the list's own condition it is never empty
                requirement_keys=case.requirement_keys,
                pieces=len(looked.pieces[case.id]),
                pages=looked.pages.get(case.id, 0),
                opened=case.opened_at is not None,
                claimed_by_name=names.get(claimed, ""),
                claimed_by_me=bool(claimed) and claimed == by,
                handed_to_name=names.get(case.handed_to, ""),
                second_opinion=bool(case.second_opinion_of),
                has_note=bool(case.note or case.staff_note),
                unsafe_because=str(UNSAFE[code]) if code else "",
            )
        )
    return rows


_TRACKERS = """
    select distinct on (m.student_id) m.student_id, t.name
    from students_membership m
    join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    where m.student_id = any(%(students)s) and m.state = 'active'
    order by m.student_id, t.due_on, t.name
"""


def _trackers(students: Sequence[UUID]) -> dict[UUID, str]:
    with connection.cursor() as cursor:
        cursor.execute(_TRACKERS, {"students": list(students)})
        return dict(cursor.fetchall())


_IS_FREE = FREE.strip().removeprefix("and ")
_COUNTS = f"""
    with open as (
        select s.id, d.due_on, s.queued_at, s.handed_to, s.claimed_by, s.claimed_until, {_IS_FREE} as free
        {WAITING}
    )
    select count(*), count(*) filter (where free), count(*) filter (where handed_to = %(by)s),
           count(*) filter (where claimed_by = %(by)s and claimed_until > %(now)s),
           count(*) filter (where due_on < %(today)s), min(queued_at)
    from open
"""  # noqa: S608  (constants only)


def counts(by: str = "", *, now: datetime | None = None, today: date | None = None) -> QueueCounts:
    """Return how much waits, in all and for `by` (an actor as text). One query."""
    now = now or clock.now()
    values = {"institution": current_institution(), "by": by, "now": now, "today": today or now.date()}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        return QueueCounts(*cursor.fetchone())


# Who comes before; and in the same statement what was decided in each hour of two weeks, by the school's clock.
_PLACE = f"""
    with me as (
        select s.id, s.queued_at, s.institution_id, coalesce((
            select min(t.due_on) from students_membership m
            join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
            where m.institution_id = s.institution_id and m.student_id = s.student_id and m.state = 'active'
        ), 'infinity'::date) as due_on
        from records_submission s
        where s.institution_id = %(institution)s and s.id = %(submission)s and s.state = 'waiting'
            and s.queued_at is not null
    ), ahead as (
        select count(*) as cases {WAITING}
            and ({KEY}) < (select due_on, queued_at, id from me)
    ), zone as (
        select time_zone from institutions_institution where id = %(institution)s
    ), hours as (
        select date_trunc('hour', r.decided_at at time zone (select time_zone from zone)) as hour, count(*) as cases
        from records_submission r
        where r.institution_id = %(institution)s and r.decided_at > %(since)s and r.decided_at <= %(now)s
        group by 1
    )
    select (select cases from ahead), hours.hour, hours.cases,
           (%(now)s at time zone (select time_zone from zone))::date
    from me left join hours on true order by hours.hour
"""  # noqa: S608  (constants only)


def place(submission_id: UUID, *, now: datetime | None = None) -> Place | None:
    """Return how many cases come before one, and how long that takes at the pace of the last 14 days. One query.

    None where it does not wait in the queue (not sent, signatures missing, decided, taken back).
    """
    now = now or clock.now()
    values = {
        "institution": current_institution(), "submission": submission_id, "now": now,
        "since": now - timedelta(days=MEASURED_DAYS),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, values)
        rows = cursor.fetchall()
    if not rows:
        return None
    ahead, today = rows[0][0], rows[0][3]
    return Place(ahead, estimate(ahead, [(hour, cases) for _, hour, cases, _ in rows if hour], today))
