"""Receiving files in parts, removing them, and the order and turn of their pages. Checking is in `checking`.

    begin → append ... append → (job) check → ready | refused

All act inside the scope of the submission's institution. Locks are taken in one order: submission, file, pages.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Max, Sum

from pratique.foundation import audit
from pratique.foundation.queue import enqueue
from pratique.foundation.storage import blob_store
from pratique.records import policies
from pratique.records.actions.checking import check
from pratique.records.files import (
    LARGEST_FILE,
    MOST_BYTES_OPEN,
    MOST_FILES,
    MOST_PAGES,
    SMALLEST_PART,
    FileNotTaken,
    OffsetError,
    UnknownFileError,
    part_name,
    shown_name,
)
from pratique.records.models import File, FileState, Page, Submission, SubmissionState

__all__ = ["append", "begin", "check", "remove", "reorder", "turn"]


def begin(*, submission_id: UUID, name: str, size: int, by: audit.Actor, now: datetime) -> File:
    """Make room in a draft for a file of `size` bytes that the sender calls `name`; its parts come next.

    Raises FileNotTaken: empty, too_large, too_many_files, too_many_pages_together, too_much_open, or why it is no
    draft.
    """
    submission = _draft(submission_id)
    if size <= 0:
        raise FileNotTaken("empty")
    if size > LARGEST_FILE:
        raise FileNotTaken("too_large")
    there = File.objects.filter(submission=submission)
    if there.exclude(state=FileState.REFUSED).count() >= MOST_FILES:
        raise FileNotTaken("too_many_files")
    if Page.objects.filter(submission=submission).count() >= MOST_PAGES:
        raise FileNotTaken("too_many_pages_together")
    if _bytes_open(submission.student_id) + size > MOST_BYTES_OPEN:
        raise FileNotTaken("too_much_open")
    last = there.aggregate(last=Max("position"))["last"]
    file = File.objects.create(
        institution_id=submission.institution_id,
        student_id=submission.student_id,
        submission=submission,
        name=shown_name(name),
        size=size,
        position=0 if last is None else last + 1,
        uploaded_at=now,
        uploaded_by=str(by),
    )
    _note("begun", file, by, now, bytes=size)
    return file


def _bytes_open(student_id: UUID) -> int:
    """Return how much a student has stored, or said to send, of what no reviewer has decided on.

    What was taken back or refused counts until it is forgotten. Two who begin at the same moment in two drafts may go
    over the limit by a file each; that is not worth a lock of the student.
    """
    undecided = File.objects.filter(student_id=student_id).exclude(submission__state=SubmissionState.DECIDED)
    return undecided.aggregate(bytes=Sum("size"))["bytes"] or 0


def append(*, file_id: UUID, offset: int, content: bytes, by: audit.Actor, now: datetime) -> int:
    """Keep the part of a file that begins at `offset`; return how many bytes are there now.

    Of two senders of the same part the second gets OffsetError and learns where to go on. With the last part the
    check is asked for. Raises UnknownFileError, OffsetError, FileNotTaken (more_than_declared, part_too_small, or
    why it is no draft any more).
    """
    file = _locked(file_id)
    _check_draft(file.submission)
    if offset != file.received:
        raise OffsetError(file.received)
    if not content:
        return file.received
    received = offset + len(content)
    if received > file.size:
        raise FileNotTaken("more_than_declared")
    if len(content) < SMALLEST_PART and received < file.size:
        raise FileNotTaken("part_too_small")
    # Under the lock of the row: a part of this name is written by one sender at a time. Should the transaction
    # fail after this, the same part is sent again and takes this one's place.
    blob_store().put(institution_id=file.institution_id, name=part_name(file.id, offset), content=content)
    file.received = received
    if received == file.size:
        file.state = FileState.CHECKING
        _note("received", file, by, now, bytes=received)
        ask_for_check(file)
    file.save(update_fields=["received", "state"])
    return received


def ask_for_check(file: File) -> None:
    """Enqueue the check of a file that is all here; one waits and one runs at a time."""
    enqueue(
        "records.check_file",
        institution_id=file.institution_id,
        queue="interactive",
        lock=f"file:{file.id}",
        once=f"file:{file.id}",
        file_id=str(file.id),
    )


def remove(*, file_id: UUID, by: audit.Actor, now: datetime) -> None:
    """Take a file out of its draft, with its pages; a job removes its bytes. Raises UnknownFileError, FileNotTaken."""
    known = File.objects.filter(id=file_id).first()
    if known is None:
        raise UnknownFileError
    _draft(known.submission_id)
    file = _locked(file_id)
    _note("removed", file, by, now)
    _forget(file)


def _forget(file: File) -> None:
    enqueue("records.forget_file", institution_id=file.institution_id, file_id=str(file.id))
    file.delete()


def turn(*, page_id: UUID, turned: int, by: audit.Actor, now: datetime) -> None:
    """Show a page turned by 0, 90, 180 or 270 degrees clockwise; staff may turn what was sent, too.

    Raises UnknownFileError, FileNotTaken, ValueError.
    """
    if turned not in (0, 90, 180, 270):
        raise ValueError("A page is turned by quarters.")
    page = Page.objects.select_related("submission", "file").filter(id=page_id).first()
    if page is None:
        raise UnknownFileError
    if by.kind != "staff":
        _check_draft(page.submission)
    Page.objects.filter(id=page_id).update(turned=turned)
    _note("page_turned", page.file, by, now, page=page.number)


def reorder(*, submission_id: UUID, page_ids: Sequence[UUID], by: audit.Actor, now: datetime) -> None:
    """Put the pages of a draft into this order; those that are not named follow in theirs. Raises FileNotTaken.

    Names of pages that are gone are passed over: another tab may have removed them.
    """
    submission = _draft(submission_id)
    pages = list(Page.objects.select_for_update().filter(submission=submission).order_by("position", "id"))
    wanted = {page_id: place for place, page_id in enumerate(page_ids)}
    pages.sort(key=lambda page: wanted.get(page.id, len(wanted)))
    for position, page in enumerate(pages):
        page.position = position
    Page.objects.bulk_update(pages, ["position"])
    audit.record(
        "records:file:pages_ordered",
        institution_id=submission.institution_id,
        by=by,
        now=now,
        subject_type="student",
        subject_id=submission.student_id,
        detail={"submission": str(submission.id), "pages": len(pages)},
    )


def _draft(submission_id: UUID) -> Submission:
    """Return a submission, locked, that may be changed."""
    submission = Submission.objects.select_for_update(no_key=True).filter(id=submission_id).first()
    if submission is None:
        raise UnknownFileError
    _check_draft(submission)
    return submission


def _check_draft(submission: Submission) -> None:
    refusal = policies.may_edit(submission)
    if refusal is not None:
        raise FileNotTaken(refusal.code, refusal.sentence)


def _locked(file_id: UUID) -> File:
    file = (
        File.objects.select_for_update(of=("self",)).select_related("submission").filter(id=file_id).first()
    )
    if file is None:
        raise UnknownFileError
    return file


def _note(deed: str, file: File, by: audit.Actor, now: datetime, **detail: int | str) -> None:
    audit.record(
        f"records:file:{deed}",
        institution_id=file.institution_id,
        by=by,
        now=now,
        subject_type="student",
        subject_id=file.student_id,
        detail={"file": str(file.id), **detail},
    )
