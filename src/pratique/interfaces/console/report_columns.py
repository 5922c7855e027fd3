"""Choosing columns: what can be chosen by section, what is, and what a button of the builder does to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.reports.types import ChosenColumn, Column, ReportDefinition

_UNNAMED = _("Other columns")


@dataclass(frozen=True)
class Section:
    """Columns that stand together in the list of what can be chosen."""

    title: str | Promise
    columns: Sequence[Column]


@dataclass(frozen=True)
class Line:
    """A column that is chosen: its usual title, and the one that somebody gave it."""

    key: str
    title: str | Promise
    own_title: str
    # A column that was there when the report was made, and is not now.
    is_gone: bool = False


def chosen(
    definition: ReportDefinition, columns: Sequence[Column], asked: Sequence[ChosenColumn]
) -> tuple[ChosenColumn, ...]:
    """Return the columns that the report shows: those asked for, else its own, else the usual ones."""
    usual = (ChosenColumn(column.key) for column in columns if column.shown)
    return tuple(asked) or definition.layout.columns or tuple(usual)


def lines(columns: Sequence[Column], picked: Sequence[ChosenColumn]) -> list[Line]:
    """Return the chosen columns in their order."""
    known = {column.key: column for column in columns}
    return [
        Line(one.key, known[one.key].title, one.title)
        if one.key in known
        else Line(one.key, one.title or one.key, one.title, is_gone=True)
        for one in picked
    ]


def sections(columns: Sequence[Column], picked: Sequence[ChosenColumn]) -> list[Section]:
    """Return what is not chosen yet, by section, in the report's order."""
    taken = {one.key for one in picked}
    found: dict[str, tuple[str | Promise, list[Column]]] = {}
    for column in columns:
        if column.key not in taken:
            title = column.section or _UNNAMED
            found.setdefault(str(title), (title, []))[1].append(column)
    return [Section(title, some) for title, some in found.values()]


def done(picked: tuple[ChosenColumn, ...], deed: str, columns: Sequence[Column]) -> tuple[ChosenColumn, ...]:
    """Return the columns after a button was pressed: `add:<key>`, `remove:<key>`, `up:<key>`, `down:<key>`, or
    `usual` and `none`, which begin again. What cannot be done changes nothing.
    """
    verb, _colon, key = deed.partition(":")
    keys = [one.key for one in picked]
    if verb == "usual":
        return tuple(ChosenColumn(column.key) for column in columns if column.shown)
    if verb == "none":
        return ()
    if verb == "add" and key not in keys and key in {column.key for column in columns}:
        return (*picked, ChosenColumn(key))
    if key not in keys:
        return picked
    at = keys.index(key)
    rest = [*picked[:at], *picked[at + 1 :]]
    if verb in {"up", "down"}:
        rest.insert(max(0, at - 1) if verb == "up" else at + 1, picked[at])
    return tuple(rest) if verb in {"up", "down", "remove"} else picked


def usual_left_out(
    definition: ReportDefinition, columns: Sequence[Column], picked: Sequence[ChosenColumn]
) -> tuple[ChosenColumn, ...]:
    """Return what an address must name: nothing where the columns are the report's own."""
    return () if tuple(picked) == chosen(definition, columns, ()) else tuple(picked)
