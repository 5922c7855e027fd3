"""A student's files: the list, what can be done to it with and without a script, and the pictures themselves."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from pratique.foundation import clock
from pratique.foundation.storage import FileMissingError
from pratique.interfaces.portal.files import file_list
from pratique.interfaces.portal.people import Acting, acting
from pratique.interfaces.portal.views.uploads import may_upload, own_submission, problem
from pratique.records import images
from pratique.records.actions import files as actions
from pratique.records.files import FileNotTaken, UnknownFileError, download_name
from pratique.records.models import File, Page, Submission
from pratique.screens.permissions import Access, requires
from pratique.screens.pictures import picture

# upload.js asks for the list alone, and says so.
_SCRIPT = "X-Files"
_BLOCK = 1024 * 1024


@requires(Access.STUDENT)
@require_http_methods(["GET", "POST"])
def files(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Show the files on a page of their own, a script the list alone; POST takes files from a plain form."""
    who = acting(request)
    submission = own_submission(who, submission_id)
    if request.method == "GET":
        return _list(request, submission)
    may_upload(request)
    chosen = [one for one in request.FILES.getlist("files") if one is not None]
    if not chosen:
        messages.error(request, _("Choose a file first."))
    for one in chosen:
        _take(request, who, submission, one)
    return _back(request, submission)


def _take(request: HttpRequest, who: Acting, submission: Submission, upload: "UploadedFile[Any]") -> None:
    try:
        file = actions.begin(
            submission_id=submission.id,
            name=upload.name or "",
            size=upload.size or 0,
            by=who.actor,
            now=clock.now(),
        )
        offset = 0
        for block in upload.chunks(_BLOCK):
            offset = actions.append(
                file_id=file.id, offset=offset, content=block, by=who.actor, now=clock.now()
            )
    except FileNotTaken as error:
        messages.error(request, f"{upload.name}: {error.sentence}")


@requires(Access.STUDENT)
@require_POST
def file(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Remove a file from its draft."""
    who = may_upload(request)
    found = _own_file(who, file_id)
    return _changed(
        request, found.submission, lambda: actions.remove(file_id=found.id, by=who.actor, now=clock.now())
    )


@requires(Access.STUDENT)
@require_POST
def page(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Turn a page (`do=turn`) or move it by one place (`do=earlier`, `do=later`)."""
    who = may_upload(request)
    found = _own_page(who, page_id)

    def change() -> None:
        if request.POST.get("do") == "turn":
            turned = (found.turned + 90) % 360
            actions.turn(page_id=found.id, turned=turned, by=who.actor, now=clock.now())
            return
        ids = [tile.id for tile in file_list(found.submission).tiles]
        place = ids.index(found.id)
        other = place + {"earlier": -1, "later": 1}.get(request.POST.get("do", ""), 0)
        if 0 <= other < len(ids):
            ids[place], ids[other] = ids[other], ids[place]
        actions.reorder(submission_id=found.submission_id, page_ids=ids, by=who.actor, now=clock.now())

    return _changed(request, found.submission, change)


@requires(Access.STUDENT)
@require_POST
def page_order(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Put pages into the order of the fields `page`."""
    who = may_upload(request)
    submission = own_submission(who, submission_id)
    try:
        page_ids = [UUID(value) for value in request.POST.getlist("page")]
    except ValueError:
        return HttpResponse(status=400)
    return _changed(
        request,
        submission,
        lambda: actions.reorder(
            submission_id=submission.id, page_ids=page_ids, by=who.actor, now=clock.now()
        ),
    )


@requires(Access.STUDENT)
@require_GET
def page_image(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's picture."""
    return picture(lambda: images.page_image(_own_page(acting(request), page_id)))


@requires(Access.STUDENT)
@require_GET
def page_thumbnail(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's small picture."""
    return picture(lambda: images.page_thumbnail(_own_page(acting(request), page_id)))


@requires(Access.STUDENT)
@require_http_methods(["GET", "POST"])
def original(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Give a file back as it came, to be saved and never shown; what holds more than pages only after a warning."""
    found = _own_file(acting(request), file_id)
    if found.active_content and request.method == "GET":
        return render(request, "portal/original_warning.html", {"file": found})
    try:
        content = images.original(found)
    except FileMissingError:
        raise Http404 from None
    name = content_disposition_header(True, download_name(found)) or "attachment"
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": name,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _own_file(who: Acting, file_id: UUID) -> File:
    found = images.file_of(who.student.id, file_id)
    if found is None or not who.may_open(found.submission):
        raise Http404
    return found


def _own_page(who: Acting, page_id: UUID) -> Page:
    found = images.page_of(who.student.id, page_id)
    if found is None or not who.may_open(found.submission):
        raise Http404
    return found


def _changed(request: HttpRequest, submission: Submission, change: Callable[[], None]) -> HttpResponse:
    try:
        change()
    except UnknownFileError:
        raise Http404 from None
    except FileNotTaken as error:
        if _SCRIPT in request.headers:
            return problem(409, error.code, error.sentence)
        messages.error(request, error.sentence)
    return _back(request, submission)


def _back(request: HttpRequest, submission: Submission) -> HttpResponse:
    """Answer a script with the list as it is now, a person with the page that they came from."""
    if _SCRIPT in request.headers:
        return _list(request, submission)
    came_from = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        came_from, {request.get_host()}, require_https=request.is_secure()
    ):
        came_from = reverse("portal_home")
    return redirect(came_from)


def _list(request: HttpRequest, submission: Submission) -> HttpResponse:
    shown = {"submission": submission, "files": file_list(submission), "next": request.GET.get("next", "")}
    page = "portal/parts/files_list.html" if _SCRIPT in request.headers else "portal/files_page.html"
    return render(request, page, shown)
