"""From the student's draft to the queue, and back as long as no reviewer has begun.

    a draft -> problems? -> pieces become evidence -> standing is judged -> a place in the queue

Sending locks the submission first. A second tab finds it sent already and gets the same receipt.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from pratique.compliance.queries import unread
from pratique.foundation import audit
from pratique.foundation.ids import new_ids
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records import forms
from pratique.records.actions import add_evidence
from pratique.records.models import (
    Document,
    Evidence,
    FileState,
    FormAnswer,
    Signature,
    SignerRole,
    Submission,
    SubmissionState,
)
from pratique.records.pieces import Piece, evidence_of_rows, evidence_rows, problems, read_pieces
from pratique.records.queries import EVIDENCE_KINDS, files_of, form_in_force, form_of_version
from pratique.reviews.actions.effects import judge_again, locked, record
from pratique.reviews.errors import NotSendableError
from pratique.reviews.models import Decision, Review
from pratique.reviews.policies import Deed, way_of
from pratique.rules import PROOF
from pratique.students import guardians
from pratique.students.actions.notices import drop_waiting, queue_notice
from pratique.students.models import NoticeKind, Student


def send(
    *, institution: Institution, submission_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Submission:
    """Send a draft to the reviewers; what was sent before is returned as it is.

    Raises NotSendableError with everything that keeps it from being sent, TakenBackError if it was withdrawn,
    Submission.DoesNotExist.
    """
    with institution_scope(institution.id):
        submission = locked(submission_id)
        way = way_of(submission, Deed.SEND, by=str(by), now=now)
        if not way.event:
            return submission
        student = Student.objects.get(id=submission.student_id)
        typed = read_pieces(submission.draft)
        definitions = _definitions(typed)
        _refuse_for_guardians(submission, typed, definitions, by)
        pieces = _checked(submission, typed, definitions, born=student.date_of_birth, today=today)
        signed = {piece.id for piece in pieces if _is_fully_signed(piece, definitions.get(piece.id), by)}
        rows = _rows(submission, pieces, signed, now=now, today=today)
        # Ascending keys keep the order in which it was typed; those made one by one do not within a millisecond.
        for row, key in zip(rows, new_ids(len(rows)), strict=True):
            row.id = key
        submission.state = SubmissionState.WAITING
        submission.sent_at = submission.changed_at = now
        submission.sent_by = str(by)
        if all(piece.id in signed for piece in pieces if piece.kind == "form"):
            submission.queued_at = _place(submission, now)
        submission.save(update_fields=["state", "sent_at", "sent_by", "changed_at", "queued_at"])
        add_evidence(institution_id=institution.id, evidence=rows, by=by, now=now)
        _sign(pieces, rows, definitions, by=by, now=now)
        counts = {"pieces": len(rows), "waits_for_signatures": submission.queued_at is None}
        record(way.event, submission, by=by, now=now, detail=counts)
        _ask_guardians(submission, student, now=now, today=today)
        judge_again(institution=institution, student_ids=[student.id], today=today, now=now)
    return submission


def enter_queue(
    *, institution: Institution, submission_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Submission:
    """Put a submission whose last signature was just given into the queue, and date its forms by that signature.

    Does nothing while a signature is missing, or when it waits already. Raises TakenBackError.
    """
    with institution_scope(institution.id):
        submission = locked(submission_id)
        if submission.state == SubmissionState.WAITING and submission.queued_at is not None:
            return submission
        way = way_of(submission, Deed.COMPLETE_SIGNATURES, by=str(by), now=now)
        answers = list(FormAnswer.objects.filter(submission_id=submission_id).order_by("id"))
        if not all(_has_all_signatures(answer) for answer in answers):
            return submission
        FormAnswer.objects.filter(submission_id=submission_id, signed_on__isnull=True).update(signed_on=today)
        submission.queued_at = _place(submission, now)
        submission.changed_at = now
        submission.save(update_fields=["queued_at", "changed_at"])
        record(way.event, submission, by=by, now=now)
        judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
    return submission


def withdraw(
    *, institution: Institution, submission_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Submission:
    """Take a submission back for good; its pieces are evidence no longer.

    Raises BegunError once a reviewer has looked at it, AlreadyDecidedError, TakenBackError.
    """
    with institution_scope(institution.id):
        submission = locked(submission_id)
        way = way_of(submission, Deed.WITHDRAW, by=str(by), now=now)
        submission.state = SubmissionState.WITHDRAWN
        submission.withdrawn_at = submission.changed_at = now
        submission.withdrawn_by = str(by)
        submission.queued_at = None
        submission.save(update_fields=["state", "withdrawn_at", "withdrawn_by", "changed_at", "queued_at"])
        taken = _take_pieces_back(submission)
        drop_waiting(student_id=submission.student_id, kinds=[NoticeKind.SIGNATURE_ASKED], now=now)
        record(way.event, submission, by=by, now=now, detail={"pieces": taken})
        judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
    return submission


def reopen(
    *, institution: Institution, submission_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Submission:
    """Make a sent submission a draft again, to be changed and sent anew. Raises as `withdraw` does."""
    with institution_scope(institution.id):
        submission = locked(submission_id)
        way = way_of(submission, Deed.REOPEN, by=str(by), now=now)
        submission.state = SubmissionState.DRAFT
        submission.changed_at = now
        submission.sent_at, submission.sent_by, submission.queued_at = None, "", None
        submission.save(update_fields=["state", "changed_at", "sent_at", "sent_by", "queued_at"])
        taken = _take_pieces_back(submission)
        drop_waiting(student_id=submission.student_id, kinds=[NoticeKind.SIGNATURE_ASKED], now=now)
        record(way.event, submission, by=by, now=now, detail={"pieces": taken})
        judge_again(institution=institution, student_ids=[submission.student_id], today=today, now=now)
    return submission


def _checked(
    submission: Submission,
    pieces: Sequence[Piece],
    definitions: dict[str, forms.Form],
    *,
    born: date | None,
    today: date,
) -> list[Piece]:
    """Return the pieces with their forms' answers cleaned; raises NotSendableError with all that is wrong."""
    found: list[tuple[str, str]] = []
    checked = []
    for piece in pieces:
        found += [(piece.id, problem.sentence) for problem in problems(piece, born=born, today=today)]
        form = definitions.get(piece.id)
        if piece.kind == "form" and form is None:
            found.append((piece.id, _("This form is not in use any more. Please start it again.")))
        elif form is not None:
            answers = forms.check(
                form, piece.values.get("answers") or {}, get_language() or "en", today=today
            )
            found += [(piece.id, sentence) for sentence in answers.problems.values()]
            piece = piece._replace(values={**piece.values, "answers": forms.derive(form, answers.answers)})
        checked.append(piece)
    files = files_of(submission.id)
    found += [(str(file.id), sentence) for file in files if (sentence := _fault(file.state))]
    if not pieces and not files:
        found.append(("", _("There is nothing in this yet. Add a photo or a file, or type what you have.")))
    if found:
        raise NotSendableError(found)
    return checked


