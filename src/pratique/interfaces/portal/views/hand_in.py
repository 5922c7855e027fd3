"""Handing in, one step a screen. Each view translates in, makes one domain call, translates out.

What was typed is saved at every step, and by `check` while it is typed, so that a phone may die at any time.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.foundation import clock
from pratique.interfaces.portal import item_page, naming, people, spoken, standings, vaccine_names
from pratique.interfaces.portal.files import file_list
from pratique.interfaces.portal.hand_in import doses, drafting, filled_forms, lines, steps
from pratique.interfaces.portal.hand_in.drafting import Work
from pratique.interfaces.portal.hand_in.offer import GUARDIANS_STEPS, next_step, offer
from pratique.interfaces.portal.hand_in.steps import Shown
from pratique.records import queries
from pratique.records.actions import drafts
from pratique.records.models import FileState, Submission, SubmissionState
from pratique.screens.permissions import Access, requires
from pratique.students.models import MembershipState
from pratique.students.queries import memberships_of


@requires(Access.STUDENT)
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin to hand in for a requirement, or for several that one record shows, and go to the step of a way."""
    acting = _may_upload(request)
    wanted, way = list(dict.fromkeys(request.POST.getlist("item"))), request.POST.get("way", "")
    if acting.is_guardian and way not in GUARDIANS_STEPS:
        raise Http404
    today = clock.today(people.person(request).institution.time_zone)
    mine = [one for one in memberships_of(acting.student.id) if one.state == MembershipState.ACTIVE]
    items = [item for one in mine for item in standings.of(acting, one.id, today) if item.key in wanted]
    if not wanted or not {item.key for item in items}.issuperset(wanted):
        raise Http404
    offered = offer(items)
    ways = item_page.ways_on(offered, filled_forms.titles_of(offered.forms, acting.language))
    if way not in {one.step for one in ways}:
        raise Http404
    submission = drafts.start_submission(
        student=acting.student,
        requirement_keys=wanted,
        follows=_returned(acting.student.id, wanted[0]) if len(wanted) == 1 else None,
        by=acting.actor,
        now=clock.now(),
    )
    return redirect("portal_step", submission.id, way)


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, submission_id: UUID, step: str) -> HttpResponse:
    """Show a step; on POST keep what was typed, and go on if nothing is wrong with it."""
    acting = _may_upload(request)
    if not steps.known(step) or (acting.is_guardian and step not in (*GUARDIANS_STEPS, "summary")):
        raise Http404
    work = drafting.load(request, submission_id)
    if request.method != "POST":
        if work.submission.state != SubmissionState.DRAFT:
            return _gone(request, work)
        return page(request, work, steps.show(work, step))
    shown = steps.read(work, step, request.POST)
    if work.submission.state != SubmissionState.DRAFT:
        return _sent_elsewhere(request, work, shown)
    try:
        drafting.save(
            work, shown.pieces, step=step, seen=request.POST.get("seen", ""), keys=_keys(request, work, step)
        )
    except drafts.DraftMovedError as moved:
        return _two_windows(request, work, moved.submission, shown)
    except drafts.NotEditableError:
        return _sent_elsewhere(request, work, shown)
    except drafts.DraftTooLargeError:
        messages.error(
            request,
            _(
                "One submission holds at most 60 entries, so the last change is not saved. "
                "Remove some, send it, then start another one for the rest."
            ),
        )
        return page(request, work, shown, status=422)
    go = request.POST.get("go", "next")
    if go.startswith(("add", "remove")):
        return page(request, work, _rows_changed(shown, go))
    checked = work.check(shown.pieces)
    judged = steps.judge(work, shown, checked)
    if judged.faults and go == "next":
        return page(request, work, judged, checked=checked, status=422)
    if go.startswith("to:") and go[3:] in steps.STEPS:
        return redirect("portal_step", submission_id, go[3:])
    if go == "look":
        return page(request, work, judged, checked=checked)
    return redirect("portal_step", submission_id, next_step(step, work.offered, work.submission.draft))


