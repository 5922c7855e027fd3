"""Access log for one student: who saw or changed the record, what they did, and when."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.foundation import audit
from pratique.foundation.audit_kinds import Kind, kind_of
from pratique.foundation.models import AuditEvent
from pratique.reports.definitions.actors import actor_column, said, staff_join
from pratique.reports.definitions.reading import days
from pratique.reports.filters import STUDENT
from pratique.reports.types import (
    Category,
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportContext,
    ReportDefinition,
    Source,
    Text,
)

_KINDS: Mapping[str, Text] = {
    Kind.VIEWED: gettext_lazy("Viewed"),
    Kind.EXPORTED: gettext_lazy("Exported"),
    Kind.CHANGED: gettext_lazy("Changed"),
    Kind.DECIDED: gettext_lazy("Decided"),
    Kind.SIGNED_IN: gettext_lazy("Signed in"),
    Kind.SETTINGS: gettext_lazy("Settings"),
}
_ABOUT: Mapping[str, Text] = {
    "record": gettext_lazy("This record"),
    "many": gettext_lazy("Many students, perhaps this one"),
}
_KIND = Filter(
    "kind",
    gettext_lazy("Kind"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(kind.value, _KINDS[kind]) for kind in Kind),
)
# Who took a report of many may have taken this student's line with it: one event, which names nobody.
_EXPORTS = Filter(
    "exports",
    gettext_lazy("Downloads about many students"),
    FilterKind.CHOICE,
    choices=(Choice("no", gettext_lazy("Leave out")), Choice("yes", gettext_lazy("Show too"))),
    default="no",
)
_AT = Filter("at", gettext_lazy("When"), FilterKind.DATE_RANGE)


def _in_words(action: str) -> str:
    """Return an action's own words: `reviews:case:viewed` reads "Case: viewed". PURE."""
    subject, _colon, verb = action.partition(":")[2].partition(":")
    text = f"{subject}: {verb}" if verb else subject or action
    return (text[:1].upper() + text[1:]).replace("_", " ")


_ACTOR = "x.by"
_COLUMNS = (
    Column("at", gettext_lazy("When"), ColumnKind.INSTANT, "x.at"),
    actor_column("who", gettext_lazy("Who"), "u", _ACTOR),
    Column(
        "kind",
        gettext_lazy("Kind"),
        ColumnKind.TEXT,
        "x.action",
        words=lambda action: str(_KINDS[kind_of(action)]),
        sortable=False,
    ),
    Column(
        "what",
        gettext_lazy("What"),
        ColumnKind.TEXT,
        "x.action",
        words=_in_words,
    ),
    Column("action", gettext_lazy("Action code"), ColumnKind.TEXT, "x.action"),
    Column(
        "about",
        gettext_lazy("About"),
        ColumnKind.TEXT,
        "case when x.subject_type = 'student' then 'record' else 'many' end",
        words=said(_ABOUT),
    ),
    Column("report", gettext_lazy("Report"), ColumnKind.TEXT, "(x.detail ->> 'report')", shown=False),
    Column("actor", gettext_lazy("Actor code"), ColumnKind.TEXT, _ACTOR, shown=False),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {"student": UUID(parameters["student"])}
    about = "(x.subject_type = 'student' and x.subject_id = %(student)s)"
    conditions = ["x.institution_id = %(institution)s", *days(parameters, arguments, "at", "x.at")]
    exports: list[str] = []
    if parameters.get("exports") == "yes":
        exports = arguments["exports"] = audit.actions_of(Kind.EXPORTED)
        about = f"({about} or (x.subject_type <> 'student' and x.action = any(%(exports)s::text[])))"
    conditions.append(about)
    if "kind" in parameters:
        # What kind an action is, Python knows.
        known = {*_actions(arguments["student"]), *exports}
        arguments["actions"] = [action for action in known if kind_of(action) in parameters["kind"]]
        conditions.append("x.action = any(%(actions)s::text[])")
    return Source(
        from_sql=f"foundation_auditevent x {staff_join('u', _ACTOR)}",
        identity="x.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _actions(student_id: UUID) -> list[str]:
    found = AuditEvent.objects.filter(subject_type="student", subject_id=student_id).order_by()
    return list(found.values_list("action", flat=True).distinct())


REPORT = ReportDefinition(
    key="student-access",
    title=gettext_lazy("Access log for one student"),
    description=gettext_lazy("Who saw or changed one student’s record, what they did, and when."),
    permission=Permission.VIEW_AUDIT,
    filters=(
        Filter(STUDENT.key, STUDENT.title, STUDENT.kind, is_needed=True),
        _KIND,
        _EXPORTS,
        _AT,
    ),
    default_sort="-at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    category=Category.OPERATIONS,
)
