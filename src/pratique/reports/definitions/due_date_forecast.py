"""Forecast of who will miss the due date: a row a student who is not complete, with the rule's answer and why.

The rule is `reports.forecast`. SQL finds out its facts; its answers for all situations are bound as a list.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, GROUP, ON_CAMPUS, PACKAGE, TERM, TRACKER
from pratique.reports.forecast import Forecast, forecasts_by_code
from pratique.reports.pace import forecast_by_tracker
from pratique.reports.types import (
    Category,
    ChartSeries,
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
    Text,
)

_FORECASTS: Mapping[str, tuple[Text, str]] = {
    Forecast.ON_TRACK: (gettext_lazy("On track"), "approved"),
    Forecast.IN_REVIEW: (gettext_lazy("All handed in, in review"), "pending"),
    Forecast.AT_RISK: (gettext_lazy("At risk"), "incomplete"),
    Forecast.NOT_STARTED: (gettext_lazy("Not started"), "expired"),
    Forecast.CANNOT: (gettext_lazy("Cannot be complete in time"), "rejected"),
}
_TITLES = {code: title for code, (title, _status) in _FORECASTS.items()}
_MISSES = (Forecast.AT_RISK, Forecast.NOT_STARTED, Forecast.CANNOT)
_FORECAST = Filter(
    "forecast",
    gettext_lazy("Forecast"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _TITLES.items()),
)
_WITHIN = Filter("within", gettext_lazy("Due within this many days"), FilterKind.NUMBER)

# What of a membership's items is the student's to mend, and when the last of it may be at the earliest.
_MISSING = """left join (
    select i.membership_id, max(i.next_action_on) as possible_on,
        count(*) filter (where i.status = 'rejected') as returned
    from compliance_item i
    where i.institution_id = %(institution)s and i.status in ('incomplete', 'rejected', 'expired')
    group by 1
) x on x.membership_id = m.id"""
_ACCOUNT = "left join students_studentaccount a on a.institution_id = m.institution_id and a.student_id = m.student_id"
_PACES = (
    "join jsonb_to_recordset(%(paces)s::jsonb) "
    "as pace(tracker_id uuid, is_soon boolean, is_behind boolean, share int) on pace.tracker_id = m.tracker_id"
)
_HAS_BEGUN = (
    "(a.id is not null and (m.num_complete > 0 or x.returned > 0 or exists (select from records_submission c "
    "where c.institution_id = m.institution_id and c.student_id = m.student_id and c.sent_at is not null)))"
)
# In the order of `forecast.Situation`.
_FACTS = (
    "coalesce(x.possible_on > t.due_on, false)",
    "m.user_complete",
    f"coalesce({_HAS_BEGUN}, false)",
    "pace.is_soon",
    "pace.is_behind",
)
_CODE = " + ".join(f"{fact}::int * {2**place}" for place, fact in enumerate(_FACTS))
_DAYS_LEFT = "(t.due_on - %(today)s::date)"


def _why(value: Any) -> str:
    """Return why: [forecast, items, missing, returned, possible on, days left, signed in, share] as JSON. PURE."""
    code, items, missing, returned, possible_on, left, signed_in, share = orjson.loads(value)
    if code == Forecast.IN_REVIEW:
        return _("Everything is handed in and waits for review.")
    if code == Forecast.CANNOT:
        return _("What is missing cannot be complete before %(date)s.") % {
            "date": date_format(date.fromisoformat(possible_on), "DATE_FORMAT")
        }
    days = ngettext("%(count)d day is left.", "%(count)d days are left.", left) % {"count": left}
    if code == Forecast.NOT_STARTED:
        return f"{_('Has handed in nothing yet.') if signed_in else _('Has never signed in.')} {days}"
    sentences = [
        ngettext(
            "%(missing)d of %(items)d item is missing.", "%(missing)d of %(items)d items are missing.", items
        )
        % {"missing": missing, "items": items}
    ]
    if returned:
        sentences.append(
            ngettext("%(count)d was returned.", "%(count)d were returned.", returned) % {"count": returned}
        )
    if code == Forecast.AT_RISK:
        sentences.append(
            _("At the present pace %(share)d%% of those who are not complete will be in time.")
            % {"share": share}
        )
    return " ".join([*sentences, days])


_COLUMNS = (
    *NAMES,
    Column("forecast", gettext_lazy("Forecast"), ColumnKind.TEXT, "f.forecast", words=said(_TITLES)),
    Column(
        "why",
        gettext_lazy("Why"),
        ColumnKind.TEXT,
        "jsonb_build_array(f.forecast, m.num_items, m.num_items - m.num_complete, coalesce(x.returned, 0), "
        f"x.possible_on, {_DAYS_LEFT}, a.id is not null, pace.share)::text",
        sortable=False,
        words=_why,
    ),
    Column("days_left", gettext_lazy("Days left"), ColumnKind.INTEGER, _DAYS_LEFT),
    Column("missing", gettext_lazy("Items missing"), ColumnKind.INTEGER, "m.num_items - m.num_complete"),
    Column("returned", gettext_lazy("Items returned"), ColumnKind.INTEGER, "coalesce(x.returned, 0)"),
    Column("possible_on", gettext_lazy("Possible from"), ColumnKind.DATE, "x.possible_on", shown=False),
    Column("signed_in", gettext_lazy("Has signed in"), ColumnKind.BOOLEAN, "a.id is not null", shown=False),
    *more_columns("tracker", "due_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    paces = [
        {
            "tracker_id": str(one.tracker_id),
            "is_soon": one.is_soon,
            "is_behind": one.is_behind,
            "share": one.share_of_rest,
        }
        for one in forecast_by_tracker(context.today)
    ]
    arguments: dict[str, Any] = {
        "paces": orjson.dumps(paces).decode(),
        "forecasts": forecasts_by_code(),
    }
    conditions = [
        # Whom nothing is asked of misses nothing.
        "m.state = 'active'", "not m.complete", "m.num_items > 0",
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
    ]  # fmt: skip
    if "forecast" in parameters:
        conditions.append("f.forecast = any(%(wanted)s::text[])")
        arguments["wanted"] = list(parameters["forecast"])
    if "within" in parameters:
        conditions.append(f"{_DAYS_LEFT} <= %(within)s")
        arguments["within"] = parameters["within"]
    return Source(
        from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} {_PACES} {_MISSING} "
        f"{_ACCOUNT} cross join lateral (select (%(forecasts)s::text[])[1 + {_CODE}] as forecast offset 0) f",
        identity="m.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "t.id, t.name, p.code, t.due_on, f.forecast, count(*)",
        "group by 1, 2, 3, 4, 5 order by t.due_on, t.name, p.code, t.id",
    )
    trackers = {row[0]: (row[1], row[2]) for row in found}
    packages = {package for _name, package in trackers.values()}
    counts = {(row[0], row[4]): row[5] for row in found}
    total = sum(counts.values())
    summary = _("Nobody who matches these filters has a due date to come and is not complete.")
    if total:
        by_forecast = {code: sum(n for (_id, one), n in counts.items() if one == code) for code in _FORECASTS}
        misses = sum(by_forecast[code] for code in _MISSES)
        summary = ngettext(
            "%(misses)d of %(total)d student who is not complete will probably miss the due date:",
            "%(misses)d of %(total)d students who are not complete will probably miss the due date:",
            total,
        ) % {"misses": misses, "total": total}
        summary += " " + _(
            "%(cannot)d cannot be complete in time, %(not_started)d have not started, %(at_risk)d are at risk."
        ) % {code.value: by_forecast[code] for code in _MISSES}
    return ReportChart(
        kind="stacked_bar",
        title=_("Students who are not complete, by tracker and forecast"),
        labels=[name if len(packages) < 2 else f"{name} ({package})" for name, package in trackers.values()],
        series=[
            ChartSeries(title, [counts.get((tracker, code), 0) for tracker in trackers], status)
            for code, (title, status) in _FORECASTS.items()
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="due-date-forecast",
    title=gettext_lazy("Who will miss the due date"),
    description=gettext_lazy(
        "Students who are not complete while their due date is to come: what to expect of each, and why."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, DUE, _FORECAST, _WITHIN),
    default_sort="days_left",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
