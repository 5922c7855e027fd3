"""What was approved before, beside a case: the machine's verdict rests on it, so a reviewer sees it too."""

from collections.abc import Collection, Mapping, Sequence

from pratique.compliance.queries import in_words
from pratique.records.queries import EVIDENCE_KINDS
from pratique.reviews.queries.titles import title_of
from pratique.reviews.queries.values import values_of
from pratique.reviews.queries.verdicts import Judgement
from pratique.reviews.types import OnRecord, RecordedPiece
from pratique.rules import DoseFinding


def on_record(
    judged: Sequence[Judgement], aimed: Collection[str], names: Mapping[str, str], language: str
) -> list[OnRecord]:
    """Return for each requirement that the case is about what was approved before, in the order in which it came.

    Requirements without any are left out. Five queries, none where nothing was approved.
    """
    concerned = [one for one in judged if one.on_record and (one.pieces or one.requirement.key in aimed)]
    wanted = {key for one in concerned for key in one.on_record}
    rows = [
        (kind, row)
        for kind, model in EVIDENCE_KINDS.items()
        for row in model._default_manager.filter(id__in=wanted).order_by("id")
    ]
    found = []
    for one in concerned:
        faults = {
            str(dose.dose_id): [in_words(reason) for reason in dose.reasons]
            for dose in one.would_be.doses
            if not dose.counts and not _is_spare(dose)
        }
        pieces = [
            RecordedPiece(
                kind,
                title_of(kind, row, names, {}, language),
                values_of(kind, row),
                faults.get(str(row.id), ()),
            )
            for kind, row in rows
            if row.id in one.on_record
        ]
        found.append(OnRecord(names.get(one.requirement.key, one.requirement.key), pieces))
    return found


def _is_spare(dose: DoseFinding) -> bool:
    """Say whether nothing is wrong with a dose but that enough others count."""
    return any(reason.code == "dose_not_needed" for reason in dose.reasons)
