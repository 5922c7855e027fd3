"""The machine's opinion of a draft: what each piece would count for, and what would still be missing.

Nothing is stored: `compliance.queries.what_if` judges what was typed beside what is on record.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.compliance.queries import CurrentItem, unread, what_if
from pratique.interfaces.portal.hand_in import filled_forms
from pratique.records.pieces import Piece, PieceProblem, evidence_of_rows, evidence_rows, problems
from pratique.rules import PROOF
from pratique.rules import Document as Paper

_MET = ("pending", "approved")


class Finding(NamedTuple):
    """What one dose is for one requirement: it counts, or it does not, and why."""

    requirement: str
    counts: bool
    sentence: str
    helps_from: date | None


class Outlook(NamedTuple):
    """A requirement as it would stand once this is sent."""

    key: str
    name: str
    is_met: bool
    is_changed: bool
    is_aimed: bool
    sentences: Sequence[str]


@dataclass(frozen=True)
class Checked:
    """All there is to say about a draft."""

    problems: Mapping[str, Sequence[PieceProblem]]
    findings: Mapping[str, Sequence[Finding]]
    outlooks: Sequence[Outlook]

    @property
    def aimed(self) -> Sequence[Outlook]:
        return [one for one in self.outlooks if one.is_aimed]

    @property
    def also(self) -> Sequence[Outlook]:
        """Other requirements that this changes too."""
        return [one for one in self.outlooks if one.is_changed and not one.is_aimed]


def check(
    pieces: Sequence[Piece],
    *,
    standings: Mapping[UUID, Sequence[CurrentItem]],
    student: Any,
    aimed: Sequence[str],
    has_pages: bool,
    language: str,
    today: date,
    now: datetime,
    without: Collection[str] = (),
) -> Checked:
    """Judge the pieces of a draft that have no problems of their own; `standings` is by membership, as it is now.

    `without`: ids of evidence that the one who looks must learn nothing of; an item that is not in `standings` is left
    out."""
    faults = {piece.id: _problems(piece, student.date_of_birth, language, today) for piece in pieces}
    sound = [_final(piece) for piece in pieces if not faults[piece.id]]
    signed = [piece.id for piece in sound if piece.kind == "form" and not _waits_for_others(piece)]
    rows = evidence_rows(sound, today=today, now=now, has_pages=has_pages, fully_signed=signed)
    piece_of = {str(row.id): piece.id for row, piece in zip(rows, sound, strict=True)}
    extra = evidence_of_rows(rows, submitted_at=now)
    if has_pages:
        proofs = (Paper(f"{PROOF}{key}", PROOF + key, None, "pending", now) for key in
                  unread(student.id, aimed, extra, today))  # fmt: skip
        extra = extra._replace(documents=(*extra.documents, *proofs))
    new = {str(one.id) for kind in extra for one in kind}
    findings: dict[str, list[Finding]] = {}
    outlooks = []
    for membership_id, before in standings.items():
        was = {item.key: item for item in before}
        # Without anything to judge, the standing is what it was.
        after = what_if(membership_id, today, extra=extra, without=without) if any(extra) else before
        # What is wrong with a piece is said as a reviewer would find it, not that it waits for one.
        approved = {}
        if new:
            judged = what_if(membership_id, today, extra=extra, approving=new, without=without)
            approved = {one.key: one for one in judged}
        after = [item for item in after if item.key in was]
        for item in sorted(after, key=lambda one: one.key not in aimed):
            final = approved.get(item.key, item)
            for line in final.doses:
                if line.id in piece_of:
                    findings.setdefault(piece_of[line.id], []).append(_finding(item, line))
            outlooks.append(_outlook(item, final, was.get(item.key), aimed))
    return Checked(faults, findings, outlooks)


def _problems(piece: Piece, born: date | None, language: str, today: date) -> Sequence[PieceProblem]:
    found = list(problems(piece, born=born, today=today))
    if piece.kind == "form" and not found:
        definition = filled_forms.definition_of(piece.values["form"])
        if definition is None:
            return [PieceProblem("form", "unknown", _("Your school does not use this form any more."))]
        said = filled_forms.problems_of(definition, piece.values, language, today)
        found = [PieceProblem(field, "answer", sentence) for field, sentence in said.items()]
    return found


def _final(piece: Piece) -> Piece:
    if piece.kind != "form":
        return piece
    definition = filled_forms.definition_of(piece.values["form"])
    assert definition is not None
    return piece._replace(
        values={**piece.values, "answers": filled_forms.final_answers(definition, piece.values)}
    )


def _waits_for_others(piece: Piece) -> bool:
    definition = filled_forms.definition_of(piece.values["form"])
    return definition is not None and any(signer.value != "student" for signer in definition.signers)


def _finding(item: CurrentItem, line: Any) -> Finding:
    if not line.counts:
        sentence = " ".join(line.sentences) or _("This dose does not count.")
        return Finding(item.name, False, sentence, line.first_date_that_helps)
    if not line.number:
        return Finding(item.name, True, _("Counts for %(vaccine)s.") % {"vaccine": line.vaccine}, None)
    said = {"number": line.number, "vaccine": line.vaccine}
    return Finding(item.name, True, _("Counts as dose %(number)d of %(vaccine)s.") % said, None)


def _outlook(item: CurrentItem, final: CurrentItem, was: CurrentItem | None, aimed: Sequence[str]) -> Outlook:
    changed = was is None or (was.status, tuple(was.reasons)) != (item.status, tuple(item.reasons))
    met = item.status in _MET
    reasons = item.reasons if met else final.reasons
    return Outlook(item.key, item.name, met, changed, item.key in aimed, tuple(reasons))
