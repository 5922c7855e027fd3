"""Reminders and what came of them: a row for each reminder and way that it went, or why it did not go."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reminders.types import CHANNELS, REASONS
from pratique.reports.definitions.actors import said
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_FILTERS,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.reading import days
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE
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

# So long after a reminder what a student does counts as its outcome.
ANSWER_DAYS = 14

_STATES: Mapping[str, Text] = {
    "waiting": gettext_lazy("Waits for approval"),
    "queued": gettext_lazy("Waiting to be sent"),
    "sending": gettext_lazy("Being sent"),
    "sent": gettext_lazy("Sent"),
    "failed": gettext_lazy("Could not be sent"),
    "in_doubt": gettext_lazy("Perhaps sent"),
    "dropped": gettext_lazy("Not needed any more"),
    "stopped": gettext_lazy("Not needed any more"),
    "left_out": gettext_lazy("Left out"),
}
_OUTCOMES: Mapping[str, tuple[Text, str]] = {
    "completed": (gettext_lazy("All handed in within 14 days"), "approved"),
    "handed_in": (gettext_lazy("Something handed in within 14 days"), "pending"),
    "nothing": (gettext_lazy("Nothing within 14 days"), "incomplete"),
    "early": (gettext_lazy("Less than 14 days ago"), ""),
    "not_sent": (gettext_lazy("Not sent"), "rejected"),
}
_STATE = Filter(
    "sent_state",
    gettext_lazy("State"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _STATES.items() if value != "dropped"),
)
_OUTCOME = Filter(
    "outcome",
    gettext_lazy("Outcome"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, (title, _status) in _OUTCOMES.items()),
)
_CHANNEL = Filter(
    "channel",
    gettext_lazy("Sent by"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in CHANNELS.items()),
)
_PLANNED = Filter("planned", gettext_lazy("Planned"), FilterKind.DATE_RANGE)

_STATE_SQL = "case when n.state = 'dropped' then 'stopped' else coalesce(n.state, r.state) end"
_SENT_AT = "case when n.state = 'sent' then n.changed_at end"
_WITHIN = f">= {_SENT_AT} and {{0}} < {_SENT_AT} + {ANSWER_DAYS} * interval '1 day'"
# When the student had done their part of all, for who has now: an item that was theirs to mend no longer is.
_DONE_AT = (
    "(select max(c.at) from compliance_statuschange c where c.institution_id = m.institution_id "
    "and c.membership_id = m.id "
    "and (c.requirement_key = '' or c.from_status in ('incomplete', 'rejected', 'expired')))"
)
_OUTCOME_SQL = (
    "case when n.state is distinct from 'sent' then 'not_sent' "
    f"when done.at {_WITHIN.format('done.at')} then 'completed' "
    "when exists (select from records_submission c where c.institution_id = m.institution_id "
    f"and c.student_id = m.student_id and c.sent_at {_WITHIN.format('c.sent_at')}) then 'handed_in' "
    f"when n.changed_at > %(now)s - {ANSWER_DAYS} * interval '1 day' then 'early' else 'nothing' end"
)


def _reason(value: Any) -> str:
    """Return why it did not go: a code of `REASONS`, or what the mail server or text service said. PURE."""
    return str(REASONS.get(str(value), value))


_COLUMNS = (
    *NAMES,
    Column("step", gettext_lazy("Step"), ColumnKind.TEXT, "nullif(r.step, '')"),
    Column("remembered", gettext_lazy("Due date then"), ColumnKind.DATE, "r.due_on", shown=False),
    Column("channel", gettext_lazy("Sent by"), ColumnKind.TEXT, "n.channel", words=said(CHANNELS)),
    Column("planned_at", gettext_lazy("Planned"), ColumnKind.INSTANT, "r.planned_at"),
    Column("sent_at", gettext_lazy("Sent"), ColumnKind.INSTANT, _SENT_AT),
    Column("sent_state", gettext_lazy("State"), ColumnKind.TEXT, _STATE_SQL, words=said(_STATES)),
    Column(
        "reason",
        gettext_lazy("Why not"),
        ColumnKind.TEXT,
        "coalesce(nullif(r.reason, ''), nullif(n.failure, ''))",
        words=_reason,
    ),
    Column(
        "outcome",
        gettext_lazy("Outcome"),
        ColumnKind.TEXT,
        "answer.outcome",
        words=said({code: title for code, (title, _status) in _OUTCOMES.items()}),
    ),
    Column(
        "completed", gettext_lazy("All handed in in time"), ColumnKind.BOOLEAN, "answer.outcome = 'completed'"
    ),
    *more_columns("tracker", "due_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {"now": context.now}
    conditions = [
        "r.institution_id = %(institution)s",
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
        *days(parameters, arguments, "planned", "r.planned_at"),
    ]
    for key, expression in (("sent_state", _STATE_SQL), ("outcome", "answer.outcome")):
        if key in parameters:
            conditions.append(f"{expression} = any(%({key})s::text[])")
            arguments[key] = list(parameters[key])
    if "channel" in parameters:
        conditions.append("n.channel = %(channel)s")
        arguments["channel"] = parameters["channel"]
    return Source(
        from_sql="reminders_reminder r "
        "join students_membership m on m.institution_id = r.institution_id and m.id = r.membership_id "
        f"{STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} "
        "left join students_notice n on n.institution_id = r.institution_id and n.student_id = m.student_id "
        "and n.cause = r.id and n.kind = 'reminder' "
        # "offset 0": else what is looked up once would be looked up wherever it is named.
        f"cross join lateral (select case when m.user_complete and n.state = 'sent' then {_DONE_AT} end as at "
        f"offset 0) done cross join lateral (select {_OUTCOME_SQL} as outcome offset 0) answer",
        identity="r.id, n.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    counts = dict(
        grouped(_source(parameters, _COLUMNS, context), context, "answer.outcome, count(*)", "group by 1")
    )
    total = sum(counts.values())
    known = sum(counts.get(code, 0) for code in ("completed", "handed_in", "nothing"))
    summary = _("No reminders match these filters.")
    if total:
        summary = ngettext("%(count)d reminder.", "%(count)d reminders.", total) % {"count": total}
    if known:
        summary += " " + _(
            "Of those sent at least 14 days ago or answered since, %(done).0f%% had all handed in within 14 days, "
            "and %(some).0f%% something."
        ) % {
            "done": 100 * counts.get("completed", 0) / known,
            "some": 100 * counts.get("handed_in", 0) / known,
        }
    return ReportChart(
        kind="bar",
        title=_("Reminders by outcome"),
        labels=[title for title, _status in _OUTCOMES.values()],
        series=[ChartSeries(_("Reminders"), [counts.get(code, 0) for code in _OUTCOMES])],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="reminders",
    title=gettext_lazy("Reminders and their outcome"),
    description=gettext_lazy("Who was reminded when and how, who was left out and why, and what came of it."),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE, _STATE, _CHANNEL, _OUTCOME, _PLANNED),
    default_sort="-planned_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.PEOPLE,
)
