"""Work on a case that one has claimed: put right what was typed, add what the pages say, split, hand over, ask."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.roles import Permission, user_allows
from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.records.actions.drafts import make_number
from pratique.records.models import (
    Document,
    Evidence,
    EvidenceState,
    Page,
    Submission,
    SubmissionState,
)
from pratique.records.pieces import Piece, PieceProblem, evidence_rows, problems
from pratique.records.products import product
from pratique.records.queries import EVIDENCE_KINDS
from pratique.reviews.actions.effects import judge_again, locked, record
from pratique.reviews.errors import CaseError, PieceError
from pratique.reviews.policies import Deed, way_of
from pratique.reviews.queries.values import values_of
from pratique.rules import PROOF
from pratique.students.models import Student

REVIEWER = "reviewer"
_LONGEST_NOTE = 1000

# What a reviewer may put right, by kind: the draft's names and the columns behind them. A form's answers are the
# student's own words under their signature; whoever doubts them returns the form.
CORRECTABLE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "dose": {
        "cvx": ("cvx",), "mvx": ("mvx",), "product": ("product",), "lot": ("lot",),
        "administered_on": ("administered_on", "precision"),
    },
    "titer": {
        name: (name,) for name in ("antibody", "result", "value", "unit", "reference_range", "collected_on")
    },
    "document": {"kind_of_document": ("kind",), "issued_on": ("issued_on",)},
    "exemption": {"exemption": ("kind",), "expires_on": ("expires_on",)},
}  # fmt: skip
# What a reviewer reads off a page and puts on record.
ADDABLE = ("dose", "titer", "document")


def correct(
    *,
    submission_id: UUID,
    kind: str,
    id: UUID,
    changes: Mapping[str, Any],
    by: audit.Actor,
    now: datetime,
    today: date,
) -> Evidence:
    """Change values of a waiting piece, named as a draft's; what the student had written is kept beside it.

    Raises PieceError with what is wrong with the values, CaseError for a piece or value that cannot be corrected, and
    what the case's state says. The audit row names the fields that changed, never a value.
    """
    submission = locked(submission_id)
    way = way_of(submission, Deed.CORRECT, by=str(by), now=now)
    row = _waiting_piece(submission, kind, id)
    fields = CORRECTABLE.get(kind, {})
    if not changes or not set(changes) <= set(fields):
        raise CaseError(_("This cannot be changed here. Return it with a reason instead."), "not_correctable")
    before = values_of(kind, row)
    wanted = _made(kind, {**before, **changes}, submission, today=today)
    after = values_of(kind, wanted)
    changed = [name for name in fields if after.get(name) != before.get(name)]
    if not changed:
        return row
    for name in changed:
        for column in fields[name]:
            setattr(row, column, getattr(wanted, column))
    if row.source != REVIEWER:
        row.as_handed_in = _kept(row.as_handed_in, before, after, changed)
    row.save(update_fields=["as_handed_in", *(column for name in changed for column in fields[name])])
    record(way.event, submission, by=by, now=now, detail={"kind": kind, "fields": sorted(changed)})
    _judge(submission, today=today, now=now)
    return row


def add_piece(
    *, submission_id: UUID, kind: str, values: Mapping[str, Any], by: audit.Actor, now: datetime, today: date
) -> Evidence:
    """Put on record what the reviewer read off a page, as a waiting piece of the case. Raises as `correct` does."""
    submission = locked(submission_id)
    way = way_of(submission, Deed.ADD_PIECE, by=str(by), now=now)
    if kind not in ADDABLE:
        raise CaseError(
            _("Only what a page shows can be added: a dose, a lab result, a document."), "not_addable"
        )
    row = _made(kind, values, submission, today=today)
    row.source = REVIEWER
    row.submitted_at = submission.sent_at or now
    row.save(force_insert=True)
    record(way.event, submission, by=by, now=now, detail={"kind": kind})
    _judge(submission, today=today, now=now)
    return row


def remove_piece(
    *, submission_id: UUID, kind: str, id: UUID, by: audit.Actor, now: datetime, today: date
) -> None:
    """Take away a waiting piece that a reviewer added; what the student handed in is returned, never removed."""
    submission = locked(submission_id)
    way = way_of(submission, Deed.REMOVE_PIECE, by=str(by), now=now)
    row = _waiting_piece(submission, kind, id)
    if row.source != REVIEWER:
        raise CaseError(_("The student handed this in. Return it with a reason instead."), "students_own")
    row.delete()
    record(way.event, submission, by=by, now=now, detail={"kind": kind})
    _judge(submission, today=today, now=now)


def split(
    *, submission_id: UUID, page_ids: Collection[UUID], requirement_key: str, by: audit.Actor, now: datetime
) -> Submission:
    """Make a case of its own of some pages, for another requirement, at the same place in the queue.

    Raises CaseError unless these are some, but not all, of the case's pages.
    """
    submission = locked(submission_id)
    way = way_of(submission, Deed.SPLIT, by=str(by), now=now)
    chosen = set(page_ids)
    pages = set(Page.objects.filter(submission_id=submission_id).values_list("id", flat=True))
    if not chosen or not chosen <= pages:
        raise CaseError(_("Choose pages of this case to split off."), "pages")
    if chosen == pages:
        raise CaseError(_("Leave at least one page here. There is nothing to split otherwise."), "all_pages")
    other = Submission(
        institution_id=submission.institution_id, student_id=submission.student_id, number=make_number(),
        state=SubmissionState.WAITING, started_at=now, started_by=str(by), changed_at=now,
        requirement_keys=[requirement_key] if requirement_key else [], confidential=submission.confidential,
        sent_at=submission.sent_at, sent_by=submission.sent_by, queued_at=submission.queued_at,
        opened_at=now, opened_by=str(by),
    )  # fmt: skip
    other.save(force_insert=True)
    Page.objects.filter(id__in=chosen).update(submission=other)
    Document.objects.create(
        institution_id=submission.institution_id, student_id=submission.student_id, submission=other,
        kind=PROOF + requirement_key, submitted_at=submission.sent_at or now,
    )  # fmt: skip
    record(way.event, submission, by=by, now=now, detail={"into": str(other.id), "pages": len(chosen)})
    return other


def hand_over(*, submission_id: UUID, to: User, note: str, by: audit.Actor, now: datetime) -> Submission:
    """Give a case to one colleague, with a note among staff. Raises CaseError if they may not decide it."""
    submission = locked(submission_id)
    way = way_of(submission, Deed.HAND_OVER, by=str(by), now=now)
    receiver = str(audit.Actor("staff", str(to.id)))
    if receiver == str(by):
        raise CaseError(_("You have this case already."), "yourself")
    if (
        to.institution_id != submission.institution_id
        or not to.is_active
        or not user_allows(to, Permission.REVIEW)
    ):
        raise CaseError(_("This colleague may not review."), "not_a_reviewer")
    if submission.second_opinion_of == receiver:
        raise CaseError(_("This colleague asked for another person’s opinion."), "asked")
    submission.handed_to = receiver
    _give_away(submission, note)
    record(way.event, submission, by=by, now=now, detail={"to": receiver})
    return submission


def ask_second_opinion(*, submission_id: UUID, note: str, by: audit.Actor, now: datetime) -> Submission:
    """Leave a case to anyone but oneself, with a note among staff."""
    submission = locked(submission_id)
    way = way_of(submission, Deed.ASK_SECOND_OPINION, by=str(by), now=now)
    if submission.second_opinion_of:
        raise CaseError(_("This is the second opinion. Decide it, or hand it to a colleague."), "second")
    submission.second_opinion_of, submission.handed_to = str(by), ""
    _give_away(submission, note)
    record(way.event, submission, by=by, now=now)
    return submission


def _give_away(submission: Submission, note: str) -> None:
    submission.staff_note = note.replace("\0", "").strip()[:_LONGEST_NOTE]
    submission.claimed_by, submission.claimed_until = "", None
    submission.save(
        update_fields=["handed_to", "second_opinion_of", "staff_note", "claimed_by", "claimed_until"]
    )


def _waiting_piece(submission: Submission, kind: str, id: UUID) -> Evidence:
    model = EVIDENCE_KINDS.get(kind)
    row = model._default_manager.filter(id=id, submission_id=submission.id).first() if model else None
    if row is None or row.state != EvidenceState.PENDING:
        raise CaseError(_("This piece is not part of the case any more."), "gone")
    return row


def _made(kind: str, values: Mapping[str, Any], submission: Submission, *, today: date) -> Evidence:
    """Return an unsaved piece of these values; raises PieceError with everything that is wrong with them."""
    born = Student.objects.only("date_of_birth").get(id=submission.student_id).date_of_birth
    piece = Piece("", kind, {**values})
    wrong = list(problems(piece, born=born, today=today))
    if kind == "dose" and not wrong and product(str(values.get("cvx", ""))) is None:
        wrong.append(PieceProblem("product", "unknown", _("Choose the vaccine from the list.")))
    if wrong:
        raise PieceError(wrong)
    (row,) = evidence_rows([piece], today=today, submission=submission)
    return row


def _kept(
    kept: Mapping[str, Any] | None, before: Mapping[str, Any], after: Mapping[str, Any], changed: list[str]
) -> dict[str, Any] | None:
    """Return what the student had written in the fields that are different now; the first value is the one kept."""
    first = {**(kept or {})}
    for name in changed:
        first.setdefault(name, before.get(name))
        if first[name] == after.get(name):
            del first[name]
    return first or None


def _judge(submission: Submission, *, today: date, now: datetime) -> None:
    institution = Institution.objects.get(id=submission.institution_id)
    judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
