"""What a student's items say, as columns: of each requirement the status, dates and what is missing; and their join.

Only what is chosen is picked: 30 columns of which 8 are of requirements cost 8 picks, whatever else could be chosen.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy

from pratique.reports.definitions.item_standing import SAME_ITEM, reasons_in_words
from pratique.reports.definitions.requirement_columns import RequirementColumn
from pratique.reports.types import Column, ColumnKind, Source, Text


class _Part(NamedTuple):
    """One thing that an item says. `condition` is on the item besides its requirement."""

    title: Text
    kind: ColumnKind
    pick: str
    sort: str = ""
    condition: str = ""
    words: Callable[[Any], str] | None = None


# In the order in which they stand behind each other in the builder.
_PARTS = {
    "requirement": _Part("%(requirement)s", ColumnKind.STATUS, "i.status", "o.status"),
    "date": _Part(
        gettext_lazy("%(requirement)s date"), ColumnKind.DATE, "i.administered_on", "o.administered_on"
    ),
    "next": _Part(
        gettext_lazy("%(requirement)s next action"),
        ColumnKind.DATE,
        # What has been asked for long is asked today: a date in the past reads like a mistake.
        "i.next_action_on + greatest(0, %(today)s::date - i.next_action_on)",
        "o.next_action_on",
    ),
    "changed": _Part(
        gettext_lazy("%(requirement)s last changed"),
        ColumnKind.INSTANT,
        "i.status_changed_at",
        "o.status_changed_at",
    ),
    "missing": _Part(
        gettext_lazy("%(requirement)s: what is missing"),
        ColumnKind.TEXT,
        "i.reasons::text",
        condition=" and i.status <> 'approved'",
        words=reasons_in_words,
    ),
}


@dataclass(frozen=True)
class ItemColumn(Column):
    """A column of one requirement: the `number`th of the report's, and which part of its items."""

    requirement: str = ""
    number: int = 0
    part: str = ""


def item_columns(
    requirements: Sequence[RequirementColumn], *, shown: Sequence[str]
) -> tuple[ItemColumn, ...]:
    """Return every part of every requirement as a column, the parts called `shown` in the usual table."""
    return tuple(
        ItemColumn(
            key=f"{name}:{requirement.key}",
            title=str(part.title) % {"requirement": requirement.name},
            kind=part.kind,
            sql=f"i.{name}{number}",
            sort=(part.sort,) if part.sort else (),
            # Sorting by one requirement joins that one item; the pivot of all is made for the page alone.
            sort_join="left join compliance_item o on o.membership_id = m.id "
            f"and o.requirement_key = %(item{number})s",
            sortable=bool(part.sort),
            shown=name in shown,
            section=requirement.name,
            words=part.words,
            requirement=requirement.key,
            number=number,
            part=name,
        )
        for number, requirement in enumerate(requirements)
        for name, part in _PARTS.items()
    )


def item_arguments(columns: Sequence[Column]) -> dict[str, Any]:
    """Return what the columns and their join bind."""
    return {f"item{one.number}": one.requirement for one in _of_items(columns)}


def joined_items(columns: Sequence[Column], source: Source) -> Source:
    """Return the source with the items that the columns are of, as `i`.

    For the whole report one sweep over all items and a hash join: measured 0.42 s for 50,000 x 8, where
    jsonb_object_agg takes 0.75 s, a join for each requirement 0.50 s, and a lateral look-up for each row 0.47 s.
    """
    picks = [
        f"max({_PARTS[one.part].pick}) filter (where i.requirement_key = %(item{one.number})s"
        f"{_PARTS[one.part].condition}) as {one.part}{one.number}"
        for one in _of_items(columns)
    ]
    if not picks:
        # Sorted first and joined then all the same: that is what keeps page 900 as quick as page 1.
        return _with_joins(source, "", "left join (select 1) i on true")
    pivot = ", ".join(picks)
    return _with_joins(
        source,
        f"left join (select i.membership_id, {pivot} from compliance_item i group by 1) i "
        "on i.membership_id = m.id",
        f"left join lateral (select {pivot} from compliance_item i where {SAME_ITEM}) i on true",
    )


def _of_items(columns: Sequence[Column]) -> list[ItemColumn]:
    return [column for column in columns if isinstance(column, ItemColumn)]


def _with_joins(source: Source, whole: str, detail: str) -> Source:
    return Source(source.from_sql, source.identity, source.where, source.arguments, whole, detail)
