"""Deciding a case, taking that back for ten seconds, and approving many safe ones at once.

    lock the submission -> may `by` decide it? -> one decision for each waiting piece -> pieces, reviews, submission
    -> standing judged in the same transaction -> a notice that leaves when nothing can be undone any more

Two reviewers can never decide the same evidence: both need the submission's row, the second finds it decided, and
should all of this be wrong one day, the constraint `review_once` stands behind it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records.models import Evidence, EvidenceState, Submission, SubmissionState
from pratique.records.queries import EVIDENCE_KINDS, evidence_of_submission
from pratique.reviews.actions.effects import (
    complete_students,
    judge_again,
    locked,
    record,
    tell_decided,
    untell,
)
from pratique.reviews.errors import AlreadyDecidedError, CaseError, UndecidedError, UnknownReasonError
from pratique.reviews.models import Decision, Review
from pratique.reviews.policies import (
    CLAIM,
    MOST_IN_BULK,
    NOTICE_AFTER,
    UNDO,
    UNSAFE,
    Deed,
    Refusal,
    refusal_of,
    way_of,
)
from pratique.reviews.queries.safety import look
from pratique.reviews.reasons import library
from pratique.reviews.types import ApprovedMany, Decided, PieceDecision

_LONGEST_NOTE = 500
_Pieces = Mapping[tuple[str, UUID], Evidence]


def decide(
    *,
    institution: Institution,
    submission_id: UUID,
    decisions: Sequence[PieceDecision],
    seconds: int | None = None,
    by: audit.Actor,
    now: datetime,
    today: date,
) -> Decided:
    """Decide every waiting piece of a case that `by` has; return it and until when that can be taken back.

    Raises NotClaimedError (ClaimedByOtherError), AlreadyDecidedError, TakenBackError, UndecidedError if `decisions`
    speak of other pieces than those that wait, UnknownReasonError. Then nothing has changed.
    """
    with institution_scope(institution.id):
        submission = locked(submission_id)
        way = way_of(submission, Deed.DECIDE, by=str(by), now=now)
        pieces = _waiting_pieces(submission)
        _check(decisions, pieces, institution.id)
        before = complete_students([submission.student_id])
        _write(submission, decisions, seconds, by=by, now=now)
        _record_decision(way.event, submission, decisions, by=by, now=now)
        judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
        tell_decided(
            student_id=submission.student_id,
            returned=any(not one.approve for one in decisions),
            completed=bool(complete_students([submission.student_id]) - before),
            now=now,
        )
    return Decided(submission, now + UNDO)


def undo(
    *, institution: Institution, submission_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Submission:
    """Take one's own decision back within ten seconds: the pieces wait again, and the case is claimed by `by`.

    The reviews stay on record as undone. Raises UndoTooLateError, or what else the case's state says.
    """
    with institution_scope(institution.id):
        submission = locked(submission_id)
        way = way_of(submission, Deed.UNDO, by=str(by), now=now)
        reviews = Review.objects.filter(
            submission_id=submission_id, decided_at=submission.decided_at or now, undone_at__isnull=True
        )
        keys: dict[str, list[UUID]] = {}
        for kind, key in reviews.values_list("evidence_kind", "evidence_id"):
            keys.setdefault(kind, []).append(key)
        for kind, ids in keys.items():
            EVIDENCE_KINDS[kind]._default_manager.filter(id__in=ids).update(
                state=EvidenceState.PENDING, reviewed_at=None, reviewed_by="", rejection_code="",
                rejection_reason="",
            )  # fmt: skip
        reviews.update(undone_at=now, undone_by=str(by))
        submission.state = SubmissionState.WAITING
        submission.decided_at, submission.decided_by = None, ""
        submission.claimed_by, submission.claimed_until = str(by), now + CLAIM
        submission.save(update_fields=["state", "decided_at", "decided_by", "claimed_by", "claimed_until"])
        record(way.event, submission, by=by, now=now)
        judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
        _untell(submission.student_id, now)
    return submission


def approve_many(
    *,
    institution: Institution,
    submission_ids: Collection[UUID],
    by: audit.Actor,
    now: datetime,
    today: date,
) -> ApprovedMany:
    """Approve those of these cases that are safe, without opening them; say of each other why it was left.

    At most MOST_IN_BULK at once (CaseError). What makes a case safe is `policies.unsafe`, looked at anew with all of
    them locked.
    """
    wanted = set(submission_ids)
    if len(wanted) > MOST_IN_BULK:
        raise CaseError(
            _("Please choose at most %(most)d cases at once.") % {"most": MOST_IN_BULK}, "too_many"
        )
    with institution_scope(institution.id):
        # Everyone locks in the same order, so that two who approve in bulk never wait for each other in a circle.
        cases = list(
            Submission.objects.select_for_update(of=("self",))
            .filter(id__in=wanted)
            .order_by("student_id", "id")
        )
        looked = look(cases, by=str(by), now=now, today=today)
        skipped = [
            (missing, _("This case does not exist.")) for missing in wanted - {case.id for case in cases}
        ]
        safe = []
        for case in cases:
            refusal = refusal_of(case, Deed.APPROVE_MANY, by=str(by), now=now)
            code = looked.unsafe[case.id]
            if refusal is not None or code:
                skipped.append((case.id, _sentence(refusal, code)))
            else:
                safe.append(case)
        students = {case.student_id for case in safe}
        before = complete_students(students)
        for case in safe:
            way = way_of(case, Deed.APPROVE_MANY, by=str(by), now=now)
            decisions = [PieceDecision(kind, row.id, approve=True) for kind, row in looked.pieces[case.id]]
            if case.opened_at is None:
                case.opened_at, case.opened_by = now, str(by)
            _write(case, decisions, None, by=by, now=now)
            _record_decision(way.event, case, decisions, by=by, now=now, in_bulk=True)
        if students:
            judge_again(institution=institution, student_ids=students, today=today, now=now)
        completed = complete_students(students) - before
        for student in students:
            tell_decided(student_id=student, returned=False, completed=student in completed, now=now)
    return ApprovedMany([case.id for case in safe], skipped)


def _waiting_pieces(submission: Submission) -> dict[tuple[str, UUID], Evidence]:
    return {
        (kind, row.id): row
        for kind, row in evidence_of_submission(submission.id)
        if row.state == EvidenceState.PENDING
    }


def _check(decisions: Sequence[PieceDecision], pieces: _Pieces, institution_id: UUID) -> None:
    """Raise unless each waiting piece has exactly one decision, and each return a reason of the library."""
    named = [(one.kind, one.id) for one in decisions]
    missing = [key for kind, key in pieces if (kind, key) not in named]
    unknown = [key for kind, key in named if (kind, key) not in pieces]
    if missing or unknown or len(set(named)) != len(named):
        raise UndecidedError(missing, unknown)
    returned = [one for one in decisions if not one.approve]
    if returned:
        codes = {reason.code for reason in library(institution_id)}
        if any(one.reason_code not in codes for one in returned):
            raise UnknownReasonError


def _write(
    submission: Submission,
    decisions: Sequence[PieceDecision],
    seconds: int | None,
    *,
    by: audit.Actor,
    now: datetime,
) -> None:
    """Write the decisions on the pieces, a review for each, and the case as decided."""
    changed = 0
    for kind, approved in sorted({(one.kind, one.approve) for one in decisions}):
        rows = EVIDENCE_KINDS[kind]._default_manager.filter(state=EvidenceState.PENDING)
        common = {"reviewed_at": now, "reviewed_by": str(by)}
        concerned = [one for one in decisions if one.kind == kind and one.approve == approved]
        if approved:
            changed += rows.filter(id__in=[one.id for one in concerned]).update(
                state=EvidenceState.APPROVED, **common
            )
            continue
        for one in concerned:
            changed += rows.filter(id=one.id).update(
                state=EvidenceState.REJECTED,
                rejection_code=one.reason_code,
                rejection_reason=_note(one),
                **common,
            )
    if changed != len(decisions):
        raise AlreadyDecidedError(_("This was decided already."), "decided")
    try:
        with transaction.atomic():
            Review.objects.bulk_create(
                Review(
                    institution_id=submission.institution_id, submission=submission, evidence_kind=one.kind,
                    evidence_id=one.id, decision=Decision.APPROVED if one.approve else Decision.REJECTED,
                    reason_code="" if one.approve else one.reason_code, decided_at=now, decided_by=str(by),
                    seconds=None if seconds is None else max(0, min(seconds, 86_400)),
                )
                for one in decisions
            )  # fmt: skip
    except IntegrityError as error:
        raise AlreadyDecidedError(_("This was decided already."), "decided") from error
    submission.state = SubmissionState.DECIDED
    submission.decided_at, submission.decided_by = now, str(by)
    submission.claimed_by, submission.claimed_until = "", None
    submission.save(
        update_fields=[
            "state", "decided_at", "decided_by", "claimed_by", "claimed_until", "opened_at", "opened_by",
        ]
    )  # fmt: skip


def _record_decision(
    event: str,
    submission: Submission,
    decisions: Sequence[PieceDecision],
    *,
    by: audit.Actor,
    now: datetime,
    in_bulk: bool = False,
) -> None:
    returned = [one for one in decisions if not one.approve]
    detail = {
        "approved": len(decisions) - len(returned),
        "returned": len(returned),
        "reasons": sorted({one.reason_code for one in returned}),
        "in_bulk": in_bulk,
    }
    record(event, submission, by=by, now=now, detail=detail)


def _note(one: PieceDecision) -> str:
    return one.reason_text.replace("\0", "").strip()[:_LONGEST_NOTE]


def _sentence(refusal: Refusal | None, code: str) -> str:
    return str(refusal.sentence if refusal is not None else UNSAFE[code])


def _untell(student_id: UUID, now: datetime) -> None:
    """Drop the notice of the decision that was taken back; say again what others of these seconds decided."""
    untell(student_id=student_id, now=now)
    others = Submission.objects.filter(
        student_id=student_id, state=SubmissionState.DECIDED, decided_at__gt=now - NOTICE_AFTER
    )
    ids = list(others.values_list("id", flat=True))
    if ids:
        reviews = Review.objects.filter(submission_id__in=ids, undone_at__isnull=True)
        tell_decided(
            student_id=student_id,
            returned=reviews.filter(decision=Decision.REJECTED).exists(),
            completed=False,
            now=now,
        )