@requires(Access.STUDENT)
@require_POST
def check(request: HttpRequest, submission_id: UUID, step: str) -> HttpResponse:
    """Keep what is being typed and answer with the machine's verdict under each field, as JSON of ready HTML."""
    acting = _may_upload(request)
    if not steps.known(step) or (acting.is_guardian and step not in (*GUARDIANS_STEPS, "summary")):
        raise Http404
    work = drafting.load(request, submission_id)
    if work.submission.state != SubmissionState.DRAFT:
        return JsonResponse({"kept": False, "parts": {}}, status=409)
    shown = steps.read(work, step, request.POST)
    try:
        drafting.save(
            work, shown.pieces, step=step, seen=request.POST.get("seen", ""), keys=_keys(request, work, step)
        )
    except (drafts.DraftMovedError, drafts.NotEditableError, drafts.DraftTooLargeError):
        # Nothing is shown in the middle of typing; going on says what happened, and loses nothing.
        return JsonResponse({"kept": False, "parts": {}}, status=409)
    checked = work.check(shown.pieces)
    context = _context(request, work, steps.judge(work, shown, checked), checked)
    parts = {}
    if shown.name == "doses":
        for row in context["rows"]:
            parts[f"verdict-{row.id}"] = render_to_string(
                "portal/hand_in/parts/dose_verdict.html", {**context, "row": row}, request
            )
    for prefix, date, said in _dates(shown.name, context):
        values = {"prefix": prefix, "date": date, "said": said}
        parts[f"date-{prefix}"] = render_to_string("portal/hand_in/parts/date_question.html", values, request)
    parts["outlook"] = render_to_string("portal/hand_in/parts/outlook.html", context, request)
    return JsonResponse({"kept": True, "seen": work.submission.changed_at.isoformat(), "parts": parts})


@requires(Access.STUDENT)
@require_safe
def vaccines(request: HttpRequest) -> HttpResponse:
    """Find vaccines by name, brand or disease, for the list that opens while one types."""
    people.acting(request)
    found = vaccine_names.find(request.GET.get("q", "")[:80])
    return JsonResponse({"found": [vaccine_names.as_option(product) for product in found[:10]]})


