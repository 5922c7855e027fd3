"""A report while it is built: what the form holds, what its buttons do, and what is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.translation import gettext as _

from pratique.interfaces.console import report_address, report_columns
from pratique.reports.models import SavedReport
from pratique.reports.types import ChosenColumn, Column, Layout, ReportDefinition

# Fields of the form that are no part of the report's address.
NAME, DESCRIPTION, SHARED, DEED, BY, DOWN = (
    "name",
    "description",
    "shared_with",
    "deed",
    "sort_by",
    "sort_down",
)


@dataclass(frozen=True)
class Draft:
    """What was built so far. `raw` are the filters as they were written."""

    picked: tuple[ChosenColumn, ...]
    raw: Mapping[str, Sequence[str]]
    sort: str = ""
    name: str = ""
    description: str = ""
    shared_with: tuple[str, ...] = ()

    @property
    def sort_by(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_backwards(self) -> bool:
        return self.sort.startswith("-")

    def to_keep(self, own: Layout, columns: Sequence[Column]) -> Layout:
        """Return the layout to save. The usual columns are not named, so that a new requirement joins them."""
        usual = tuple(ChosenColumn(column.key) for column in columns if column.shown)
        return replace(own, columns=() if self.picked == usual else self.picked)

    def address(self, definition: ReportDefinition, columns: Sequence[Column]) -> str:
        """Return the query that shows the report as it is built."""
        picked = report_columns.usual_left_out(definition, columns, self.picked)
        return report_address.write(definition, self.raw, columns=picked, sort=self.sort)


def begun(
    definition: ReportDefinition, columns: Sequence[Column], query: QueryDict, saved: SavedReport | None
) -> Draft:
    """Return what an address begins with: its columns, filters and order, else the report's own."""
    asked = report_address.read(definition, query)
    return Draft(
        report_columns.chosen(definition, columns, asked.columns),
        asked.raw,
        asked.sort or (saved.sort if saved else ""),
        saved.name if saved else "",
        saved.description if saved else "",
        tuple(saved.shared_with) if saved else (),
    )


def typed(definition: ReportDefinition, columns: Sequence[Column], form: QueryDict) -> Draft:
    """Return what the form says, after what its button does to the columns."""
    asked = report_address.read(definition, form)
    by = form.get(BY, "").replace("\0", "")[:79]
    return Draft(
        report_columns.done(asked.columns, form.get(DEED, ""), columns),
        asked.raw,
        f"-{by}" if by and DOWN in form else by,
        form.get(NAME, "").replace("\0", ""),
        form.get(DESCRIPTION, "").replace("\0", ""),
        tuple(form.getlist(SHARED)),
    )


def said(draft: Draft, deed: str, columns: Sequence[Column]) -> str:
    """Return what a button did, for those who do not see it."""
    verb, _colon, key = deed.partition(":")
    titles = {column.key: column.title for column in columns}
    places = [one.key for one in draft.picked]
    if verb in {"add", "up", "down"} and key in places:
        return _("%(column)s is column %(place)d of %(total)d.") % {
            "column": titles.get(key, key),
            "place": places.index(key) + 1,
            "total": len(places),
        }
    if verb == "remove" and key not in places:
        return _("%(column)s is taken out.") % {"column": titles.get(key, key)}
    return ""
