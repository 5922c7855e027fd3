"""What a compiled rule answers, before `evaluate.py` makes a status of it.

A rule only says whether it *holds* on a day with the evidence that is counted, and why. It knows nothing of
pending or rejected: which states are counted is the caller's choice.

The law that makes `changes_on` right: every comparison with `on_date` that could turn out otherwise later
puts the day on which it turns into `changes_on`, and no reason carries `on_date` itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from pratique.rules.evidence import Evidence, StudentFacts
from pratique.rules.types import DoseFinding, Reason


class Outcome(NamedTuple):
    """Whether a rule holds and why.

    `progress` from 0 to 1 ranks branches that do not; below 0: not up to them. `lapsed`: it certainly held on
    an earlier day; where it is False, nobody has looked.
    """

    holds: bool
    reasons: tuple[Reason, ...]
    next_action_on: date | None = None
    changes_on: date | None = None
    administered_on: date | None = None
    doses: tuple[DoseFinding, ...] = ()
    progress: float = 0.0
    lapsed: bool = False


class Relevance(NamedTuple):
    """Which evidence a rule looks at: CVX codes, antibodies, document kinds, forms, exemption kinds."""

    cvx: frozenset[str] = frozenset()
    antibodies: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    exemptions: frozenset[str] = frozenset()


class Check(Protocol):
    """A compiled rule."""

    @property
    def relevance(self) -> Relevance:
        """Which evidence the rule looks at."""
        ...

    @property
    def can_lapse(self) -> bool:
        """Whether evidence that suffices may stop doing so through time alone."""
        ...

    @property
    def alternative(self) -> tuple[Reason, ...]:
        """How the rule is named as another way to satisfy a requirement; empty if nobody can choose it."""
        ...

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the evidence whose state is in `counted`."""
        ...

    def lapses(self, evidence: Evidence) -> Iterable[date]:
        """Yield the days on which a piece of evidence stops sufficing through time alone."""
        ...


def merge_relevance(parts: Iterable[Relevance]) -> Relevance:
    """Return the union."""
    columns = zip(*parts, strict=True)
    return Relevance(*(frozenset().union(*column) for column in columns))


def earliest(days: Iterable[date | None]) -> date | None:
    """Return the first of some days, leaving out the Nones; None if nothing is left."""
    return min((day for day in days if day is not None), default=None)


def sooner(one: date | None, other: date | None) -> date | None:
    """Return the first of two days; None is never."""
    if one is None:
        return other
    return one if other is None or one <= other else other


def together(alternatives: Iterable[Reason]) -> tuple[Reason, ...]:
    """Mark alternatives that only suffice all together: each after the first is one more, not another one."""
    return tuple(
        Reason(code, (*params, ("together", 1)))
        if place and ("together", 1) not in params
        else Reason(code, params)
        for place, (code, params) in enumerate(alternatives)
    )


if TYPE_CHECKING:
    _Row = TypeVar("_Row", bound=tuple[Any, ...])

    def quick(kind: type[_Row], values: tuple[Any, ...]) -> _Row: ...

else:
    # Makes a NamedTuple from all of its values at a third of the price, for what a bulk run makes by the million.
    quick = tuple.__new__