def _fault(state: str) -> str:
    if state == FileState.RECEIVING:
        return _("This file has not arrived completely. Wait for it, or remove it.")
    if state == FileState.REFUSED:
        return _("This file could not be used. Remove it, or send another one.")
    return ""


def _rows(
    submission: Submission, pieces: Sequence[Piece], signed: set[str], *, now: datetime, today: date
) -> list[Evidence]:
    """Return unsaved evidence: what was typed, and pages that somebody has to read for what was not."""
    has_pages = any(file.state != FileState.REFUSED for file in files_of(submission.id))
    rows = evidence_rows(
        pieces, today=today, submission=submission, now=now, has_pages=has_pages, fully_signed=signed
    )
    if not has_pages:
        return rows
    typed = evidence_of_rows(rows, submitted_at=now)
    to_read = unread(submission.student_id, submission.requirement_keys, typed, today)
    if not rows and not to_read:
        # Pages for nothing that is asked today: somebody reads them all the same.
        to_read = submission.requirement_keys[:1] or [""]
    return rows + [
        Document(
            institution_id=submission.institution_id, student_id=submission.student_id, submission=submission,
            kind=PROOF + key, submitted_at=now,
        )
        for key in to_read
    ]  # fmt: skip


def _place(submission: Submission, now: datetime) -> datetime:
    """Return the place in the queue: what comes back after it was returned keeps the place that it had."""
    if submission.follows_id is None:
        return now
    returned = Review.objects.filter(
        submission_id=submission.follows_id, decision=Decision.REJECTED, undone_at__isnull=True
    )
    before = Submission.objects.filter(id=submission.follows_id, state=SubmissionState.DECIDED).first()
    # One place comes back once: of several drafts begun for the same returned item the first one sent has it.
    others = Submission.objects.filter(follows_id=submission.follows_id).exclude(id=submission.id)
    sent = others.exclude(state__in=[SubmissionState.DRAFT, SubmissionState.WITHDRAWN])
    taken = {key for keys in sent.values_list("requirement_keys", flat=True) for key in keys}
    if taken & set(submission.requirement_keys):
        return now
    if before is None or before.queued_at is None or not returned.exists():
        return now
    return min(before.queued_at, now)


