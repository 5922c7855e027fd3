"""Finding and reading stored files: pages as safe pictures, and the original for whoever handed it in.

Each finder names whose it must be, so that what belongs to somebody else is not found at all.
"""

from uuid import UUID

from pratique.foundation.storage import blob_store
from pratique.records import files
from pratique.records.models import File, Page, SubmissionState


def file_of(student_id: UUID, file_id: UUID) -> File | None:
    """Return a student's file, with its submission; None if it is another's or nobody's."""
    return File.objects.select_related("submission").filter(student_id=student_id, id=file_id).first()


def page_of(student_id: UUID, page_id: UUID) -> Page | None:
    """Return a page of a student's file, with file and submission; None if it is another's or nobody's."""
    pages = Page.objects.select_related("file", "submission").defer("sketch")
    return pages.filter(file__student_id=student_id, id=page_id).first()


def page_for_review(page_id: UUID) -> Page | None:
    """Return a page of a submission that was sent; what is not sent yet is the student's own."""
    pages = Page.objects.select_related("file", "submission").defer("sketch").filter(id=page_id)
    return pages.exclude(submission__state__in=[SubmissionState.DRAFT, SubmissionState.WITHDRAWN]).first()


def page_image(page: Page) -> bytes:
    """Return a page's picture, a JPEG. Raises FileMissingError, VaultError."""
    return _read(page.institution_id, files.page_name(page.file_id, page.number))


def page_thumbnail(page: Page) -> bytes:
    """Return a page's small picture, a JPEG. Raises FileMissingError, VaultError."""
    return _read(page.institution_id, files.thumbnail_name(page.file_id, page.number))


def original(file: File) -> bytes:
    """Return a file as it came: bytes that nobody may trust. Raises FileMissingError, VaultError."""
    return _read(file.institution_id, files.original_name(file.id))


def _read(institution_id: UUID, name: str) -> bytes:
    return blob_store().get(institution_id=institution_id, name=name)
