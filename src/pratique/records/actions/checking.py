"""Checking a file that is all here, and forgetting files that nobody needs any more.

    join the parts → virus scan → pages, drawn in a process of their own → keep them sealed → one commit → tidy up

Everything before the commit can be done again: the stored files have fixed names. Whatever happens, a rerun
leaves one set of pages, and stored files that the rows do not speak of are removed in the end.
"""

import hashlib
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from pratique.connectors import clamd
from pratique.foundation import audit, imaging
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records.actions.pictures import pictures_of
from pratique.records.files import (
    ABANDONED_KEPT,
    MOST_PAGES,
    REFUSED_KEPT,
    UPLOAD_LASTS,
    ScannerUnavailableError,
    original_name,
    page_name,
    part_name,
    thumbnail_name,
)
from pratique.records.models import File, FileState, Page, Submission, SubmissionState


class _Examined(NamedTuple):
    """What was found out about a file: why it is refused, or what it is."""

    refusal: str = ""
    sha256: str = ""
    rendered: imaging.Rendered | None = None


def check(*, institution: Institution, file_id: UUID, now: datetime) -> None:
    """Make a file `ready`, with its pages, or `refused`, with a code. Call it outside any transaction.

    Does nothing to a file that is checked already or was removed, except for what a killed worker left behind.
    Raises ScannerUnavailableError, RenderingUnavailableError: the file stays `checking`; try again later.
    """
    with institution_scope(institution.id):
        file = File.objects.filter(id=file_id).first()
    if file is not None and file.state == FileState.RECEIVING:
        return
    if file is not None and file.state == FileState.CHECKING:
        examined = _examine(file)
        with institution_scope(institution.id):
            file = _conclude(file, examined, now)
    with institution_scope(institution.id):
        kept = _kept(file)
    _tidy(institution.id, file_id, kept)


def forget(*, institution_id: UUID, file_id: UUID) -> None:
    """Remove all that is stored of a file whose row is gone; does nothing while there is one."""
    with institution_scope(institution_id):
        gone = not File.objects.filter(id=file_id).exists()
    if gone:
        _tidy(institution_id, file_id, set())


def waiting_files(*, institution_id: UUID) -> list[File]:
    """Return the files that wait for their check."""
    with institution_scope(institution_id):
        return list(File.objects.filter(state=FileState.CHECKING))


def forget_old(*, institution_id: UUID, now: datetime) -> int:
    """Remove uploads that were never finished, refused files, and files of drafts that nobody came back to.

    One transaction a submission; the stored bytes go first, so that none outlives its row. Returns how many files.
    """
    with institution_scope(institution_id):
        _forget_refused_originals(now)
        submission_ids = set(_old_files(now).values_list("submission_id", flat=True))
    return sum(_forget_of(institution_id, submission_id, now) for submission_id in sorted(submission_ids))


def _examine(file: File) -> _Examined:
    try:
        content = _joined(file)
    except FileMissingError:
        return _Examined("part_missing")
    if len(content) != file.size:
        return _Examined("part_missing")
    if _is_infected(content):
        return _Examined("infected")
    sha256 = hashlib.sha256(content).hexdigest()
    store, institution_id = blob_store(), file.institution_id
    store.put(institution_id=institution_id, name=original_name(file.id), content=content)
    try:
        rendered = imaging.render(content)
    except imaging.FileRefused as refused:
        return _Examined(f"{refused.code}:{refused.found}" if refused.found else refused.code, sha256)
    for number, page in enumerate(rendered.pages, start=1):
        store.put(institution_id=institution_id, name=page_name(file.id, number), content=page.image)
        store.put(institution_id=institution_id, name=thumbnail_name(file.id, number), content=page.thumbnail)
    return _Examined("", sha256, rendered)


def _is_infected(content: bytes) -> bool:
    if not clamd.is_configured():
        return False
    match clamd.scan(content):
        case clamd.Unavailable():
            raise ScannerUnavailableError
        case clamd.Infected():
            return True
    return False


def _joined(file: File) -> bytes:
    store, content = blob_store(), bytearray()
    while len(content) < file.size:
        part = store.get(institution_id=file.institution_id, name=part_name(file.id, len(content)))
        if not part:
            break
        content += part
    return bytes(content)


