"""What the reports about items share: which statuses are open, what is missing in words, what is asked when."""

from typing import Any

import orjson
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.compliance.queries import in_words
from pratique.reports.definitions.counting import grouped, stacked
from pratique.reports.filters import STATUS_TITLES
from pratique.reports.types import (
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportChart,
    ReportContext,
    Source,
)
from pratique.rules import reason_from_data

ITEM = gettext_lazy("Requirement")
OPEN_TITLES = {status: title for status, title in STATUS_TITLES.items() if status != "approved"}
OPEN_STATUS = Filter(
    "status",
    gettext_lazy("Item status"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in OPEN_TITLES.items()),
)
OVERDUE = Filter(
    "overdue",
    gettext_lazy("Due date passed"),
    FilterKind.CHOICE,
    choices=(Choice("yes", gettext_lazy("Overdue")), Choice("no", gettext_lazy("Not due yet"))),
)
OVERDUE_SQL = {"yes": "t.due_on < %(today)s", "no": "t.due_on >= %(today)s"}
# What an item says that an exemption and nothing else makes approved (`rules.sentences`).
BY_EXEMPTION = (
    "(i.status = 'approved' and (i.reasons @> '[{\"code\": \"exemption_until\"}]' "
    'or i.reasons @> \'[{"code": "exemption_accepted"}]\'))'
)
SAME_ITEM = "i.institution_id = m.institution_id and i.membership_id = m.id"


def overdue_column() -> Column:
    """Return the days since the due date; empty where it has not passed."""
    return Column(
        "overdue_days",
        gettext_lazy("Days overdue"),
        ColumnKind.INTEGER,
        "case when t.due_on < %(today)s then %(today)s::date - t.due_on end",
        section=ITEM,
    )


def next_action_column(table: str) -> Column:
    """Return the day of the next action of `m` or `i`: what has been asked for long is asked today."""
    return Column(
        "next_action_on",
        gettext_lazy("Next action"),
        ColumnKind.DATE,
        f"{table}.next_action_on + greatest(0, %(today)s::date - {table}.next_action_on)",
        sort=(f"{table}.next_action_on",),
        section=ITEM,
    )


def reasons_in_words(reasons: str) -> str:
    """Return stored reasons (JSON) as sentences in the active language, as the student reads them."""
    return " ".join(in_words(reason_from_data(one)) for one in orjson.loads(reasons))


def open_item_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions on an item `i` that is not approved, and add what they bind."""
    conditions = ["i.status <> 'approved'"]
    if "requirement" in parameters:
        conditions.append("i.requirement_key = %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    if "status" in parameters:
        conditions.append("i.status = any(%(statuses)s::text[])")
        arguments["statuses"] = list(parameters["status"])
    return conditions


def chart_by_requirement(
    source: Source, context: ReportContext, *, key: str, name: str, position: str, titles: dict[str, Any]
) -> ReportChart:
    """Return the items of a source by requirement and status, with the requirement that has most in words."""
    rows = grouped(
        source,
        context,
        f"{key}, min({name}), coalesce(min({position}), 32767), i.status, count(*)",
        "group by 1, 4 order by 3, 2, 1",
    )
    labels = {key: name for key, name, _position, _status, _count in rows}
    counts = {(key, status): count for key, _name, _position, status, count in rows}
    by_name = {name: sum(counts.get((key, one), 0) for one in titles) for key, name in labels.items()}
    total = sum(by_name.values())
    summary = _("No items match these filters.")
    if total:
        most = max(by_name, key=lambda name: by_name[name])
        summary = ngettext(
            "%(total)s item is not approved. Most of one requirement: %(name)s (%(most)s).",
            "%(total)s items are not approved. Most of one requirement: %(name)s (%(most)s).",
            total,
        ) % {"total": f"{total:,}", "name": most, "most": f"{by_name[most]:,}"}
    return stacked(
        _("Items by requirement and status"), labels, titles, counts, summary,
        statuses={status: status for status in titles},
    )  # fmt: skip