@requires(Access.STUDENT)
@require_POST
def discard(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Throw a draft away."""
    _may_upload(request)
    work = drafting.load(request, submission_id)
    try:
        drafts.discard_draft(submission_id=submission_id, by=work.acting.actor, now=work.now)
    except drafts.NotEditableError:
        return _gone(request, work)
    messages.success(request, _("The draft is gone. Nothing was handed in."))
    return redirect("portal_home")


# --- parts of the views ----------------------------------------------------------------------------------------


def _may_upload(request: HttpRequest) -> people.Acting:
    acting = people.acting(request)
    if not acting.may_upload:
        raise PermissionDenied
    return acting


def _returned(student_id: UUID, key: str) -> Submission | None:
    """Return the submission that a fresh one for this requirement answers to: the last one, if it was decided."""
    newest = next((one for one in queries.submissions_of(student_id) if key in one.requirement_keys), None)
    return newest if newest and newest.state == SubmissionState.DECIDED else None


def _keys(request: HttpRequest, work: Work, step: str) -> list[str] | None:
    """Return the requirements that the pages are said to show; None where the step does not ask."""
    if step != "pages" or "covers_asked" not in request.POST:
        return None
    ticked = request.POST.getlist("covers")
    kept = [item.key for item in work.items if item.key in ticked]
    return kept or work.submission.requirement_keys


def _rows_changed(shown: Shown, go: str) -> Shown:
    """Return the doses with a row more (of the same vaccine) or less; for browsers without scripts."""
    deed, _colon, row_id = go.partition(":")
    rows = list(shown.values["rows"])
    here = next((row for row in rows if row.id == row_id), None)
    if deed == "remove":
        rows = [row for row in rows if row.id != row_id] or [doses.new_row()]
    else:
        rows.append(doses.new_row(here.vaccine, here.code) if here else doses.new_row())
    return replace(
        shown, values={**shown.values, "rows": rows, "focus": "" if deed == "remove" else rows[-1].id}
    )


def page(
    request: HttpRequest,
    work: Work,
    shown: Shown,
    *,
    checked: Any = None,
    status: int = 200,
    other: Any = None,
) -> HttpResponse:
    checked = checked or work.check(shown.pieces)
    context = _context(request, work, shown, checked) | {"other_window": other}
    return render(request, f"portal/hand_in/{shown.template}", context, status=status)


def _context(request: HttpRequest, work: Work, shown: Shown, checked: Any) -> dict[str, Any]:
    kinds = {piece["kind"] for piece in shown.pieces}
    summary: dict[str, Any] = {}
    if shown.name == "summary":
        summary = {
            "lines": lines.of_draft(shown.pieces, checked, _form_titles(work, shown)),
            "checking": any(file.state == FileState.CHECKING for file in work.files),
            "may_be_confidential": not work.acting.is_guardian
            and naming.has_helpers(work.acting.student.id, work.today),
        }
    return {
        **summary,
        "has_doses": "dose" in kinds,
        "has_titers": "titer" in kinds,
        "results": spoken.results(),
        "acting": work.acting,
        "submission": work.submission,
        "step": shown.name,
        "aimed": work.aimed,
        "offered": work.offered,
        "pieces": shown.pieces,
        "checked": checked,
        "faults": shown.faults,
        "seen": work.submission.changed_at.isoformat(),
        "student": work.acting.student,
        "today": work.today,
        "files": file_list(work.submission) if shown.name == "pages" else None,
        "pages": work.pages,
        "has_pages": work.has_pages,
        "user": request.user,
        **shown.values,
    }


def _dates(step: str, context: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the dates of a step outside its doses, each with what is wrong; one not begun is not judged."""
    date: Any = None
    if step == "results":
        prefix, date, said = "collected", context["report"].collected, context["report"].problems
    elif step == "pages":
        prefix, date = "issued", context["issued"]
        said = context["problems"] or ({date.field: date.problem} if date.problem else {})
    return [(prefix, date, {} if date.empty else said)] if date is not None else []


def _form_titles(work: Work, shown: Shown) -> dict[str, str]:
    keys = (piece.get("form", "") for piece in shown.pieces if piece["kind"] == "form")
    return filled_forms.titles_of(keys, work.acting.language)


def _two_windows(request: HttpRequest, work: Work, saved: Submission, shown: Shown) -> HttpResponse:
    """Show what both windows typed, and say so; the next "Continue" keeps it."""
    work.submission = saved
    known = request.POST.getlist("row") or [piece["id"] for piece in shown.pieces]
    pieces = drafting.merged(work.pieces, shown.pieces, known)
    again = Work(work.acting, saved, work.today, work.now)
    again.submission.draft = {"pieces": pieces, "step": shown.name}
    return page(request, again, steps.show(again, shown.name), status=409, other=True)


def _sent_elsewhere(request: HttpRequest, work: Work, shown: Shown) -> HttpResponse:
    """Another window has sent it or thrown it away. What was typed here and not there begins a draft of its own."""
    sent = queries.submission(work.acting.student.id, work.submission.id)
    there = [_said(piece) for piece in work.pieces]
    extra = [piece for piece in shown.pieces if _says_something(piece) and _said(piece) not in there]
    if not extra or sent is None:
        return _gone(request, work)
    fresh = drafts.start_submission(
        student=work.acting.student, requirement_keys=work.submission.requirement_keys, by=work.acting.actor,
        now=work.now,
    )  # fmt: skip
    drafts.save_draft(
        submission_id=fresh.id,
        draft={"pieces": extra, "step": shown.name},
        by=work.acting.actor,
        now=work.now,
    )
    if sent.state == SubmissionState.WITHDRAWN:
        said = _("You took this back in another window. What you typed here is kept below as a new draft.")
    else:
        said = _(
            "You sent %(number)s from another window. What you typed here was not part of it; it is kept below."
        ) % {"number": sent.number}
    messages.warning(request, said)
    return redirect("portal_step", fresh.id, shown.name)


def _said(piece: Any) -> dict[str, Any]:
    """Return what a piece says, without how it was typed."""
    return {name: value for name, value in piece.items() if name not in ("id", "typed")}


def _says_something(piece: Any) -> bool:
    """Whether anything was typed: an open form is a piece before its first answer."""
    return piece["kind"] != "form" or bool(piece.get("answers") or piece.get("signed_as"))


def _gone(request: HttpRequest, work: Work) -> HttpResponseRedirect:
    """Leave a step whose draft is none any more."""
    if work.submission.state == SubmissionState.WITHDRAWN:
        messages.info(request, _("This was taken back. Start again from the requirement."))
        return redirect("portal_home")
    messages.info(request, _("This is handed in already."))
    return redirect("portal_receipt", work.submission.id)
