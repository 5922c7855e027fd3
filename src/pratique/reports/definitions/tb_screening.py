"""TB screening status: a row for each student of whom a TB requirement is asked, with what was answered and found.

A requirement is about TB if its key, or a form or document that its rule reads, is called so (`tb_screening`,
`tb_questionnaire`, `tb_test`). Of each student the newest of each: the questionnaire with the risk that follows from
it (`tb_risk`, as the ready form derives it), a laboratory's result for a TB test (IGRA, TST), the paper of a test,
and the paper of a chest X-ray, each with its review. What was rejected is not there.

Results are health data beyond "cleared" and "not cleared": for a file that leaves the health service, choose the
columns up to the status.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped, listed, stacked
from pratique.reports.definitions.diseases import requirements_of
from pratique.reports.definitions.item_standing import ITEM, SAME_ITEM, next_action_column, reasons_in_words
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_FILTERS,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.requirement_names import NAME, NAME_JOIN
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, STATUS, STATUS_TITLES
from pratique.reports.types import (
    Category,
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
)
from pratique.requirements.queries import sets_in_force
from pratique.rules import Requirement, compile_requirement

# As words of a key: "tb_test", "tst", but not "football".
_TB = re.compile(r"(^|[_-])(tb|tuberculosis|tst|ppd|mantoux|igra|quantiferon|t-?spot)([_-]|$)")
_TB_SQL = "'(^|[_-])(tb|tuberculosis|tst|ppd|mantoux|igra|quantiferon|t-?spot)([_-]|$)'"
_X_RAY_SQL = "'(x[_-]?ray|cxr|radiograph)'"

_RISK_TITLES = {
    "yes": gettext_lazy("At risk"),
    "no": gettext_lazy("No risk"),
    "unknown": gettext_lazy("Not answered"),
}
_RISK_SQL = "case f.risk when 'true' then 'yes' when 'false' then 'no' else 'unknown' end"
_RISK = Filter(
    "risk",
    gettext_lazy("Risk"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _RISK_TITLES.items()),
)
_SCREENING = gettext_lazy("Screening")

_COLUMNS = (
    *NAMES,
    Column("requirement", gettext_lazy("Requirement"), ColumnKind.TEXT, NAME, shown=False, section=ITEM),
    Column("status", gettext_lazy("Status"), ColumnKind.STATUS, "i.status", section=ITEM),
    Column("risk", gettext_lazy("Risk by questionnaire"), ColumnKind.STATUS, _RISK_SQL, section=_SCREENING),
    Column("answered_on", gettext_lazy("Questionnaire signed"), ColumnKind.DATE, "f.signed_on", section=_SCREENING),
    Column("answers_review", gettext_lazy("Questionnaire review"), ColumnKind.STATUS, "f.state", shown=False,
           section=_SCREENING),
    Column("result", gettext_lazy("Test result"), ColumnKind.STATUS, "l.result", section=_SCREENING),
    Column("tested_on", gettext_lazy("Tested on"), ColumnKind.DATE, "l.collected_on", section=_SCREENING),
    Column("test_paper_on", gettext_lazy("Test document of"), ColumnKind.DATE, "d.issued_on", section=_SCREENING),
    Column("test_paper_review", gettext_lazy("Test document review"), ColumnKind.STATUS, "d.state",
           section=_SCREENING),
    Column("x_ray_on", gettext_lazy("Chest X-ray of"), ColumnKind.DATE, "r.issued_on", section=_SCREENING),
    Column("x_ray_review", gettext_lazy("Chest X-ray review"), ColumnKind.STATUS, "r.state", section=_SCREENING),
    Column("missing", gettext_lazy("What is missing"), ColumnKind.TEXT,
           "case when i.status <> 'approved' then i.reasons::text end", sortable=False, section=ITEM,
           words=reasons_in_words),
    next_action_column("i"),
    *more_columns("email", "tracker", "due_on"),
)  # fmt: skip


def _newest(table: str, columns: str, of: str, day: str) -> str:
    """Return the newest piece of each student, an approved one before one that waits on the same day."""
    # Materialized, as in `memberships.one_membership`.
    return (
        f"left join (with newest as materialized (select distinct on (student_id) student_id, state, {columns} "
        f"from {table} where institution_id = %(institution)s and state <> 'rejected' and {of} "
        f"order by student_id, {day} desc nulls last, state, id) select * from newest)"
    )


_FROM = (
    f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} join compliance_item i on {SAME_ITEM} "
    "join unnest(%(tb_groups)s::uuid[], %(tb_keys)s::text[]) k (group_id, key) "
    f"on k.group_id = t.requirement_group_id and k.key = i.requirement_key {NAME_JOIN} "
    + _newest("records_formanswer", "signed_on, answers->>'tb_risk' as risk", f"form ~ {_TB_SQL}", "signed_on")
    + " f on f.student_id = m.student_id "
    + _newest("records_titer", "result, collected_on", f"antibody ~ {_TB_SQL}", "collected_on")
    + " l on l.student_id = m.student_id "
    + _newest("records_document", "issued_on", f"kind ~ {_TB_SQL} and kind !~ {_X_RAY_SQL} and kind !~ '^proof:'",
              "issued_on")
    + " d on d.student_id = m.student_id "
    + _newest("records_document", "issued_on", f"kind ~ {_X_RAY_SQL}", "issued_on")
    + " r on r.student_id = m.student_id"
)  # fmt: skip


def _is_about_tb(requirement: Requirement) -> bool:
    reads = compile_requirement(requirement).relevance
    return any(
        _TB.search(name) for name in (requirement.key, *reads.forms, *reads.documents, *reads.antibodies)
    )


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    asked = [
        (group, requirement.key)
        for group, requirement in requirements_of(sets_in_force(context.today))
        if _is_about_tb(requirement)
    ]
    arguments: dict[str, Any] = {
        "tb_groups": [group for group, _key in asked],
        "tb_keys": [key for _group, key in asked],
    }
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    if "status" in parameters:
        conditions.append("i.status = any(%(statuses)s::text[])")
        arguments["statuses"] = list(parameters["status"])
    if "risk" in parameters:
        conditions.append(f"{_RISK_SQL} = any(%(risks)s::text[])")
        arguments["risks"] = list(parameters["risk"])
    return Source(_FROM, "m.id, i.requirement_key", tuple(conditions), arguments)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(
        _source(parameters, _COLUMNS, context), context, f"{_RISK_SQL}, i.status, count(*)", "group by 1, 2"
    )
    counts = {(risk, status): count for risk, status, count in rows}
    by_status = {
        one: sum(count for (_risk, status), count in counts.items() if status == one) for one in STATUS_TITLES
    }
    total = sum(by_status.values())
    summary = _("No students match these filters.")
    if total:
        summary = ngettext("%(total)s student: %(statuses)s.", "%(total)s students: %(statuses)s.", total) % {
            "total": f"{total:,}",
            "statuses": listed(STATUS_TITLES, by_status),
        }
    return stacked(
        _("TB screening by risk and status"),
        _RISK_TITLES,
        STATUS_TITLES,
        counts,
        summary,
        statuses={status: status for status in STATUS_TITLES},
    )


REPORT = ReportDefinition(
    key="tb-screening",
    title=gettext_lazy("TB screening"),
    description=gettext_lazy(
        "Of whom TB screening is asked: risk, test, chest X-ray, and whether it is met."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, STATUS, _RISK, DUE),
    default_sort="last_name",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.RECORDS,
)