def _take_pieces_back(submission: Submission) -> int:
    """Delete the pieces of a case that nobody has looked at; the draft still holds what was typed."""
    gone = 0
    for model in EVIDENCE_KINDS.values():
        pieces = model._default_manager.filter(submission_id=submission.id)
        gone += pieces.count()
        pieces.delete()
    return gone


# --- forms and who signs them -------------------------------------------------------------------------------


def _refuse_for_guardians(
    submission: Submission, pieces: Iterable[Piece], definitions: dict[str, forms.Form], by: audit.Actor
) -> None:
    """Refuse what only the student says, and what a guardian would have to sign unseen."""
    found = []
    for piece in pieces:
        if by.kind == "guardian" and piece.kind in ("form", "exemption"):
            found.append((piece.id, _("Only the student can hand this in.")))
        form = definitions.get(piece.id)
        if submission.confidential and form is not None and forms.Signer.GUARDIAN in form.signers:
            sentence = _(
                "A parent or guardian signs this form and has to see it, so it cannot be confidential. Hand in by "
                "itself what is to be confidential."
            )
            found.append((piece.id, sentence))
    if found:
        raise NotSendableError(found)


def _ask_guardians(submission: Submission, student: Student, *, now: datetime, today: date) -> None:
    """Have those who help and may sign told that their signature is asked for."""
    answers = FormAnswer.objects.filter(submission_id=submission.id)
    if submission.queued_at is not None or not answers.exists():
        return
    for one in guardians.signers_of(student, today):
        queue_notice(student_id=student.id, kind=NoticeKind.SIGNATURE_ASKED, now=now, guardianship_id=one.id)


def _definitions(pieces: Iterable[Piece]) -> dict[str, forms.Form]:
    """Return by piece the form that it answers, as it was when it was answered."""
    found = {}
    for piece in pieces:
        if piece.kind == "form":
            form = definition_of(piece.values.get("form"), piece.values.get("form_version"))
            if form is not None:
                found[piece.id] = form
    return found


def definition_of(key: object, version: object) -> forms.Form | None:
    """Return a form by key and version (any text), the newest where the version is none; None if there is none."""
    if not isinstance(key, str):
        return None
    text = str(version or "")
    return form_of_version(key, int(text[:6])) if text.isdecimal() else form_in_force(key)


def _signature_of(piece: Piece) -> str:
    name = piece.values.get("signed_as")
    return name.replace("\0", "").strip()[:200] if isinstance(name, str) else ""


def _role(by: audit.Actor) -> SignerRole:
    return SignerRole.GUARDIAN if by.kind == "guardian" else SignerRole.STUDENT


def _is_fully_signed(piece: Piece, form: forms.Form | None, by: audit.Actor) -> bool:
    if form is None:
        return False
    signed = [_role(by)] if _signature_of(piece) else []
    return not forms.missing_signers(form, signed)


def _has_all_signatures(answer: FormAnswer) -> bool:
    form = definition_of(answer.form, answer.form_version)
    roles = Signature.objects.filter(form_answer=answer).values_list("role", flat=True)
    return form is None or not forms.missing_signers(form, roles)


def _sign(
    pieces: Sequence[Piece],
    rows: Sequence[Evidence],
    definitions: dict[str, forms.Form],
    *,
    by: audit.Actor,
    now: datetime,
) -> None:
    """Store the signatures that were typed under the forms; pieces and rows come in the same order."""
    signatures = []
    for piece, row in zip(pieces, rows, strict=False):
        form, name, role = definitions.get(piece.id), _signature_of(piece), forms.Signer(_role(by).value)
        if isinstance(row, FormAnswer) and form is not None and name and role in form.signers:
            signatures.append(
                Signature(
                    institution_id=row.institution_id, form_answer=row, place=form.signers.index(role),
                    role=_role(by), name=name, signed_at=now, signed_by=str(by),
                )
            )  # fmt: skip
    Signature.objects.bulk_create(signatures)
