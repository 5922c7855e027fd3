"""What an address (or a form) asks of a report, and the address that asks it: filters, columns, order, page.

Everything that is shown is in the address, so that it can be shared as it stands. Columns are `columns=a,b`, a title of
somebody's own is `title.<column>=Words`; the rest are the report's own parameters, `sort` and `page`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from pratique.reports.types import ChosenColumn, Layout, ReportDefinition
from pratique.screens.paging import wanted_page

COLUMNS, SORT, PAGE, TITLE = "columns", "sort", "page", "title."
# Commas and colons stand for themselves in a query, and make it one that a person can read.
_PLAIN = ",:"
_LONGEST_SORT = 80


@dataclass(frozen=True)
class Asked:
    """What is asked of a report. `raw` are its parameters as they were written; no columns: the report's own."""

    raw: Mapping[str, Sequence[str]]
    columns: tuple[ChosenColumn, ...]
    sort: str
    page: int

    def layout(self, definition: ReportDefinition) -> Layout:
        """Return the layout to make the report with; a saved report's formats of dates stay as they are."""
        return replace(definition.layout, columns=self.columns) if self.columns else Layout()


def read(definition: ReportDefinition, query: QueryDict) -> Asked:
    """Return what a query asks of the report. A NUL, which PostgreSQL refuses, is taken out."""
    return Asked(
        raw=raw_parameters(definition, query),
        columns=_columns(query),
        sort=query.get(SORT, "").replace("\0", "")[:_LONGEST_SORT],
        page=wanted_page(query),
    )


def raw_parameters(definition: ReportDefinition, query: QueryDict) -> Mapping[str, Sequence[str]]:
    """Return what a query says about the report's own parameters; an empty one counts where it lifts a saved one."""
    return {
        name: [value.replace("\0", "") for value in query.getlist(name)]
        for name in definition.parameter_names
        if any(query.getlist(name)) or (name in query and name in definition.presets)
    }


def write(
    definition: ReportDefinition,
    parameters: Mapping[str, Any],
    *,
    columns: Iterable[ChosenColumn] = (),
    sort: str = "",
) -> str:
    """Return the query that asks this. What is empty or as always is not named, unless that lifts a saved filter."""
    query = QueryDict(mutable=True)
    for name, value in parameters.items():
        values = [str(one) for one in (value if isinstance(value, list | tuple) else [value]) if one != ""]
        if name in definition.presets:
            query.setlist(name, values or [""])
        elif values and values != [_usual(definition).get(name)]:
            query.setlist(name, values)
    chosen = list(columns)
    if chosen:
        query[COLUMNS] = ",".join(column.key for column in chosen)
    for column in chosen:
        if column.title:
            query[TITLE + column.key] = column.title
    if sort:
        query[SORT] = sort
    return query.urlencode(safe=_PLAIN)


def tidied(definition: ReportDefinition, query: QueryDict) -> str | None:
    """Return the shorter address that asks the same, or None where there is none: a form names each empty field.

    A filter that a saved report has stays there with nothing in it, because that lifts it.
    """
    tidy = query.copy()
    for name, values in query.lists():
        kept = [value for value in values if value]
        if kept and (name in definition.presets or kept != [_usual(definition).get(name)]):
            tidy.setlist(name, [",".join(kept)] if name == COLUMNS else kept)
        elif name in definition.presets:
            tidy[name] = ""
        else:
            del tidy[name]
    return None if tidy == query else tidy.urlencode(safe=_PLAIN)


def without(definition: ReportDefinition, query: QueryDict, names: Iterable[str]) -> str:
    """Return the query with some of its parameters lifted, and the page taken away."""
    rest = query.copy()
    rest.pop(PAGE, None)
    for name in names:
        rest.pop(name, None)
        if name in definition.presets:
            rest[name] = ""
    return rest.urlencode(safe=_PLAIN)


def carried(query: QueryDict, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return what a form must send along besides its own fields `names`, so that the rest of the address stays."""
    own = {*names, PAGE}
    return [(name, value) for name, values in query.lists() if name not in own for value in values]


def pairs(query: str) -> list[tuple[str, str]]:
    """Return a query as the hidden fields of a form."""
    return [(name, value) for name, values in QueryDict(query).lists() for value in values]


def for_schedule(definition: ReportDefinition, asked: Asked) -> str:
    """Return the query with which the form of a new schedule begins with this report as it is shown."""
    asks = write(definition, asked.raw, columns=asked.columns, sort=asked.sort)
    return f"report={definition.key}" + (f"&{asks}" if asks else "")


def _usual(definition: ReportDefinition) -> Mapping[str, str]:
    return {one.key: one.default for one in definition.filters if one.default}


def _columns(query: QueryDict) -> tuple[ChosenColumn, ...]:
    keys = [key.strip() for value in query.getlist(COLUMNS) for key in value.replace("\0", "").split(",")]
    return tuple(
        ChosenColumn(key, query.get(TITLE + key, "").replace("\0", "").strip())
        for key in dict.fromkeys(keys)
        if key
    )
