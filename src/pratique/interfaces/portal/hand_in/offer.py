"""Which ways of handing in are open for some requirements, and the steps that belong to them. PURE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pratique.compliance.queries import CurrentItem

FORM_STEP = "form-"
# Who helps gives papers and dates. Forms and requests for exemption are the student's own words.
GUARDIANS_STEPS = ("pages", "doses", "results")


@dataclass(frozen=True)
class Offer:
    """What the requirements take: vaccines, antibodies, kinds of document, forms, and exemptions by kind."""

    vaccines: Sequence[str]
    antibodies: Sequence[str]
    documents: Sequence[str]
    forms: Sequence[str]
    exemptions: Mapping[str, bool]

    @property
    def pages(self) -> bool:
        """Whether a photo or file helps: for all but what is only a form to fill in."""
        return bool(self.vaccines or self.antibodies or self.documents)


class ExemptionChoice(NamedTuple):
    """A kind of exemption that a requirement accepts."""

    kind: str
    needs_document: bool


def offer(items: Iterable[CurrentItem]) -> Offer:
    """Return everything that may be handed in for these items, each once, in the order of their rules."""
    vaccines, antibodies, documents, forms = {}, {}, {}, {}  # type: ignore[var-annotated]  # ordered sets
    exemptions: dict[str, bool] = {}
    for item in items:
        for way in item.ways:
            names = dict.fromkeys(way.names)
            match way.kind:
                case "dose":
                    vaccines |= names
                case "titer":
                    antibodies |= names
                case "document":
                    documents |= names
                case "form":
                    forms |= names
                case "exemption":
                    exemptions |= {name: exemptions.get(name, False) or way.needs_document for name in names}
    return Offer(tuple(vaccines), tuple(antibodies), tuple(documents), tuple(forms), exemptions)


def exemption_choices(offered: Offer) -> list[ExemptionChoice]:
    """Return the kinds of exemption that are accepted."""
    return [ExemptionChoice(kind, needs) for kind, needs in offered.exemptions.items()]


def next_step(step: str, offered: Offer, draft: Mapping[str, object]) -> str:
    """Return the step after `step`: photos of doses are followed by their dates, everything else by the summary."""
    pieces = draft.get("pieces")
    kinds = {piece.get("kind") for piece in pieces} if isinstance(pieces, list) else set()
    if step == "pages" and offered.vaccines and not kinds & {"dose", "titer", "exemption", "document"}:
        return "doses"
    if step == "exemption" and any(
        isinstance(piece, dict)
        and piece.get("kind") == "exemption"
        and offered.exemptions.get(piece["exemption"])
        for piece in (pieces if isinstance(pieces, list) else ())
    ):
        return "pages"
    return "summary"
