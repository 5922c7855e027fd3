"""How quickly the trackers' students become complete, and what that says of their due dates: four queries at most."""

# SQL is put together from constants; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection

from pratique.foundation.tenancy import current_institution
from pratique.reports.definitions.changes import may_complete
from pratique.reports.forecast import LEAST_DAYS, PACE_DAYS, TrackerForecast

# Memberships are counted before they are joined: 50,000 rows are read once and not carried through the joins.
_NOW = """
    select t.id, t.name, p.code, t.due_on, coalesce(k.students, 0), coalesce(k.complete, 0),
        %(today)s::date - coalesce(k.oldest::date, %(today)s::date)
    from institutions_tracker t
    join institutions_package p on p.institution_id = t.institution_id and p.id = t.package_id
    left join (
        select tracker_id, count(*) as students, count(*) filter (where complete) as complete,
            min(created_at) as oldest
        from students_membership where institution_id = %(institution)s and state = 'active'
        group by tracker_id
    ) k on k.tracker_id = t.id
    where t.institution_id = %(institution)s and t.due_on >= %(today)s
    order by t.due_on, t.name, p.code, t.id
"""
# The oldest day within the pace's, of each tracker.
_THEN = """
    select distinct on (d.tracker_id) d.tracker_id, d.complete, %(today)s::date - d.day
    from compliance_trackerday d
    where d.institution_id = %(institution)s and d.tracker_id = any(%(trackers)s)
        and d.day between %(first)s and %(last)s
    order by d.tracker_id, d.day
"""
# As the report says of them `cannot` (`definitions.due_date_forecast`).
_TOO_LATE = """
    select m.tracker_id, count(distinct m.id)
    from institutions_tracker t
    join students_membership m on m.institution_id = t.institution_id and m.tracker_id = t.id
    join compliance_item i on i.institution_id = m.institution_id and i.membership_id = m.id
    where t.institution_id = %(institution)s and t.id = any(%(trackers)s) and m.state = 'active'
        and not m.complete and not m.user_complete and i.status in ('incomplete', 'rejected', 'expired')
        and i.next_action_on > t.due_on
    group by 1
"""
# Where no days were noted: who is complete, and became so within the pace's days.
_CHANGES = f"""
    select m.tracker_id, count(*)
    from students_membership m
    where m.institution_id = %(institution)s and m.tracker_id = any(%(trackers)s) and m.state = 'active'
        and m.complete and (
            select max(c.at) from compliance_statuschange c
            where c.institution_id = m.institution_id and c.membership_id = m.id and {may_complete("c")}
        ) >= %(since)s
    group by 1
"""


def forecast_by_tracker(today: date) -> Sequence[TrackerForecast]:
    """Return the forecast of every tracker of the present institution whose due date is to come, the next due first.

    The pace is the difference to the figures of 28 days ago, or of as many days as there are (7 at least); without
    those it is counted from the status changes since, or since the first student came.
    """
    values: dict[str, Any] = {
        "institution": current_institution(),
        "today": today,
        "first": today - timedelta(days=PACE_DAYS),
        "last": today - timedelta(days=LEAST_DAYS),
        "since": today - timedelta(days=PACE_DAYS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOW, values)
        found = cursor.fetchall()
        values["trackers"] = [row[0] for row in found]
        cursor.execute(_THEN, values)
        then = {tracker: (complete, days) for tracker, complete, days in cursor.fetchall()}
        cursor.execute(_TOO_LATE, values)
        too_late = dict(cursor.fetchall())
        values["trackers"] = [row[0] for row in found if row[0] not in then]
        changed: dict[Any, int] = {}
        if values["trackers"]:
            cursor.execute(_CHANGES, values)
            changed = dict(cursor.fetchall())
    forecasts = []
    for tracker, name, package, due_on, students, complete, age in found:
        if tracker in then:
            before, days = then[tracker]
            completed = complete - before
        else:
            completed, days = changed.get(tracker, 0), min(PACE_DAYS, age)
        forecasts.append(
            TrackerForecast(
                tracker,
                name,
                package,
                due_on,
                (due_on - today).days,
                students,
                complete,
                completed,
                days,
                too_late.get(tracker, 0),
            )
        )
    return forecasts
