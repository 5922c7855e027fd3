"""One case on the full screen, and every deed of a reviewer on it.

The page is loaded once. `review.js` then asks for the next case (`review_next`), sends deeds with fetch, and exchanges
the part of the page that is the case. A deed that cannot be done answers 409 with {code, sentence}; nothing is changed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.models import User
from pratique.accounts.roles import Permission, Role
from pratique.foundation.audit import Actor
from pratique.foundation.ids import read_id
from pratique.interfaces.console import people, review_dates, review_page
from pratique.interfaces.console.views.review import last_decided, moment
from pratique.records import products
from pratique.records.models import Submission, SubmissionState
from pratique.reviews.actions import cases, claiming, deciding, messages
from pratique.reviews.errors import CaseError, ClaimedByOtherError, NotClaimedError, PieceError, ReviewError
from pratique.reviews.models import MessageSide
from pratique.reviews.policies import UNDO_SECONDS, Deed, refusal_of
from pratique.reviews.queries import queue
from pratique.reviews.queries.case import case as read_case
from pratique.reviews.types import PieceDecision
from pratique.screens.middleware import POLICY_WITH_FETCHED_PICTURES
from pratique.screens.permissions import granted, requires

_DAYS = ("administered_on", "collected_on", "issued_on", "expires_on")
_MOST_HELD = 8  # cases that one page keeps: the one on the screen and those fetched ahead


class Asked(NamedTuple):
    """A deed as it was asked for."""

    user: User
    by: Actor
    now: datetime
    today: date
    values: Mapping[str, Any]


@requires(Permission.REVIEW)
@require_safe
def review_case(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Show a case and take it, if nobody else has it; with the header `Review-Part` only the case itself.

    With `?look` it is shown to read and stays in the queue: so it opens from a student's page and beside another case.
    """
    submission = Submission.objects.filter(id=submission_id, sent_at__isnull=False).first()
    if submission is None:
        # A draft, or one that was thrown away: it is the student's own sheet of paper.
        raise Http404
    waits = submission.state == SubmissionState.WAITING
    look = waits and "look" in request.GET
    return _shown(request, submission_id, take=waits and not look, look=look)


@requires(Permission.REVIEW)
@require_POST
def review_next(request: HttpRequest) -> HttpResponse:
    """Take the next case behind `after` and send its part, or the sentence that nothing waits."""
    now, today, by = moment(request)
    after = read_id(request.POST.get("after", ""))
    found = claiming.claim_next(
        institution=people.staff(request).institution, by=people.actor(request), now=now, after=after
    )
    if found is not None:
        return _shown(request, found.id, take=False)
    context = {"counts": queue.counts(by, now=now, today=today), "last": last_decided()}
    return render(request, "console/review/nothing.html", context)


@requires(Permission.REVIEW)
@require_POST
def review_keep(request: HttpRequest) -> HttpResponse:
    """Keep what a page has open for another five minutes; what was given back meanwhile is taken again."""
    now, _today, _by = moment(request)
    lost = {}
    for key in _held(request):
        try:
            try:
                claiming.renew(submission_id=key, by=people.actor(request), now=now)
            except NotClaimedError as error:
                if error.code != "not_open":
                    raise
                claiming.claim(submission_id=key, by=people.actor(request), now=now)
        except ReviewError as error:
            lost[str(key)] = _sentence(error)
        except Submission.DoesNotExist:
            lost[str(key)] = _("This case does not exist.")
    return JsonResponse({"lost": lost})


@requires(Permission.REVIEW)
@require_POST
def review_release(request: HttpRequest) -> HttpResponse:
    """Give back what a page had open. What is not one's own any more is no matter."""
    now, _today, _by = moment(request)
    for key in _held(request):
        try:
            claiming.release(submission_id=key, by=people.actor(request), now=now)
        except (ReviewError, Submission.DoesNotExist):
            continue
    return HttpResponse(status=204)


@requires(Permission.REVIEW)
@require_POST
def review_products(request: HttpRequest) -> HttpResponse:
    """Send the vaccines that a typed name may mean, for the field that completes it.

    What somebody was given is a health word, so it comes in the body: addresses are kept in logs.
    """
    text = request.POST.get("q", "").replace("\0", "")[:80]
    language = get_language() or "en"
    found = []
    for product in products.search(text) if text.strip() else ():
        own = product.in_language(language)
        branded = bool(product.matched) and product.matched.casefold() not in own.casefold()
        name, hint = (product.matched, own) if branded else (own, ", ".join(product.brands[:3]))
        found.append({"code": f"{product.cvx}|{product.mvx}", "name": name, "hint": hint})
    return JsonResponse({"options": found})


