"""The plain, frozen data of the rule engine: what is asked, what is answered. Evidence is in `evidence.py`.

No behaviour lives here: `evaluate.py` judges, `explain.py` and `describe.py` speak, `data.py` reads and
writes JSON. Verdicts are NamedTuples, since a bulk run makes them by the hundred thousand;
rules and conditions are frozen dataclasses, since they are few and must be told apart by type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pratique.rules.evidence import PartialDate, Precision
from pratique.rules.periods import Period

# --- conditions: for whom a requirement applies -----------------------------------------------------------


class Anchor(StrEnum):
    """A day that a window or an age is measured at."""

    TODAY = "today"
    TERM_START = "term_start"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class OnCampus:
    """The student lives on campus (or, with `value` False, does not)."""

    value: bool = True


@dataclass(frozen=True, slots=True)
class AgeBetween:
    """At least `at_least` old and younger than `below` on the day `at` (an anchor or a fixed date)."""

    at: Anchor | date
    at_least: Period | None = None
    below: Period | None = None


@dataclass(frozen=True, slots=True)
class BornBetween:
    """Born on or after `from_day` and before `before`."""

    from_day: date | None = None
    before: date | None = None


class Comparison(StrEnum):
    """How an attribute is compared. `has` is for attributes that are lists (programs has "nursing")."""

    EQUALS = "equals"
    IN = "in"
    HAS = "has"
    AT_LEAST = "at_least"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the student compared with a value; for `in`, `value` is a tuple of values."""

    name: str
    comparison: Comparison
    value: str | int | float | bool | tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class InGroup:
    """The student's requirement group is one of these."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class InTerm:
    """The student's term is one of these."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class And:
    """Every part is met."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is met."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not met. Unknown stays unknown."""

    part: Condition


Condition = OnCampus | AgeBetween | BornBetween | Attribute | InGroup | InTerm | And | Or | Not

# --- rules: what is asked ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """When something must have happened; every bound that is given holds at once.

    `since`: on or after this date. `since_day` (month, day): on or after the latest such day not after `of`,
    which is how an academic year or a flu season is said. `within`: no longer than this before `of`, the
    anniversary itself included. `at_least_before`: no later than this long before `of` (a term start or due
    date). `since_age`: on or after the day on which the student reached this age; no grace.
    """

    since: date | None = None
    since_day: tuple[int, int] | None = None
    within: Period | None = None
    at_least_before: Period | None = None
    since_age: Period | None = None
    of: Anchor = Anchor.TODAY


@dataclass(frozen=True, slots=True)
class LiveConflict:
    """A dose of another live vaccine in the `days` before, not on the same day, spoils a dose. No grace.

    Source: CDSi 4.64 live virus conflicts; ACIP General Best Practices. `cvx` may name codes of the series
    itself: a product never conflicts with itself.
    """

    cvx: frozenset[str]
    days: int = 28


@dataclass(frozen=True, slots=True)
class Series:
    """Doses of one vaccine group.

    `min_age[i]` is for dose i+1; `min_interval[i]` and `min_interval_from_first[i]` are for dose i+2, counted
    from the dose before *that counts* and from the first that counts. `products[i]` lists the CVX codes that
    dose i+1 must be of. Missing or None entries are no limit. `same_brand` lists groups of CVX codes: all
    doses must come from one group. `earliest` and `latest` bound the date of any dose. `window` is for the
    last dose. After `booster_every` since the last dose a further one is due; doses beyond `doses` have the
    age limit of the last one and no interval.

    Grace is in days; 4 for age and interval is ACIP General Best Practices. A dose whose date is known less
    well than `accepts` does not count; one that is accepted is judged by its least favourable day.
    """

    vaccine: str
    cvx: frozenset[str]
    doses: int
    min_age: tuple[Period | None, ...] = ()
    min_interval: tuple[Period | None, ...] = ()
    min_interval_from_first: tuple[Period | None, ...] = ()
    products: tuple[frozenset[str] | None, ...] = ()
    same_brand: tuple[frozenset[str], ...] = ()
    earliest: date | None = None
    latest: date | None = None
    window: Window | None = None
    booster_every: Period | None = None
    live_conflict: LiveConflict | None = None
    grace_age_days: int = 4
    grace_interval_days: int = 4
    accepts: Precision = Precision.DAY


class RecentKind(StrEnum):
    """What a `recent` rule looks for."""

    DOSE = "dose"
    DOCUMENT = "document"
    FORM = "form"
    TITER = "titer"


@dataclass(frozen=True, slots=True)
class Recent:
    """One dose (of `cvx`), document, signed form or positive titer, called `name`, inside a window.

    `accepts` is for doses, as in a series.
    """

    of: RecentKind
    name: str
    window: Window
    cvx: frozenset[str] = frozenset()
    accepts: Precision = Precision.DAY


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """A document of a kind, issued inside the window where one is given."""

    document: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class FormRule:
    """The newest answer to a form: questions answered, consents given, signed, answers as `answers` says."""

    form: str
    questions: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    signature: bool = False
    answers: Condition | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class TiterRule:
    """The newest result for each of these antibodies is positive, collected inside the window if any."""

    antibodies: tuple[str, ...]
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class ExemptionRule:
    """An exemption of a kind, with or without a document, good for `validity_months` after it was granted."""

    exemption: str
    needs_document: bool = True
    validity_months: int | None = None


@dataclass(frozen=True, slots=True)
class ConditionRule:
    """Met by what the student *is* ("born before 1957"). Unknown does not meet it."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every branch holds."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one branch holds."""

    rules: tuple[Rule, ...]


Rule = Series | Recent | DocumentRule | FormRule | TiterRule | ExemptionRule | ConditionRule | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing a group demands: a rule, for whom, which exemptions it accepts, and where it comes from."""

    key: str
    name: str
    rule: Rule
    condition: Condition | None = None
    exemptions: tuple[ExemptionRule, ...] = ()
    source: str = ""
    as_of: date | None = None
    confidence: str = ""


# --- what is answered -------------------------------------------------------------------------------------


class ItemStatus(StrEnum):
    """A student's standing on one requirement."""

    INCOMPLETE = "incomplete"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


ParamValue = str | int | date | PartialDate


class Reason(NamedTuple):
    """Why: a code of `sentences.SENTENCES` and what the sentence is about. No sentence is built here."""

    code: str
    params: tuple[tuple[str, ParamValue], ...] = ()


class DoseFinding(NamedTuple):
    """What became of one dose. `number` is the dose of the series that it is, or tried to be."""

    dose_id: str | UUID
    number: int | None
    counts: bool
    reasons: tuple[Reason, ...] = ()
    first_date_that_helps: date | None = None
    vaccine: str = ""


class Verdict(NamedTuple):
    """The answer for one student, one requirement and one day.

    `next_action_on`: the first day on which something is asked of the student: the next dose may be given,
    validity is over. It may lie in the past (asked since then). None when nothing is asked, or when what is
    asked has no first day (a missing form). `changes_on`: the first later day on which the same evidence may
    give another verdict; None if never. Where `applies` is False the status is approved: nothing is asked.
    """

    applies: bool
    status: ItemStatus
    reasons: tuple[Reason, ...]
    next_action_on: date | None
    changes_on: date | None
    administered_on: date | None
    doses: tuple[DoseFinding, ...]
