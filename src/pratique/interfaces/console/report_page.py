"""A report as its address says it: filters as form fields, chips that take one away again, and cells as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pratique.interfaces.console import report_address
from pratique.reports.types import (
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    ReportDefinition,
    ReportTable,
)
from pratique.screens import words
from pratique.screens.templatetags.screens import chip
from pratique.students import queries as student_queries

EMPTY = "–"
# Whole numbers that name something: nobody writes vaccine 1,119 or line 12,000.
_NAMES = frozenset({"id", "row", "line", "cvx", "year"})
# A state has a chip if one of these kinds knows it, in this order; else the words of the report's own filters.
_KINDS_OF_STATE = ("item", "membership", "outcome", "import", "delivery")
_MATCHES = 8


@dataclass(frozen=True)
class Field:
    """A filter as a form shows it: what may be chosen, what is, and what is wrong with it."""

    filter: Filter
    options: Sequence[Choice]
    values: Sequence[str]
    error: str = ""
    # The student whom the value stands for, in words, and as the field wants them typed.
    student: str = ""
    typed: str = ""

    @property
    def key(self) -> str:
        return self.filter.key

    @property
    def name(self) -> str | Promise:
        return self.filter.title

    @property
    def widget(self) -> str:
        """Which part of the form draws it."""
        kinds = {
            FilterKind.DATE_RANGE: "range",
            FilterKind.NUMBER: "number",
            FilterKind.STUDENT: "student",
        }
        return kinds.get(self.filter.kind) or ("several" if self.filter.many else "one")

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def last(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def titles(self) -> list[str]:
        """The chosen values in words."""
        known = {option.value: str(option.title) for option in self.options}
        return [known.get(value, value) for value in self.values if value]

    @property
    def shown(self) -> str:
        """What is chosen, in words; empty if nothing is."""
        if self.widget == "range":
            return " – ".join(value or "…" for value in self.values) if any(self.values) else ""
        return self.student or ", ".join(self.titles)

    @property
    def summary(self) -> str:
        """What is chosen, short enough for a closed list."""
        titles = self.titles
        if len(titles) > 1:
            return ngettext("%(count)d chosen", "%(count)d chosen", len(titles)) % {"count": len(titles)}
        return titles[0] if titles else _("Any")

    @property
    def is_open(self) -> bool:
        """Whether it is chosen by somebody, rather than as it always is."""
        return any(self.values) and list(self.values) != [self.filter.default]


@dataclass(frozen=True)
class FilterChip:
    """A filter in use, and the address without it."""

    name: str | Promise
    label: str
    without: str


@dataclass(frozen=True)
class Match:
    """A student who may be meant, and the value to choose them by."""

    value: UUID
    name: str
    student_id: str


def fields(
    definition: ReportDefinition,
    choices: Mapping[str, Sequence[Choice]],
    parameters: Mapping[str, Any],
    raw: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
) -> list[Field]:
    """Return the form's fields in the report's order; what was not understood is shown as it was written."""
    return [_field(one, choices.get(one.key, ()), parameters, raw, errors) for one in definition.filters]


def _field(
    one: Filter,
    options: Sequence[Choice],
    parameters: Mapping[str, Any],
    raw: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
) -> Field:
    names = one.parameter_names
    error = " ".join(errors[name] for name in names if name in errors)
    if one.kind == FilterKind.DATE_RANGE:
        return Field(one, (), [_first(parameters.get(name) or raw.get(name)) for name in names], error)
    given = parameters.get(one.key) or raw.get(one.key) or [""]
    values = [str(value) for value in given] if isinstance(given, list | tuple) else [str(given)]
    if one.kind == FilterKind.STUDENT:
        name, typed = ("", values[0]) if error or not any(values) else _student(values[0])
        return Field(one, (), values, error, name, typed)
    return Field(one, options, values, error)


def _first(value: Any) -> str:
    return str((value[0] if value else "") if isinstance(value, list | tuple) else value or "")


def _student(value: str) -> tuple[str, str]:
    """Return a student's name with their id, and the username, which is theirs alone."""
    try:
        found = student_queries.find(UUID(value))
    except ValueError:
        found = None
    if found is None:
        return "", value
    name = _name(found.last_name, found.first_name)
    return f"{name} ({found.student_id or found.username})" if name else found.username, found.username


def raw_parameters(definition: ReportDefinition, query: QueryDict) -> Mapping[str, Sequence[str]]:
    """Return what the address says about the report's own parameters; page and order are not among them."""
    return report_address.raw_parameters(definition, query)


def missing(definition: ReportDefinition, raw: Mapping[str, Sequence[str]]) -> list[Filter]:
    """Return the filters without which there is no report, as far as nothing is given for them."""
    return [
        one
        for one in definition.filters
        if one.is_needed and not any(raw.get(one.key, ())) and one.key not in definition.presets
    ]


def chips(definition: ReportDefinition, shown: Sequence[Field], query: QueryDict) -> list[FilterChip]:
    """Return the filters in use; one without which there is no report cannot be taken away."""
    return [
        FilterChip(
            field.name,
            field.shown,
            f"?{report_address.without(definition, query, field.filter.parameter_names)}",
        )
        for field in shown
        if field.is_open and not field.filter.is_needed and not field.error
    ]


def matches(text: str) -> list[Match]:
    """Return students whose name or id the text may mean, for "which one?"; few, and each once."""
    chosen = student_queries.StudentFilter(search=text.replace("\0", "").strip()[:200], state=None)
    if not chosen.search:
        return []
    total = student_queries.count(chosen)
    found = student_queries.page(chosen, sort="name", offset=0, limit=_MATCHES, total=total)
    return list(
        {
            one.student_id: Match(
                one.student_id,
                _name(one.student.last_name, one.student.first_name) or one.student.username,
                one.student.student_id or one.student.username,
            )
            for one in found
        }.values()
    )


def _name(last: str, first: str) -> str:
    return ", ".join(part for part in (last, first) if part)


def rows(table: ReportTable) -> list[list[tuple[Column, str | SafeString]]]:
    """Return the rows of a table as a person reads them."""
    said = {choice.value: str(choice.title) for one in table.definition.filters for choice in one.choices}
    return [
        [(column, cell(column, value, said)) for column, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]


def cell(column: Column, value: Any, said: Mapping[str, str] = MappingProxyType({})) -> str | SafeString:
    """Return a value as a person reads it; `said` are words for codes that have no chip."""
    if value is None or value == "":
        return EMPTY
    match column.kind:
        case ColumnKind.DATE:
            return value if isinstance(value, str) else date_format(value, "DATE_FORMAT")
        case ColumnKind.INSTANT:
            return value if isinstance(value, str) else date_format(localtime(value), "DATETIME_FORMAT")
        case ColumnKind.BOOLEAN:
            return value if isinstance(value, str) else _("Yes") if value else _("No")
        case ColumnKind.INTEGER:
            if column.key.rpartition("_")[2] in _NAMES:
                return str(value)
            return number_format(value, force_grouping=True)
        case ColumnKind.PERCENT:
            # number_format cuts digits off; files round them.
            return f"{number_format(round(value, 1), decimal_pos=1)}%"
        case ColumnKind.STATUS:
            return _state(str(value), said)
    return str(value)


def _state(value: str, said: Mapping[str, str]) -> str | SafeString:
    for kind in _KINDS_OF_STATE:
        if value in words.CHIPS.get(kind, {}):
            return chip(kind, value)
    return said.get(value) or capfirst(value.replace("_", " "))
