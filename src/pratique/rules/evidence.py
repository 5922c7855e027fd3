"""What is handed in and what is known of a student: the plain, frozen data that rules judge.

NamedTuples, since a bulk run makes them by the hundred thousand. What is asked and answered is in `types.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from pratique.rules.periods import last_day

# A document of the kind "proof:mmr" speaks for the requirement "mmr" and has not been read yet: pages sent without
# typing what is on them. While it waits the student has done their part; it never satisfies anything itself.
PROOF = "proof:"


class EvidenceState(StrEnum):
    """Where a piece of evidence stands in review."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Precision(StrEnum):
    """How well a date is known: to the day, or only its month or its year."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class PartialDate(NamedTuple):
    """A month or a year, by its first day: what a reason carries in place of a date that nobody knows."""

    first: date
    precision: Precision | str

    @property
    def last(self) -> date:
        """The last day of the month or year."""
        return last_day(self.first, self.precision)


class Dose(NamedTuple):
    """One dose given. `cvx` is the CDC vaccine code as text ("03"), `mvx` the maker's code where known.

    Where only the month or the year is known, `precision` says so and `administered_on` is its first day.
    """

    id: str | UUID
    cvx: str
    administered_on: date
    state: EvidenceState | str
    submitted_at: datetime | None = None
    mvx: str = ""
    precision: Precision | str = Precision.DAY


class Titer(NamedTuple):
    """One laboratory result for an antibody ("measles"); `result` is positive, negative or equivocal."""

    id: str | UUID
    antibody: str
    result: str
    collected_on: date
    state: EvidenceState | str
    submitted_at: datetime | None = None
    value: str = ""
    unit: str = ""


class Document(NamedTuple):
    """One uploaded paper of a kind ("physical_exam"); `issued_on` is the date that the reviewer read."""

    id: str | UUID
    kind: str
    issued_on: date | None
    state: EvidenceState | str
    submitted_at: datetime | None = None


class FormAnswer(NamedTuple):
    """One filled-in form; `answers` by question name, `signed_on` the day of the e-signature."""

    id: str | UUID
    form: str
    answers: Mapping[str, Any]
    signed_on: date | None
    state: EvidenceState | str
    submitted_at: datetime | None = None


class Exemption(NamedTuple):
    """One exemption claimed, for the requirement of a key ("" for any); `expires_on` is its last good day."""

    id: str | UUID
    kind: str
    requirement: str
    granted_on: date | None
    expires_on: date | None
    has_document: bool
    state: EvidenceState | str
    submitted_at: datetime | None = None


class Evidence(NamedTuple):
    """Everything one student has handed in, in any order."""

    doses: tuple[Dose, ...] = ()
    titers: tuple[Titer, ...] = ()
    documents: tuple[Document, ...] = ()
    forms: tuple[FormAnswer, ...] = ()
    exemptions: tuple[Exemption, ...] = ()


class StudentFacts(NamedTuple):
    """What is known about the student. None, "" and an absent attribute all mean *unknown*, never *no*."""

    date_of_birth: date | None
    on_campus: bool | None
    attributes: Mapping[str, Any]
    group: str = ""
    term: str = ""
    term_starts_on: date | None = None
    due_on: date | None = None
