"""Typed laboratory results: one card an antibody, one day for the whole report. PURE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pratique.interfaces.portal import typed_dates
from pratique.interfaces.portal.typed_dates import TypedDate

_FIELDS = {"result": 10, "value": 40, "unit": 20, "reference_range": 60}


@dataclass(frozen=True)
class TiterCard:
    """One antibody's result as it stands in the form."""

    antibody: str
    result: str = ""
    value: str = ""
    unit: str = ""
    reference_range: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.result or self.value or self.unit or self.reference_range)


@dataclass(frozen=True)
class LabReport:
    """The step as a whole: the day on which blood was taken, and the cards."""

    collected: TypedDate
    cards: Sequence[TiterCard]
    problems: Mapping[str, str] = field(default_factory=dict)


def report_of(pieces: Iterable[Mapping[str, Any]], antibodies: Sequence[str]) -> LabReport:
    """Return the step for a draft: a card for each antibody that is asked for, and for each that was typed."""
    typed = {piece["antibody"]: piece for piece in pieces if piece.get("kind") == "titer"}
    cards = [
        _card(name, {part: str(typed[name].get(part, "")) for part in _FIELDS})
        if name in typed
        else TiterCard(name)
        for name in dict.fromkeys((*antibodies, *typed))
    ]
    first = next(iter(typed.values()), {})
    collected = typed_dates.of_iso(first.get("collected_on", ""))
    if not collected.iso:
        collected = typed_dates.read(
            *(first.get("typed", {}).get(part, "") for part in ("day", "month", "year"))
        )
    return LabReport(collected, cards)


def read_report(posted: Mapping[str, Any], antibodies: Sequence[str]) -> LabReport:
    """Read the step's form."""

    def text(name: str, most: int) -> str:
        return str(posted.get(name, "")).replace("\0", "").strip()[:most]

    day, month, year = (text(f"collected-{part}", 40) for part in ("day", "month", "year"))
    collected = typed_dates.read(day, month, year, text("collected-meant", 10))
    cards = [
        _card(name, {part: text(f"titer-{name}-{part}", most) for part, most in _FIELDS.items()})
        for name in antibodies
    ]
    return LabReport(collected, cards)


def _card(antibody: str, values: Mapping[str, str]) -> TiterCard:
    return TiterCard(antibody, values["result"], values["value"], values["unit"], values["reference_range"])


def as_pieces(report: LabReport) -> list[dict[str, Any]]:
    """Return the cards that were begun as pieces of the draft."""
    typed = {"day": report.collected.day, "month": report.collected.month, "year": report.collected.year}
    return [
        {
            "id": f"t{number}", "kind": "titer", "antibody": card.antibody, "result": card.result,
            "value": card.value, "unit": card.unit, "reference_range": card.reference_range,
            "collected_on": report.collected.iso, "typed": typed,
        }
        for number, card in enumerate(report.cards)
        if not card.empty
    ]  # fmt: skip