def _conclude(file: File, examined: _Examined, now: datetime) -> File | None:
    """Store the verdict; returns the file as it is now, None if it was removed meanwhile."""
    submission = Submission.objects.select_for_update(no_key=True).get(id=file.submission_id)
    current = File.objects.select_for_update().filter(id=file.id).first()
    if current is None or current.state != FileState.CHECKING:
        return current
    refusal, rendered = examined.refusal, examined.rendered
    pages = rendered.pages if rendered else ()
    present = Page.objects.filter(submission=submission).select_related("file").defer("sketch")
    there = list(present.order_by("position", "id"))
    if len(there) + len(pages) > MOST_PAGES:
        refusal = "too_many_pages_together"
    current.state = FileState.REFUSED if refusal else FileState.READY
    current.refusal = refusal
    current.sha256 = examined.sha256
    current.checked_at = now
    if rendered and not refusal:
        current.media_type = rendered.media_type
        current.active_content = imaging.ACTIVE_CONTENT in rendered.notes
        _add_pages(current, rendered, there)
    current.save()
    audit.record(
        "records:file:checked",
        institution_id=file.institution_id,
        by=audit.SYSTEM,
        now=now,
        subject_type="student",
        subject_id=file.student_id,
        detail={"file": str(file.id), "refusal": refusal, "pages": 0 if refusal else len(pages)},
    )
    return current


def _add_pages(file: File, rendered: imaging.Rendered, there: list[Page]) -> None:
    """Add a file's pages behind those of the files that were chosen before it, whichever was checked first."""
    place = max(
        (at for at, page in enumerate(there, start=1) if page.file.position < file.position), default=0
    )
    for page in there[place:]:
        page.position += len(rendered.pages)
    Page.objects.bulk_update(there[place:], ["position"])
    first = there[place - 1].position + 1 if place else 0
    known = pictures_of(file.institution_id, rendered.pages)
    Page.objects.bulk_create(
        Page(
            institution_id=file.institution_id,
            file=file,
            submission_id=file.submission_id,
            number=number,
            position=first + number - 1,
            width=page.width,
            height=page.height,
            looks=page.looks,
            sketch=page.sketch,
            picture=picture,
        )
        for number, (page, picture) in enumerate(zip(rendered.pages, known, strict=True), start=1)
    )


def _kept(file: File | None) -> set[str]:
    """Return the names of what is to stay stored of a file that is checked."""
    if file is None or file.refusal == "infected":
        return set()
    kept = {original_name(file.id)}
    for number in Page.objects.filter(file=file).values_list("number", flat=True):
        kept |= {page_name(file.id, number), thumbnail_name(file.id, number)}
    return kept


def _tidy(institution_id: UUID, file_id: UUID, kept: set[str]) -> None:
    store = blob_store()
    stored = set(store.names(institution_id=institution_id, prefix=f"{file_id}/"))
    store.delete_many(institution_id=institution_id, names=stored - kept)


def _old_files(now: datetime) -> QuerySet[File]:
    draft, withdrawn = SubmissionState.DRAFT, SubmissionState.WITHDRAWN
    return File.objects.filter(
        Q(state=FileState.RECEIVING, uploaded_at__lt=now - UPLOAD_LASTS)
        | Q(state=FileState.REFUSED, checked_at__lt=now - ABANDONED_KEPT)
        # Thrown away before it was sent: nobody expects to see that again.
        | Q(
            submission__state=withdrawn,
            submission__sent_at=None,
            submission__withdrawn_at__lt=now - REFUSED_KEPT,
        )
        | Q(submission__state=withdrawn, submission__withdrawn_at__lt=now - ABANDONED_KEPT)
        | Q(
            submission__state=draft,
            submission__changed_at__lt=now - ABANDONED_KEPT,
            uploaded_at__lt=now - ABANDONED_KEPT,
        )
    )


def _forget_refused_originals(now: datetime) -> None:
    for file in File.objects.filter(state=FileState.REFUSED, checked_at__lt=now - REFUSED_KEPT):
        blob_store().delete(institution_id=file.institution_id, name=original_name(file.id))


def _forget_of(institution_id: UUID, submission_id: UUID, now: datetime) -> int:
    with institution_scope(institution_id):
        # Whoever comes back to the draft at this moment waits for us, or we for them and find it fresh.
        Submission.objects.select_for_update(no_key=True).get(id=submission_id)
        old = list(_old_files(now).select_for_update(of=("self",)).filter(submission_id=submission_id))
        elsewhere = Page.objects.filter(file__in=old).exclude(submission_id=submission_id)
        moved = set(elsewhere.values_list("file_id", flat=True))
        old = [file for file in old if file.id not in moved]
        for file in old:
            _tidy(institution_id, file.id, set())
            file.delete()
        if old:
            audit.record(
                "records:file:forgotten",
                institution_id=institution_id,
                by=audit.SYSTEM,
                now=now,
                subject_type="student",
                subject_id=old[0].student_id,
                detail={"files": len(old)},
            )
        return len(old)
