"""Resumable uploads: tus 1.0.0, core with creation, termination and expiration (https://tus.io/protocols).

A file that is somebody else's is not found, like one that never was. Errors of ours carry {"code", "sentence"}.
"""

import base64
import binascii
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.urls import reverse
from django.utils.http import http_date

from pratique.foundation import clock
from pratique.interfaces.portal.people import Acting, acting
from pratique.records import images, queries
from pratique.records.actions import files as actions
from pratique.records.files import LARGEST_FILE, UPLOAD_LASTS, FileNotTaken, OffsetError, UnknownFileError
from pratique.records.models import File, Submission
from pratique.screens.permissions import Access, requires

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
_EXTENSIONS = "creation,termination,expiration"
# What is read and sealed at once, however much a client sends in one request.
_BLOCK = 1024 * 1024
_STATUS = {"too_large": 413, "more_than_declared": 413, "part_too_small": 400}
View = Callable[..., HttpResponse]


def _tus(*methods: str) -> Callable[[View], View]:
    """Speak the protocol around a view: its version, its OPTIONS, and our errors as answers."""

    def speaking(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "OPTIONS":
                return _spoken(_options())
            if request.headers.get("Tus-Resumable") != VERSION:
                return _spoken(HttpResponse(status=412, headers={"Tus-Version": VERSION}))
            if request.method not in methods:
                return _spoken(HttpResponse(status=405, headers={"Allow": ", ".join((*methods, "OPTIONS"))}))
            try:
                response = view(request, *args, **kwargs)
            except UnknownFileError:
                raise Http404 from None
            except OffsetError as error:
                response = problem(409, "wrong_offset", "")
                response["Upload-Offset"] = str(error.received)
            except FileNotTaken as error:
                response = problem(_STATUS.get(error.code, 422), error.code, error.sentence)
            return _spoken(response)

        return answer

    return speaking


@requires(Access.STUDENT)
@_tus("POST")
def upload(request: HttpRequest, submission_id: UUID) -> HttpResponse:
    """Begin a file: Upload-Length and Upload-Metadata (filename) in, its address out."""
    who = may_upload(request)
    submission = own_submission(who, submission_id)
    size = _number(request, "Upload-Length")
    name = _file_name(request)
    if size is None or name is None:
        return HttpResponse(status=400)
    file = actions.begin(submission_id=submission.id, name=name, size=size, by=who.actor, now=clock.now())
    return HttpResponse(
        status=201, headers={"Location": reverse("portal_upload_part", args=[file.id]), **_state(file)}
    )


@requires(Access.STUDENT)
@_tus("HEAD", "PATCH", "DELETE")
def upload_part(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Say how much of a file is here, take the next part, or forget it."""
    who = acting(request)
    file = images.file_of(who.student.id, file_id)
    if file is None or not who.may_open(file.submission):
        raise Http404
    if request.method == "HEAD":
        return HttpResponse(
            headers={**_state(file), "Upload-Length": str(file.size), "Cache-Control": "no-store"}
        )
    who = may_upload(request)
    if request.method == "DELETE":
        actions.remove(file_id=file.id, by=who.actor, now=clock.now())
        return HttpResponse(status=204)
    return _take(request, who, file)


def _take(request: HttpRequest, who: Acting, file: File) -> HttpResponse:
    if request.content_type != PART_TYPE:
        return HttpResponse(status=415)
    offset = _number(request, "Upload-Offset")
    if offset is None:
        return HttpResponse(status=400)
    # The bytes first, the row's lock after: a slow sender makes nobody wait.
    while block := _read(request):
        offset = actions.append(file_id=file.id, offset=offset, content=block, by=who.actor, now=clock.now())
    # Also where nothing came: the offset must be right all the same.
    file.received = actions.append(file_id=file.id, offset=offset, content=b"", by=who.actor, now=clock.now())
    return HttpResponse(status=204, headers=_state(file))


def _read(request: HttpRequest) -> bytes:
    """Return the next block of a body; where the connection was cut, what had come until then."""
    block = bytearray()
    try:
        while len(block) < _BLOCK and (piece := request.read(_BLOCK - len(block))):
            block += piece
    except (UnreadablePostError, OSError):
        pass
    return bytes(block)


def own_submission(who: Acting, submission_id: UUID) -> Submission:
    """Return the submission of the student for whom `who` acts; Http404 alike for every reason that it is not."""
    found = queries.submission(who.student.id, submission_id)
    if found is None or not who.may_open(found):
        raise Http404
    return found


def may_upload(request: HttpRequest) -> Acting:
    """Return who acts if they may hand in; a helper who was not allowed to finds nothing here."""
    who = acting(request)
    if not who.may_upload:
        raise Http404
    return who


def problem(status: int, code: str, sentence: str) -> JsonResponse:
    """Return an error that a script shows: a code for it, a sentence for the person."""
    return JsonResponse({"code": code, "sentence": sentence}, status=status)


def _options() -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={"Tus-Version": VERSION, "Tus-Max-Size": str(LARGEST_FILE), "Tus-Extension": _EXTENSIONS},
    )


def _spoken(response: HttpResponse) -> HttpResponse:
    response["Tus-Resumable"] = VERSION
    return response


def _state(file: File) -> dict[str, str]:
    expires = file.uploaded_at + UPLOAD_LASTS
    return {"Upload-Offset": str(file.received), "Upload-Expires": http_date(expires.timestamp())}


def _number(request: HttpRequest, header: str) -> int | None:
    text = request.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _file_name(request: HttpRequest) -> str | None:
    """Return the file's name of Upload-Metadata, empty if there is none; None if the header makes no sense."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _space, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8", "replace")
            except binascii.Error:
                return None
    return ""
