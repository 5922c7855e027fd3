"""One case as a reviewer sees it. A fixed number of queries, however many pieces, pages and past cases it has."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext, override

from pratique.compliance.queries import in_words
from pratique.foundation import clock
from pratique.records import forms
from pratique.records.models import (
    Evidence,
    Exemption,
    File,
    FileState,
    FormAnswer,
    Page,
    Signature,
    Submission,
    SubmissionState,
)
from pratique.records.queries import forms_of_versions, pages_of
from pratique.requirements.queries import sets_in_force
from pratique.reviews.models import Message
from pratique.reviews.policies import UNSAFE
from pratique.reviews.queries.messages import lines
from pratique.reviews.queries.names import names_of
from pratique.reviews.queries.on_record import on_record
from pratique.reviews.queries.safety import is_unread, look, pieces_of
from pratique.reviews.queries.titles import title_of
from pratique.reviews.queries.values import values_of
from pratique.reviews.queries.verdicts import Judgement
from pratique.reviews.reasons import library
from pratique.reviews.types import (
    Aimed,
    Case,
    CasePage,
    CasePiece,
    PastPiece,
    PastSubmission,
    Reason,
    StudentLine,
    Verdict,
)
from pratique.rules import name_in_words
from pratique.students.models import Membership, MembershipState

MOST_PAST = 20
MOST_MESSAGES = 100


def case(
    submission_id: UUID,
    today: date,
    language: str = "en",
    *,
    by: str = "",
    now: datetime | None = None,
    show_statement: bool = False,
) -> Case:
    """Return everything about a case; sentences in `language`. Raises Submission.DoesNotExist.

    `by` (an actor as text) decides what is said of bulk approval. `show_statement`: whether the viewer may read why
    a student asks for an exemption (Permission.VIEW_EXEMPTION_STATEMENTS). Whoever shows this to a person records it
    (`actions.claiming.viewed`).
    """
    submission = Submission.objects.select_related("student").get(id=submission_id)
    now = now or clock.now()
    with override(language):
        looked = look([submission], by=by, now=now, today=today)
        rows, judged = looked.pieces[submission.id], looked.judged[submission.id]
        reasons = {reason.code: reason for reason in library(submission.institution_id, with_retired=True)}
        past = _past(submission)
        past_pieces = pieces_of([one.id for one in past])
        messages = list(
            Message.objects.filter(student_id=submission.student_id).order_by("-sent_at", "-id")[
                :MOST_MESSAGES
            ]
        )
        names = names_of(
            [
                submission.claimed_by, submission.handed_to, submission.second_opinion_of,
                *(one.decided_by for one in past),
            ]
        )  # fmt: skip
        # What the student's own groups ask for is named by them; what another group asks for has a name as well.
        known = [one for in_force in sets_in_force(today).values() for one in in_force.requirements]
        requirement_names = {
            one.key: name_in_words(one.name, gettext)
            for one in (*known, *(one.requirement for one in judged))
        }
        answers = [row for _, row in rows if isinstance(row, FormAnswer)]
        definitions, signed = (
            forms_of_versions([(answer.form, answer.form_version) for answer in answers]),
            _signatures(answers),
        )
        code = looked.unsafe[submission.id]
        return Case(
            submission=submission,
            student=_student(submission),
            aimed=_aimed(submission, judged, requirement_names),
            pieces=[
                _piece(kind, row, judged, requirement_names, definitions, signed, language)
                for kind, row in rows
            ],
            pages=[_page(page) for page in pages_of(submission.id)],
            history=[
                _past_submission(one, past_pieces[one.id], reasons, requirement_names, names) for one in past
            ],
            duplicates=looked.duplicates.get(submission.id, []),
            messages=lines(messages[::-1]),
            staff_note=submission.staff_note,
            statement=_statement(rows) if show_statement else None,
            safe=not code,
            unsafe_because=str(UNSAFE[code]) if code else "",
            files_unready=File.objects.filter(submission_id=submission.id)
            .exclude(state=FileState.READY)
            .count(),
            claimed_by_name=names.get(submission.claimed_by, ""),
            handed_to_name=names.get(submission.handed_to, ""),
            second_opinion_of_name=names.get(submission.second_opinion_of, ""),
            on_record=on_record(judged, submission.requirement_keys, requirement_names, language),
        )


def _student(submission: Submission) -> StudentLine:
    student = submission.student
    membership = (
        Membership.objects.filter(student_id=student.id, state=MembershipState.ACTIVE, tracker__isnull=False)
        .select_related("tracker__requirement_group")
        .order_by("tracker__due_on", "id")
        .first()
    )
    tracker = membership.tracker if membership else None
    return StudentLine(
        id=student.id,
        name=f"{student.first_name} {student.last_name}".strip() or student.username,
        student_id=student.student_id,
        username=student.username,
        date_of_birth=student.date_of_birth,
        group=tracker.requirement_group.name if tracker else "",
        tracker=tracker.name if tracker else "",
        due_on=tracker.due_on if tracker else None,
    )


def _aimed(submission: Submission, judged: Sequence[Judgement], names: Mapping[str, str]) -> list[Aimed]:
    status = {one.requirement.key: str(one.now.status) for one in judged}
    return [Aimed(key, names.get(key, key), status.get(key, "")) for key in submission.requirement_keys]


def _piece(
    kind: str,
    row: Evidence,
    judged: Sequence[Judgement],
    names: Mapping[str, str],
    definitions: Mapping[tuple[str, int], forms.Form],
    signed: Mapping[UUID, list[str]],
    language: str,
) -> CasePiece:
    values = values_of(kind, row)
    if isinstance(row, FormAnswer):
        form = definitions.get((row.form, row.form_version))
        values["answered"] = (
            forms.answered(form, row.answers, language) if form else list(row.answers.items())
        )
    return CasePiece(
        kind=kind,
        id=row.id,
        title=title_of(kind, row, names, definitions, language),
        values=values,
        as_handed_in=row.as_handed_in or {},
        state=str(row.state),
        verdicts=[_verdict(one, row, names) for one in judged if str(row.id) in one.pieces],
        added_by_reviewer=row.source == "reviewer",
        unread_pages=is_unread(row),
        reason_code=row.rejection_code,
        reason_text=row.rejection_reason,
        signed_by=signed.get(row.id, []),
    )


def _verdict(judgement: Judgement, row: Evidence, names: Mapping[str, str]) -> Verdict:
    finding = judgement.finding(str(row.id))
    reasons = finding.reasons if finding is not None else judgement.would_be.reasons
    key = judgement.requirement.key
    return Verdict(
        requirement_key=key,
        name=names.get(key, key),
        would_be=str(judgement.would_be.status),
        is_now=str(judgement.now.status),
        counts=finding.counts if finding is not None else None,
        sentences=[in_words(reason) for reason in reasons],
    )


def _page(page: Page) -> CasePage:
    return CasePage(
        page.id, page.number, page.width, page.height, page.turned, page.file.name, page.file.active_content
    )


def _past(submission: Submission) -> list[Submission]:
    states = [SubmissionState.WAITING, SubmissionState.DECIDED]
    others = Submission.objects.filter(student_id=submission.student_id, state__in=states).exclude(
        id=submission.id
    )
    return list(others.order_by("-sent_at", "-id")[:MOST_PAST])


def _past_submission(
    past: Submission,
    pieces: Sequence[tuple[str, Evidence]],
    reasons: Mapping[str, Reason],
    names: Mapping[str, str],
    people: Mapping[str, str],
) -> PastSubmission:
    return PastSubmission(
        id=past.id,
        number=past.number,
        sent_at=past.sent_at,
        state=str(past.state),
        decided_at=past.decided_at,
        decided_by=people.get(past.decided_by, ""),
        pieces=[
            PastPiece(
                title=title_of(kind, row, names, {}, "en"),
                decision=str(row.state),
                reason_code=row.rejection_code,
                reason_name=reasons[row.rejection_code].name if row.rejection_code in reasons else "",
                reason_text=row.rejection_reason,
            )
            for kind, row in pieces
        ],
    )


def _statement(rows: Sequence[tuple[str, Evidence]]) -> str | None:
    said = [row.statement for _, row in rows if isinstance(row, Exemption) and row.statement]
    return "\n\n".join(said) or None


def _signatures(answers: Sequence[FormAnswer]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    signatures = Signature.objects.filter(form_answer_id__in=[answer.id for answer in answers])
    for answer, name in signatures.order_by("place").values_list("form_answer_id", "name"):
        found.setdefault(answer, []).append(name)
    return found
