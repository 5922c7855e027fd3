"""Forms to sign: what waits for the signature of the person who is signed in, and one form with what it says."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.foundation import clock
from pratique.interfaces.portal import naming, people
from pratique.interfaces.portal.people import Acting
from pratique.records import forms
from pratique.reviews.actions.signing import NotSignableError, sign
from pratique.reviews.errors import ReviewError
from pratique.reviews.queries.signing import Signing, unsigned
from pratique.screens.permissions import Access, requires


@requires(Access.STUDENT)
@require_safe
def forms_to_sign(request: HttpRequest) -> HttpResponse:
    """List the forms that wait for a signature, one's own first."""
    acting = people.acting(request)
    waiting = unsigned(acting.student.id, sees_confidential=acting.sees_confidential)
    mine = [one for one in waiting if one.may_be_signed_by(acting.actor)]
    return render(
        request,
        "portal/guardians/signing.html",
        {
            "acting": acting,
            "student_name": naming.name_of(acting.student),
            "mine": [_line(one, acting) for one in mine],
            "others": [_line(one, acting) for one in waiting if one not in mine],
        },
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_to_sign(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Show a form with its answers, and sign it by typing one's name."""
    acting = people.acting(request)
    waiting = unsigned(acting.student.id, sees_confidential=acting.sees_confidential)
    found = next((one for one in waiting if one.answer.id == answer_id), None)
    institution, now = people.person(request).institution, clock.now()
    today = clock.today(institution.time_zone, at=now)
    if found is None:
        if request.method == "POST":
            messages.info(request, _("This form does not wait for your signature any more."))
            return redirect("portal_signing")
        raise Http404
    problems, typed, agreed = {}, request.POST.get("name", ""), request.POST.get("agreed") == "yes"
    if request.method == "POST":
        try:
            sign(
                institution=institution,
                student_id=acting.student.id,
                answer_id=answer_id,
                name=typed,
                agreed=agreed,
                by=acting.actor,
                now=now,
                today=today,
            )
        except NotSignableError as wrong:
            if wrong.code not in ("name", "agreed"):
                messages.warning(request, wrong.sentence)
                return redirect("portal_signing")
            problems = {wrong.code: wrong.sentence}
        except ReviewError as wrong:
            messages.warning(request, wrong.sentence)
            return redirect("portal_signing")
        else:
            messages.success(request, _("You have signed. Thank you."))
            return redirect("portal_signing")
    return render(
        request,
        "portal/guardians/sign.html",
        {
            "acting": acting,
            "student_name": naming.name_of(acting.student),
            "one": _line(found, acting),
            "answers": [
                (question, answer)
                for question, answer in forms.answered(found.form, found.answer.answers, acting.language)
                if answer
            ],
            "introduction": found.form.introduction.in_language(acting.language),
            "texts": _texts(found, acting.language),
            "problems": problems,
            "typed": typed,
            "agreed": agreed,
            "today": today,
        },
        status=422 if problems else 200,
    )


def _line(signing: Signing, acting: Acting) -> dict[str, object]:
    return {
        "id": signing.answer.id,
        "title": signing.form.title.in_language(acting.language),
        "sent_at": signing.submission.sent_at,
        "signed": signing.signed,
        "missing": [
            _("The student") if one is forms.Signer.STUDENT else _("A parent or guardian")
            for one in signing.missing
        ],
        "is_mine": signing.may_be_signed_by(acting.actor),
        "signed_by_me": signing.is_signed_by(acting.actor),
    }


def _texts(signing: Signing, language: str) -> list[str]:
    """Return what is to be read before one signs, beside the answers."""
    shown = forms.visible(signing.form, signing.answer.answers)
    return [text.in_language(language) for question in shown for text in question.text]
