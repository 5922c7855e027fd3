"""Sending, the receipt, and taking back what no reviewer has begun with."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pratique.interfaces.portal import naming, people, places, returned
from pratique.interfaces.portal.hand_in import drafting, filled_forms, lines, steps
from pratique.interfaces.portal.hand_in.drafting import Work
from pratique.interfaces.portal.hand_in.steps import Fault
from pratique.interfaces.portal.people import Acting
from pratique.interfaces.portal.views.hand_in import page
from pratique.records import queries
from pratique.records.actions import drafts
from pratique.records.actions.confidentiality import NeedsGuardianError, set_confidential
from pratique.records.models import Submission, SubmissionState
from pratique.records.policies import may_withdraw
from pratique.reviews.actions import sending
from pratique.reviews.errors import BegunError, NotSendableError, ReviewError
from pratique.reviews.queries import signing
from pratique.screens.permissions import Access, requires
from pratique.students import guardians

_FRESH = "fresh_receipt"


@requires(Access.STUDENT)
@require_POST
def send(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Send a draft and show its receipt; sent twice, it is sent once."""
    acting = people.acting(request)
    if not acting.may_upload:
        raise PermissionDenied
    work = drafting.load(request, submission_id)
    if work.submission.state != SubmissionState.DRAFT:
        return redirect("portal_receipt", submission_id)
    note = request.POST.get("note", "").replace("\r\n", "\n")
    if len(note) > drafts.LONGEST_NOTE:
        work.submission.note = note  # shown again, not kept
        fault = Fault("note", _("Please use at most 1,000 characters for your note."))
        return page(request, work, replace(steps.show(work, "summary"), faults=[fault]), status=422)
    try:
        drafting.save(
            work,
            work.pieces,
            step="summary",
            seen=request.POST.get("seen", ""),
            note=note,
            confidential=_confidential(request, work),
        )
        sending.send(
            institution=people.person(request).institution,
            submission_id=submission_id,
            by=acting.actor,
            now=work.now,
            today=work.today,
        )
    except drafts.DraftMovedError:
        messages.warning(request, _("This was changed in another window. Look it over, then send it."))
        return redirect("portal_step", submission_id, "summary")
    except drafts.NotEditableError:
        return redirect("portal_receipt", submission_id)
    except NotSendableError as refused:
        for _piece, sentence in refused.problems:
            messages.error(request, sentence)
        return redirect("portal_step", submission_id, "summary")
    except ReviewError as refused:
        messages.error(request, refused.sentence)
        return redirect("portal_home")
    request.session[_FRESH] = str(submission_id)
    return redirect("portal_receipt", submission_id)


@requires(Access.STUDENT)
@require_safe
def receipt(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Show what was handed in, when, and its place in the queue. Asked for again, it says the same."""
    work = drafting.load(request, submission_id)
    submission = work.submission
    if submission.state == SubmissionState.DRAFT:
        return redirect("portal_step", submission_id, "summary")
    if submission.state == SubmissionState.WITHDRAWN:
        messages.info(request, _("This was taken back. Start again from the requirement."))
        return redirect("portal_home")
    evidence = queries.evidence_of_submission(submission_id)
    titles, say = form_titles(evidence, work.acting.language), returned.reason_in(work.acting)
    signings = signing.of_submission(submission) if submission.queued_at is None else []
    key = submission.requirement_keys[0] if submission.requirement_keys else ""
    return render(
        request,
        "portal/receipt.html",
        {
            "acting": work.acting,
            "submission": submission,
            "lines": lines.of_evidence(evidence, titles, say),
            "pages": work.pages,
            "files": work.files,
            "place": places.of([submission]).get(submission_id),
            "signers": _signers(submission, work.acting),
            "asked_to_sign": [one.name for one in guardians.signers_of(work.acting.student, work.today)],
            "missing_guardians": sum(one.missing_guardians for one in signings),
            "may_change": work.acting.may_upload and may_withdraw(submission) is None,
            "thread_url": reverse("portal_thread", args=[key]) if key else reverse("portal_messages"),
            "fresh": request.session.pop(_FRESH, "") == str(submission_id),
        },
    )


@requires(Access.STUDENT)
@require_POST
def reopen(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Make a draft of it again, as long as nobody has looked at it."""
    return _taken_back(request, submission_id, sending.reopen)


@requires(Access.STUDENT)
@require_POST
def withdraw(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Take it back for good."""
    return _taken_back(request, submission_id, sending.withdraw)


def _taken_back(request: HttpRequest, submission_id: UUID, deed: Any) -> HttpResponse:
    work = drafting.load(request, submission_id)
    if not work.acting.may_upload:
        raise PermissionDenied
    try:
        deed(
            institution=people.person(request).institution,
            submission_id=submission_id,
            by=work.acting.actor,
            now=work.now,
            today=work.today,
        )
    except BegunError as begun:
        messages.warning(request, begun.sentence)
        return redirect("portal_receipt", submission_id)
    except ReviewError as refused:
        messages.warning(request, refused.sentence)
        return redirect("portal_home")
    if deed is sending.reopen:
        return redirect("portal_step", submission_id, "summary")
    messages.success(request, _("You have taken it back. Nobody will review it."))
    return redirect("portal_home")


def form_titles(evidence: Any, language: str) -> dict[str, str]:
    """Return the titles of the forms among some evidence, by key."""
    return filled_forms.titles_of((row.form for kind, row in evidence if kind == "form"), language)


def _confidential(request: HttpRequest, work: Work) -> bool | None:
    """Return what the box says; only a student with helpers is asked."""
    if work.acting.is_guardian or not naming.has_helpers(work.acting.student.id, work.today):
        return None
    return request.POST.get("confidential") == "yes"


def _signers(submission: Submission, acting: Acting) -> list[dict[str, str]]:
    """Return who has signed the forms of a submission and who is asked; nothing where one signature is all."""
    said = []
    for one in signing.of_submission(submission):
        if len(one.form.signers) < 2:
            continue
        said += [
            {
                "who": signed.name,
                "state": _("signed on {day}").format(
                    day=date_format(localtime(signed.signed_at), "DATE_FORMAT")
                ),
            }
            for signed in one.signed
        ]
        student = _("The student") if acting.is_guardian else _("You")
        names = {"student": student, "guardian": _("A parent or guardian")}
        said += [{"who": names[signer.value], "state": _("signature is missing")} for signer in one.missing]
    return said


@requires(Access.STUDENT)
@require_POST
def confidential(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Keep what was handed in from those who help the student, or no longer."""
    work = drafting.load(request, submission_id)
    if work.acting.is_guardian:
        raise Http404
    wanted = request.POST.get("confidential") == "yes"
    try:
        set_confidential(
            submission_id=submission_id,
            student_id=work.acting.student.id,
            confidential=wanted,
            by=work.acting.actor,
            now=work.now,
        )
    except NeedsGuardianError as refused:
        messages.warning(request, refused.refusal.sentence)
    else:
        messages.success(
            request,
            _("Those who help you do not see this or what it is about.")
            if wanted
            else _("Those who help you see what this is about."),
        )
    return redirect("portal_receipt", submission_id)
