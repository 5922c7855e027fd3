"""What was approved before, beside a case: the machine's verdict rests on it, so a reviewer sees it too. PURE."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from django.utils.translation import gettext

from pratique.records.models import Exemption as ExemptionRow
from pratique.records.products import plain_name
from pratique.reviews.queries.verdicts import Fact, Judgement
from pratique.reviews.types import OnRecord, RecordedPiece
from pratique.rules import PROOF, Document, Dose, DoseFinding, Exemption, FormAnswer, Titer
from pratique.rules.explain import word

_LENGTH = {"day": 10, "month": 7, "year": 4}


def on_record(
    judged: Sequence[Judgement], aimed: Collection[str], names: Mapping[str, str], language: str
) -> list[OnRecord]:
    """Return for each requirement that the case is about what was approved before, oldest first."""
    found = []
    for one in judged:
        if not one.on_record or not (one.pieces or one.requirement.key in aimed):
            continue
        counts = {
            str(finding.dose_id): finding.counts for finding in one.would_be.doses if not _is_spare(finding)
        }
        pieces = [
            RecordedPiece(_title(fact, names, language), _day(fact), counts.get(str(fact.id)))
            for fact in one.on_record
        ]
        key = one.requirement.key
        found.append(OnRecord(names.get(key, key), sorted(pieces, key=lambda piece: piece.day)))
    return found


def _is_spare(finding: DoseFinding) -> bool:
    """Say whether nothing is wrong with a dose but that enough others count."""
    return any(reason.code == "dose_not_needed" for reason in finding.reasons)


def _title(fact: Fact, names: Mapping[str, str], language: str) -> str:
    match fact:
        case Dose():
            return plain_name(fact.cvx, language)
        case Titer():
            return gettext("Lab result: %(antibody)s") % {"antibody": word(fact.antibody, gettext)}
        case Document() if fact.kind.startswith(PROOF):
            key = fact.kind.removeprefix(PROOF)
            return gettext("Pages for %(requirement)s") % {"requirement": names.get(key, key)}
        case Document():
            return _capital(word(fact.kind, gettext))
        case FormAnswer():
            return _capital(word(fact.form, gettext))
        case Exemption():
            kind = ExemptionRow(kind=fact.kind).get_kind_display()
            return gettext("Exemption: %(kind)s") % {"kind": kind}


def _day(fact: Fact) -> str:
    match fact:
        case Dose():
            return fact.administered_on.isoformat()[: _LENGTH[str(fact.precision)]]
        case Titer():
            return fact.collected_on.isoformat()
        case Document():
            return _iso(fact.issued_on)
        case FormAnswer():
            return _iso(fact.signed_on)
        case Exemption():
            return _iso(fact.granted_on)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
