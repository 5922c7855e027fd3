"""A report as its address says it: filters as form fields, cells as text, and links that keep the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from pratique.compliance.models import ItemStatus
from pratique.reports.types import Choice, Column, ColumnKind, Filter, FilterKind, ReportDefinition
from pratique.screens.templatetags.screens import chip
from pratique.students.models import MembershipState

_EMPTY = "–"


@dataclass(frozen=True)
class Field:
    """A filter as the form shows it: what may be chosen, what is, and what is wrong with it."""

    key: str
    name: str | Promise
    is_range: bool
    options: Sequence[Choice]
    values: Sequence[str]
    error: str

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def last(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def shown(self) -> str:
        """The chosen values in words, for a chip; empty if nothing is chosen."""
        if self.is_range:
            return " – ".join(value or "…" for value in self.values) if any(self.values) else ""
        return ", ".join(str(option.title) for option in self.options if option.value in self.values)


def raw_parameters(definition: ReportDefinition, query: QueryDict) -> Mapping[str, Sequence[str]]:
    """Return what the address says about the report's own parameters; page and order are not among them."""
    return {name: query.getlist(name) for name in definition.parameter_names if any(query.getlist(name))}


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
        values = [str(parameters.get(name) or (raw.get(name) or [""])[0]) for name in names]
        return Field(one.key, one.title, True, (), values, error)
    given = parameters.get(one.key) or raw.get(one.key) or []
    return Field(
        one.key, one.title, False, options, [given] if isinstance(given, str) else list(given), error
    )


def cell(column: Column, value: Any) -> str | SafeString:
    """Return a value as a person reads it."""
    if value is None or value == "":
        return _EMPTY
    match column.kind:
        case ColumnKind.DATE:
            return date_format(value, "DATE_FORMAT")
        case ColumnKind.INSTANT:
            return date_format(timezone.localtime(value), "DATETIME_FORMAT")
        case ColumnKind.BOOLEAN:
            return _("Yes") if value else _("No")
        case ColumnKind.INTEGER:
            return number_format(value, force_grouping=True)
        case ColumnKind.PERCENT:
            return f"{number_format(value, decimal_pos=1)}%"
        case ColumnKind.STATUS:
            return _status(str(value))
    return str(value)


def _status(value: str) -> str | SafeString:
    if value in ItemStatus:
        return chip("item", value)
    if value in MembershipState:
        return chip("membership", value)
    return chip("outcome", value)