def _deed(
    do: Callable[[Asked, UUID], HttpResponse | Mapping[str, Any] | None],
) -> Callable[..., HttpResponse]:
    """Make a view of a deed: JSON in; out what it says, or the case as it is now; a refusal as a sentence."""

    @requires(Permission.REVIEW)
    @require_POST
    def view(request: HttpRequest, submission_id: UUID) -> HttpResponse:
        values = _read(request.body)
        if values is None:
            return JsonResponse({"code": "unreadable", "sentence": _("This could not be read.")}, status=400)
        now, today, _by = moment(request)
        asked = Asked(people.staff(request), people.actor(request), now, today, values)
        try:
            with transaction.atomic():
                said = do(asked, submission_id)
        except ReviewError as error:
            problems = [[one[0], one[2]] for one in error.problems] if isinstance(error, PieceError) else []
            return JsonResponse(
                {"code": error.code, "sentence": _sentence(error), "problems": problems}, status=409
            )
        except Submission.DoesNotExist:
            raise Http404 from None
        return JsonResponse(said) if said is not None else _shown(request, submission_id, take=False)

    return view


def _read(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object, None where it is none or holds what no database keeps: half a character, no number."""
    try:
        values = json.loads(body or b"{}")
        json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


@_deed
def review_claim(asked: Asked, submission_id: UUID) -> None:
    """Take a case that was given back; an administrator may take it from a colleague (`over`)."""
    over = bool(asked.values.get("over"))
    if over and asked.user.role != Role.ADMINISTRATOR:
        raise CaseError(_("Only an administrator may take a case from a colleague."), "not_yours")
    claiming.claim(submission_id=submission_id, by=asked.by, now=asked.now, take_over=over)


@_deed
def review_decide(asked: Asked, submission_id: UUID) -> Mapping[str, Any]:
    """Decide every waiting piece; say until when that can be taken back."""
    given = asked.values.get("decisions")
    decisions = [
        PieceDecision(
            str(one.get("kind", "")), _id(one.get("id")), one.get("approve") is True,
            str(one.get("reason", ""))[:40], str(one.get("text", "")),
        )
        for one in (given if isinstance(given, list) else [])
        if isinstance(one, dict)
    ]  # fmt: skip
    seconds = asked.values.get("seconds")
    decided = deciding.decide(
        institution=asked.user.institution, submission_id=submission_id, decisions=decisions,
        seconds=int(seconds) if isinstance(seconds, int | float) else None, by=asked.by, now=asked.now,
        today=asked.today,
    )  # fmt: skip
    return {"number": decided.submission.number, "undo_seconds": UNDO_SECONDS}


@_deed
def review_undo(asked: Asked, submission_id: UUID) -> None:
    deciding.undo(
        institution=asked.user.institution, submission_id=submission_id, by=asked.by, now=asked.now,
        today=asked.today,
    )  # fmt: skip


@_deed
def review_correct(asked: Asked, submission_id: UUID) -> None:
    """Put right what was typed. Only what is different is sent on."""
    cases.correct(
        submission_id=submission_id, kind=_text(asked, "kind"), id=_id(asked.values.get("id")),
        changes=_values(asked), by=asked.by, now=asked.now, today=asked.today,
    )  # fmt: skip


@_deed
def review_add(asked: Asked, submission_id: UUID) -> None:
    """Add what the pages say."""
    cases.add_piece(
        submission_id=submission_id, kind=_text(asked, "kind"), values=_values(asked), by=asked.by,
        now=asked.now, today=asked.today,
    )  # fmt: skip


@_deed
def review_remove(asked: Asked, submission_id: UUID) -> None:
    cases.remove_piece(
        submission_id=submission_id, kind=_text(asked, "kind"), id=_id(asked.values.get("id")), by=asked.by,
        now=asked.now, today=asked.today,
    )  # fmt: skip


@_deed
def review_split(asked: Asked, submission_id: UUID) -> None:
    """Move pages to a case of their own for another requirement."""
    pages = asked.values.get("pages")
    key = _text(asked, "requirement")
    if key not in {one.key for one in review_page.requirements(asked.today)}:
        raise CaseError(_("Choose the requirement that these pages are for."), "requirement")
    cases.split(
        submission_id=submission_id, page_ids=[_id(one) for one in pages] if isinstance(pages, list) else [],
        requirement_key=key, by=asked.by, now=asked.now,
    )  # fmt: skip


@_deed
def review_hand_over(asked: Asked, submission_id: UUID) -> Mapping[str, Any]:
    to = User.objects.filter(id=_id(asked.values.get("to"))).first()
    if to is None:
        raise CaseError(_("Choose a colleague from the list."), "nobody")
    cases.hand_over(submission_id=submission_id, to=to, note=_text(asked, "note"), by=asked.by, now=asked.now)
    return {"said": _("Handed to %(name)s.") % {"name": to.name or to.username}}


@_deed
def review_second_opinion(asked: Asked, submission_id: UUID) -> Mapping[str, Any]:
    cases.ask_second_opinion(
        submission_id=submission_id, note=_text(asked, "note"), by=asked.by, now=asked.now
    )
    return {"said": _("A colleague will give a second opinion.")}


@_deed
def review_message(asked: Asked, submission_id: UUID) -> None:
    """Write to the student about one of the case's requirements, or none; what they wrote is read with that."""
    case = Submission.objects.get(id=submission_id)
    key = _text(asked, "requirement")
    messages.write(
        student_id=case.student_id, requirement_key=key if key in case.requirement_keys else "",
        body=_text(asked, "body"), side=MessageSide.STAFF, submission_id=case.id, by=asked.by, now=asked.now,
    )  # fmt: skip
    messages.mark_read(
        student_id=case.student_id, requirement_key=None, side=MessageSide.STAFF, by=asked.by, now=asked.now
    )


def _shown(request: HttpRequest, submission_id: UUID, *, take: bool, look: bool = False) -> HttpResponse:
    """Show a case to work on if it is the reviewer's, else to read with the sentence that says why."""
    now, today, by = moment(request)
    refusal, may_take = "", False
    if look:
        refused = refusal_of(Submission.objects.get(id=submission_id), Deed.CLAIM, by=by, now=now)
        may_take = refused is None
        refusal = (
            str(refused.sentence) if refused else _("You are only looking. The case stays in the queue.")
        )
    if take:
        try:
            with transaction.atomic():
                claiming.claim(submission_id=submission_id, by=people.actor(request), now=now)
        except ReviewError as error:
            refusal = _sentence(error)
    case = read_case(
        submission_id, today, get_language() or "en", by=by, now=now,
        show_statement=Permission.VIEW_EXEMPTION_STATEMENTS in granted(request),
    )  # fmt: skip
    state = case.submission.state
    if state == SubmissionState.DRAFT:
        # Taken back to be changed while we asked: what is in it is the student's own again.
        raise Http404
    if state == SubmissionState.WITHDRAWN:
        refusal = _("The student has taken this back. There is nothing left to do here.")
    elif state == SubmissionState.DECIDED:
        refusal = _("This case is decided. You can read it here.")
    claiming.viewed(submission_id=submission_id, by=people.actor(request), now=now)
    user = people.staff(request)
    context = {
        **review_page.beside(request, case, by=by, now=now, today=today),
        "refusal": refusal,
        "works": not refusal,
        "looks": look,
        "may_take": may_take,
        "may_take_over": bool(refusal)
        and not may_take
        and state == SubmissionState.WAITING
        and user.role == Role.ADMINISTRATOR,
    }
    if request.headers.get("Review-Part") or request.method == "POST":
        return render(request, "console/review/case_part.html", context)
    context["colleagues"] = review_page.colleagues(user)
    response = render(request, "console/review/case.html", context)
    response.headers["Content-Security-Policy"] = POLICY_WITH_FETCHED_PICTURES
    return response


def _sentence(error: ReviewError) -> str:
    """Return what to tell the person, with the name and the time where a colleague has the case."""
    if isinstance(error, ClaimedByOtherError) and error.name and error.until:
        until = date_format(localtime(error.until), "TIME_FORMAT")
        return _("%(name)s is working on this case, until %(time)s unless they go on.") % {
            "name": error.name,
            "time": until,
        }
    return error.sentence


def _values(asked: Asked) -> dict[str, Any]:
    """Return the values of a piece; dates as they were typed are read, a vaccine is its code and its name."""
    given = asked.values.get("values")
    fields = given.items() if isinstance(given, dict) else ()
    values = {str(name): str(value).replace("\0", "").strip()[:500] for name, value in fields}
    problems = []
    for name in _DAYS:
        if name in values:
            typed = review_dates.read(values[name])
            values[name] = typed.iso
            if typed.problem:
                problems.append((name, "no_date", typed.problem))
    if problems:
        raise PieceError(problems)
    return values


def _text(asked: Asked, name: str) -> str:
    return str(asked.values.get(name, "")).replace("\0", "").strip()[:5000]


def _id(value: object) -> UUID:
    """Return an id out of JSON; one that nobody has where it is none."""
    return read_id(value) or UUID(int=0)


def _held(request: HttpRequest) -> list[UUID]:
    return [_id(text) for text in request.POST.getlist("case")[:_MOST_HELD]]
