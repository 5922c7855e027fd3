"""How quickly the queue is worked off: one reviewer, the team, and how old what waits is.

Counted are cases, not pieces. Days begin at the school's midnight.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.foundation.tenancy import current_institution
from pratique.reviews.queries.names import names_of
from pratique.reviews.queries.order import WAITING
from pratique.reviews.types import Ages, Bucket, Pace

_DAYS = 7

_PACE = """
    with zone as (
        select time_zone, (%(now)s at time zone time_zone)::date as today
        from institutions_institution where id = %(institution)s
    ), decided as (
        select r.submission_id, r.decided_by, max(r.seconds) as seconds, bool_or(r.decision = 'rejected') as returned,
               (max(r.decided_at) at time zone (select time_zone from zone))::date as day
        from reviews_review r
        where r.institution_id = %(institution)s and r.decided_at > %(since)s and r.decided_at <= %(now)s
            and r.undone_at is null and (%(by)s = '' or r.decided_by = %(by)s)
        group by r.submission_id, r.decided_by
    )
    select decided_by, count(*) filter (where day = (select today from zone)), count(*),
           percentile_cont(0.5) within group (order by seconds) filter (where seconds is not null),
           count(*) filter (where returned)
    from decided where day > (select today from zone) - %(days)s
    group by decided_by
"""


def mine(by: str, now: datetime) -> Pace:
    """Return the pace of one reviewer (an actor as text)."""
    found = _paces(by, now)
    return found[0] if found else Pace(names_of([by]).get(by, ""), by, 0, 0, None)


def team(now: datetime) -> list[Pace]:
    """Return the pace of everyone who decided anything in the last seven days, most first."""
    return sorted(_paces("", now), key=lambda one: (-one.week, one.name, one.by))


def _paces(by: str, now: datetime) -> list[Pace]:
    values = {
        "institution": current_institution(), "by": by, "now": now, "since": now - timedelta(days=_DAYS + 1),
        "days": _DAYS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PACE, values)
        rows = cursor.fetchall()
    names = names_of(row[0] for row in rows)
    return [
        Pace(names.get(who, ""), who, today, week, None if median is None else round(median), returned)
        for who, today, week, median, returned in rows
    ]


_BY_AGE: Mapping[str, str | Promise] = {
    "day": _("Less than a day"),
    "three_days": _("1 to 3 days"),
    "week": _("3 to 7 days"),
    "older": _("More than a week"),
}
_BY_DUE: Mapping[str, str | Promise] = {
    "overdue": _("Due date is over"),
    "week": _("Due within 7 days"),
    "two_weeks": _("Due in 8 to 14 days"),
    "later": _("Due later"),
    "none": _("No due date"),
}
_AGES = f"""
    with waiting as (select s.queued_at, d.due_on {WAITING})
    select count(*), min(queued_at),
           count(*) filter (where queued_at > %(day)s),
           count(*) filter (where queued_at <= %(day)s and queued_at > %(three_days)s),
           count(*) filter (where queued_at <= %(three_days)s and queued_at > %(week)s),
           count(*) filter (where queued_at <= %(week)s),
           count(*) filter (where due_on < %(today)s),
           count(*) filter (where due_on >= %(today)s and due_on <= %(today)s + 7),
           count(*) filter (where due_on > %(today)s + 7 and due_on <= %(today)s + 14),
           count(*) filter (where due_on > %(today)s + 14),
           count(*) filter (where due_on is null)
    from waiting
"""  # noqa: S608  (constants only)


def ages(now: datetime, *, today: date | None = None) -> Ages:
    """Return how old the queue is and when its cases are due. One query."""
    values: dict[str, Any] = {"institution": current_institution(), "today": today or now.date()}
    values |= {
        name: now - timedelta(days=days) for name, days in (("day", 1), ("three_days", 3), ("week", 7))
    }
    with connection.cursor() as cursor:
        cursor.execute(_AGES, values)
        waiting, oldest, *numbers = cursor.fetchone()
    ages_, dues = numbers[: len(_BY_AGE)], numbers[len(_BY_AGE) :]
    return Ages(
        waiting,
        oldest,
        [
            Bucket(code, str(name), number)
            for (code, name), number in zip(_BY_AGE.items(), ages_, strict=True)
        ],
        [Bucket(code, str(name), number) for (code, name), number in zip(_BY_DUE.items(), dues, strict=True)],
    )
