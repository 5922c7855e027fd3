"""The review queue of the demo institution: what its students sent lately, with papers, and what was decided before.

PURE but for the random source: evidence of `demo_records` in; submissions, files and reviews, all unsaved, out.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from pratique.interfaces.cli.demo_papers import Paper, photograph
from pratique.records.actions.drafts import make_number
from pratique.records.models import (
    Document,
    Dose,
    Evidence,
    Exemption,
    File,
    FormAnswer,
    Submission,
    SubmissionState,
    Titer,
)
from pratique.reviews.models import Decision, Review
from pratique.rules import PROOF

_BY_CVX = {
    "03": "mmr", "94": "mmr", "21": "varicella", "08": "hepatitis_b", "110": "hepatitis_b", "115": "tdap",
    "113": "tdap", "114": "menacwy", "136": "menacwy", "203": "menacwy", "150": "influenza",
}  # fmt: skip
_BY_ANTIBODY = {"varicella": "varicella", "hepatitis_b": "hepatitis_b"}
_BY_PAPER = {"tb_test": "tb_screening", "physical_exam": "physical_exam"}
_BY_FORM = {"tb_questionnaire": "tb_screening", "meningitis_information": "meningitis_form"}
_KINDS = {Dose: "dose", Titer: "titer", Document: "document", FormAnswer: "form", Exemption: "exemption"}
_TITLES = {"physical_exam": "Physical examination", "tb_test": "Tuberculosis test"}

# Of a hundred: only a photo was sent and nothing typed; the paper says another day than what was typed.
_ONLY_A_PHOTO, _A_SLIP = 22, 8
_REVIEWED_DAYS = 12


@dataclass(frozen=True)
class Person:
    """Whose papers they are."""

    name: str
    born: date


@dataclass
class Queue:
    """Everything to store, each list unsaved."""

    submissions: list[Submission] = field(default_factory=list)
    files: list[tuple[File, bytes]] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)


def queue_of(
    evidence: Iterable[Evidence],
    people: Mapping[UUID, Person],
    reviewers: Sequence[str],
    *,
    today: date,
    now: datetime,
    chance: random.Random,
) -> Queue:
    """Put what is pending into cases that wait, and what was decided lately into cases that were."""
    made = Queue()
    waiting: dict[UUID, list[Evidence]] = {}
    for piece in evidence:
        if piece.state == "pending":
            waiting.setdefault(piece.student_id, []).append(piece)
            continue
        made.evidence.append(piece)
        piece.reviewed_by = chance.choice(reviewers)
        if piece.reviewed_at is not None and (piece.state == "rejected" or chance.random() < 0.06):
            _decided(made, piece, now=now, chance=chance)
    for student_id, pieces in waiting.items():
        _waiting(made, people[student_id], student_id, pieces, today=today, now=now, chance=chance)
    return made


def _waiting(
    made: Queue,
    person: Person,
    student_id: UUID,
    pieces: list[Evidence],
    *,
    today: date,
    now: datetime,
    chance: random.Random,
) -> None:
    # Most came in the last days, a few have waited for a week and more: queues look like that.
    noon = datetime.combine(today - timedelta(days=int(chance.expovariate(0.4)) + 1), time(16), UTC)
    sent = min(noon + timedelta(minutes=chance.randrange(-420, 400)), now - timedelta(minutes=5))
    keys = sorted({_aim(piece) for piece in pieces})
    case = _submission(student_id, keys, sent)
    made.submissions.append(case)
    doses = [piece for piece in pieces if isinstance(piece, Dose)]
    if any(isinstance(piece, Dose | Titer | Document | Exemption) for piece in pieces):
        _add_paper(made, case, person, pieces, sent, chance)
    if doses and chance.randrange(100) < _ONLY_A_PHOTO:
        pieces = [piece for piece in pieces if piece not in doses]
        pieces += [
            Document(student_id=student_id, kind=PROOF + key) for key in sorted({_aim(one) for one in doses})
        ]
    for piece in pieces:
        piece.submission, piece.submitted_at = case, sent
        made.evidence.append(piece)


def _decided(made: Queue, piece: Evidence, *, now: datetime, chance: random.Random) -> None:
    assert piece.reviewed_at is not None
    if piece.state == "approved":
        # Lately, and in working hours: from this the estimate of the queue is measured.
        piece.reviewed_at = (now - timedelta(days=chance.randrange(1, _REVIEWED_DAYS))).replace(
            hour=chance.randrange(14, 21), minute=chance.randrange(60)
        )
        piece.submitted_at = min(piece.submitted_at, piece.reviewed_at - timedelta(hours=20))
    else:
        piece.rejection_code = chance.choice(("unreadable", "name_missing", "page_missing", "date_missing"))
        piece.rejection_reason = ""
    case = _submission(piece.student_id, [_aim(piece)], piece.submitted_at)
    case.state = SubmissionState.DECIDED
    case.opened_at = piece.reviewed_at - timedelta(seconds=25)
    case.decided_at = case.changed_at = piece.reviewed_at
    case.opened_by = case.decided_by = piece.reviewed_by
    piece.submission = case
    made.submissions.append(case)
    made.reviews.append(
        Review(
            submission=case, evidence_kind=_KINDS[type(piece)], evidence_id=piece.id,
            decision=Decision(piece.state), reason_code=piece.rejection_code, decided_at=piece.reviewed_at,
            decided_by=piece.reviewed_by, seconds=chance.randrange(9, 48),
        )
    )  # fmt: skip


def _submission(student_id: UUID, keys: list[str], sent: datetime) -> Submission:
    actor = f"student:{student_id}"
    return Submission(
        student_id=student_id, number=make_number(), state=SubmissionState.WAITING, started_at=sent, started_by=actor,
        changed_at=sent, requirement_keys=keys, sent_at=sent, sent_by=actor, queued_at=sent,
    )  # fmt: skip


def _add_paper(
    made: Queue,
    case: Submission,
    person: Person,
    pieces: list[Evidence],
    sent: datetime,
    chance: random.Random,
) -> None:
    if made.files and chance.random() < 0.02:
        content = made.files[-1][1]  # somebody handed in a friend's paper
    else:
        content = photograph(_paper(person, pieces, chance), chance)
    file = File(
        student_id=case.student_id, submission=case, name=f"IMG_{chance.randrange(1000, 9999)}.jpeg",
        uploaded_at=sent, uploaded_by=case.sent_by,
    )  # fmt: skip
    made.files.append((file, content))


def _paper(person: Person, pieces: list[Evidence], chance: random.Random) -> Paper:
    born = f"{person.born:%m/%d/%Y}"
    doses = [piece for piece in pieces if isinstance(piece, Dose)]
    titers = [piece for piece in pieces if isinstance(piece, Titer)]
    papers = [piece for piece in pieces if isinstance(piece, Document)]
    if titers:
        lines = [
            (one.antibody.replace("_", " ") + " IgG", f"{one.value} {one.unit}", one.result) for one in titers
        ]
        return Paper("Laboratory report", person.name, born, ("Test", "Result", "Interpretation"), lines)
    if papers and not doses:
        title = _TITLES.get(papers[0].kind, "Medical report")
        on = papers[0].issued_on
        lines = [("Date", f"{on:%m/%d/%Y}" if on else "", ""), ("Result", "No findings", "")]
        return Paper(title, person.name, born, ("Item", "Finding", "Remarks"), lines)
    if not doses:
        lines = [("Patient should not receive", "this vaccine", "for 12 months")]
        return Paper("Statement of physician", person.name, born, ("Statement", "", ""), lines)
    lines = []
    for dose in doses:
        slip = timedelta(days=chance.choice((9, 30))) if chance.randrange(100) < _A_SLIP else timedelta()
        given = dose.administered_on + slip
        lines.append(
            (dose.product, f"{given:%m/%d/%Y}", f"{chance.choice('ABCDKMR')}{chance.randrange(10**5):05}")
        )
    return Paper("Immunization record", person.name, born, ("Vaccine", "Date given", "Lot"), lines)


def _aim(piece: Evidence) -> str:
    match piece:
        case Dose():
            return _BY_CVX.get(piece.cvx, "mmr")
        case Titer():
            return _BY_ANTIBODY.get(piece.antibody, "mmr")
        case Document():
            return _BY_PAPER.get(piece.kind, piece.kind)
        case FormAnswer():
            return _BY_FORM.get(piece.form, piece.form)
        case Exemption():
            return piece.requirement_key
    return ""
