"""What of a schedule's form depends on its report: the filters, and the columns with titles, widths and order.

Columns come as `column` (a key for each, in order), `title.<key>` and `width.<key>`. `deed` is the button that was
pressed (`report_columns.done`). What an address asks of a report (`report_address`) is understood too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.delivery.models import Contents
from pratique.delivery.types import SchedulePlan
from pratique.interfaces.console import report_address, report_columns, report_page
from pratique.reports import layouts, queries
from pratique.reports.types import (
    Choice,
    ChosenColumn,
    Column,
    Filter,
    Layout,
    Parameters,
    ReportDefinition,
    ReportError,
    saved_key,
)

# Of which report the columns of a form are: those of another one are forgotten.
OF, KEY, WIDTH = "columns-of", "column", "width."


@dataclass(frozen=True)
class Row:
    """A chosen column as the form shows it. `usual` is the report's own title; `own` one that somebody gave it."""

    key: str
    usual: str
    own: str = ""
    width: str = ""
    # Characters that it gets in fixed width, if nobody says how many.
    usual_width: int | None = None
    error: str = ""

    @property
    def is_gone(self) -> bool:
        """Whether the column was there when it was chosen, and is not now."""
        return self.usual_width is None


@dataclass(frozen=True)
class ReportPart:
    """The part of the form that depends on the report, as far as it could be read."""

    key: str = ""
    definition: ReportDefinition | None = None
    parameters: Parameters = field(default_factory=dict)
    fields: Sequence[report_page.Field] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    sections: Sequence[report_columns.Section] = ()
    # Filters that nobody set and that have another default where the file holds what changed.
    left_open: frozenset[str] = frozenset()

    @property
    def has_delta(self) -> bool:
        """Whether the report can tell what changed."""
        return bool(self.definition and self.definition.changed)

    @property
    def sorts(self) -> list[tuple[str, str]]:
        """What the file can be ordered by."""
        return [(one.key, str(one.title)) for one in self.columns if one.sortable]

    @property
    def layout_columns(self) -> tuple[ChosenColumn, ...]:
        """The columns for a layout; a width that is none counts as not given, and `has_errors` says so."""
        return tuple(
            ChosenColumn(one.key, one.own, int(one.width) if one.width and not one.error else None)
            for one in self.rows
        )

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(one.error for one in self.rows)


def reports_for(user: User) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return key and title of all that somebody may schedule: saved reports, and those of the catalogue."""
    saved = [(saved_key(one.id), one.name) for one in queries.saved_reports(user)]
    return saved, [(one.key, str(one.title)) for one in queries.catalogue_for(user.role)]


def read(key: str, data: QueryDict, *, now: datetime, plan: SchedulePlan | None = None) -> ReportPart:
    """Return the part as an address or a form says it; where nothing was typed, as `plan`, the schedule's, has it.

    `key` is one that the person may have; an empty one gives an empty part.
    """
    if not key:
        return ReportPart()
    try:
        definition = queries.definition(key)
    except ReportError as wrong:
        return ReportPart(key, errors={"": str(wrong)})
    is_typed, asked = data.get(OF) == key, report_address.read(definition, data)
    raw = asked.raw
    if plan and plan.report_key == key and not is_typed:
        raw = {name: _texts(plan.parameters.get(name, "")) for name in definition.parameter_names}
        if plan.contents != Contents.DELTA:
            # What whole files have as always was chosen by nobody.
            raw |= {one.key: [""] for one in _of_delta(definition) if raw[one.key] == [one.default]}
    parsed = queries.parse_parameters(key, raw)
    fields = report_page.fields(
        definition, queries.filter_choices(key), parsed.parameters, raw, parsed.errors
    )
    left_open = frozenset(one.key for one in _of_delta(definition) if _is_left_open(one, raw, definition))
    fields = [_with_usual(one, left_open) if definition.changed else one for one in fields]
    part = ReportPart(key, definition, parsed.parameters, fields, parsed.errors, left_open=left_open)
    try:
        columns = queries.columns(key, parsed.parameters, now=now)
    except ReportError as wrong:
        # A filter without which there are no columns is not filled in yet.
        return part if parsed.errors else replace(part, errors={"": str(wrong)})
    kept = plan.layout.columns if plan and plan.report_key == key else ()
    given = _typed(data) if is_typed else asked.columns or kept
    picked = report_columns.chosen(definition, columns, given)
    picked = report_columns.done(picked, data.get("deed", ""), columns)
    known = {one.key: str(one.title) for one in columns}
    usual = dict(zip(known, layouts.widths(Layout(), columns), strict=True))
    rows = [
        Row(
            one.key, known.get(one.key, one.key), one.title,
            data.get(WIDTH + one.key, "").strip()[:6] if is_typed else str(one.width or ""),
            usual.get(one.key),
        )
        for one in picked
    ]  # fmt: skip
    rows = [replace(one, error=_wrong(one.width)) for one in rows]
    return replace(part, columns=columns, rows=rows, sections=report_columns.sections(columns, picked))


def _of_delta(definition: ReportDefinition) -> list[Filter]:
    return [one for one in definition.filters if one.in_delta]


def _is_left_open(one: Filter, raw: Mapping[str, Sequence[str]], definition: ReportDefinition) -> bool:
    """Return whether nobody set a filter: a saved report keeps the usual value that nobody chose either."""
    if one.key in raw:
        return not any(raw[one.key])
    return bool(definition.presets.get(one.key, one.default) == one.default)


def _with_usual(shown: report_page.Field, left_open: frozenset[str]) -> report_page.Field:
    """Return a filter's field with the choice to leave it open, where that means two things."""
    if not shown.filter.in_delta:
        return shown
    usual = Choice("", _("Active; archived too where only changes are sent"))
    values = [""] if shown.key in left_open else shown.values
    return replace(shown, options=[usual, *shown.options], values=values)


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _wrong(width: str) -> str:
    is_number = not width or (width.isascii() and width.isdigit())
    return "" if is_number else _("A width is a number of characters.")


def _typed(data: QueryDict) -> tuple[ChosenColumn, ...]:
    titles = {key: data.get(report_address.TITLE + key, "") for key in data.getlist(KEY)}
    return tuple(
        ChosenColumn(key, title.replace("\0", "").strip()[:200]) for key, title in titles.items() if key
    )
