"""What a file may be that somebody hands in: limits, names, and the words for what is not taken. PURE.

A file arrives in parts, is checked as a whole, and becomes pages. Each of these is a stored file of its own, under
names made from the file's id alone:

    <file id>/part-<offset>     as it comes in
    <file id>/original          as it came
    <file id>/page-<n>, thumb-<n>
"""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation import imaging
from pratique.records.models import File, Page

LARGEST_FILE = imaging.MAX_BYTES
MOST_PAGES = imaging.MAX_PAGES  # of a file, and of all files of a submission together
MOST_FILES = 10
# Of one student, in everything that no reviewer has decided on: drafts and submissions may be as many as they like.
MOST_BYTES_OPEN = 40 * LARGEST_FILE
# A part is a stored file: many tiny ones would cost more than they carry. The last part may be any size.
SMALLEST_PART = 4096

# How long an upload that was cut can be taken up again, and how long others are kept that nobody waits for.
UPLOAD_LASTS = timedelta(days=7)
REFUSED_KEPT = timedelta(days=1)
ABANDONED_KEPT = timedelta(days=30)

_LONGEST_NAME = 255
# Characters that turn the reading direction: with them, "photo(gpj.exe)" can be made to look like a picture.
_TURNS = {"\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
_ENDINGS = {
    imaging.Kind.PDF: ".pdf",
    imaging.Kind.JPEG: ".jpg",
    imaging.Kind.PNG: ".png",
    imaging.Kind.HEIC: ".heic",
    imaging.Kind.TIFF: ".tif",
    imaging.Kind.WEBP: ".webp",
}


class FileNotTaken(Exception):
    """A file, or a part of one, is not taken. `code` is for programs, `sentence` for the person who sent it."""

    def __init__(self, code: str, sentence: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence or refusal_sentence(code)


class OffsetError(Exception):
    """A part does not begin where the file ends so far; `received` is where it must."""

    def __init__(self, received: int) -> None:
        super().__init__(f"The next part begins at {received}.")
        self.received = received


class UnknownFileError(Exception):
    """There is no such file or page any more."""


class ScannerUnavailableError(Exception):
    """The virus scanner does not answer; the file waits."""


def refusal_sentence(refusal: str) -> str:
    """Return what is wrong and what to do, for a code of ours or of imaging (`code` or `code:found`)."""
    code, _colon, found = refusal.partition(":")
    if code in imaging.REFUSALS:
        return imaging.FileRefused(code, found).sentence()
    return _sentences().get(code) or _(
        "We could not take this file. Please choose it again, or take a new photo."
    )


def _sentences() -> dict[str, str]:
    return {
        "too_many_files": _(
            "There are %(most)s files already. Remove one first, or send these and hand in more later."
        )
        % {"most": MOST_FILES},
        "too_many_pages_together": _(
            "With this file there would be more than %(most)s pages. Remove what is not needed, or send these first."
        )
        % {"most": MOST_PAGES},
        "too_much_open": _(
            "There is no more room for files that nobody has looked at yet. Remove some from your drafts, or wait "
            "until a reviewer has decided on what you sent."
        ),
        "part_missing": _("A part of this file got lost on its way. Please choose it again."),
        "part_too_small": _("This part of the file is too small to keep."),
        "more_than_declared": _("More arrived than the file was said to have. Please choose it again."),
        "removed": _("This file was removed. Choose it again if you need it."),
    }


def shown_name(name: str) -> str:
    """Return a file's name fit for showing: no folders, no control or direction characters, at most 255 characters."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    plain = "".join(
        character
        for character in unicodedata.normalize("NFC", last)
        if character not in _TURNS
        and unicodedata.category(character) not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    plain = " ".join(plain.split())
    if not plain.strip(". "):
        return _("Unnamed file")
    if len(plain) <= _LONGEST_NAME:
        return plain
    ending = PurePosixPath(plain).suffix[:10]
    return plain[: _LONGEST_NAME - len(ending) - 1] + "…" + ending


def download_name(file: File) -> str:
    """Return the name under which the original is given back: its own, ending as its content says."""
    ending = (
        _ENDINGS.get(imaging.Kind(file.media_type), "") if file.media_type in set(imaging.Kind) else ".bin"
    )
    stem = PurePosixPath(file.name).stem if PurePosixPath(file.name).suffix else file.name
    return f"{stem[: _LONGEST_NAME - len(ending)]}{ending}"


def part_name(file_id: UUID, offset: int) -> str:
    """Return the logical name of the part that begins at `offset`."""
    return f"{file_id}/part-{offset}"


def original_name(file_id: UUID) -> str:
    """Return the logical name of a file as it came."""
    return f"{file_id}/original"


def page_name(file_id: UUID, number: int) -> str:
    """Return the logical name of a page's picture."""
    return f"{file_id}/page-{number}"


def thumbnail_name(file_id: UUID, number: int) -> str:
    """Return the logical name of a page's small picture."""
    return f"{file_id}/thumb-{number}"


def repeated_pages(pages: Sequence[Page]) -> dict[UUID, int]:
    """Return pages that are the same picture as an earlier one of `pages`: id to that one's place, counted from 1.

    The same file again is found too. Empty pages are all alike and mean nothing.
    """
    found: dict[UUID, int] = {}
    for place, page in enumerate(pages):
        for earlier, other in enumerate(pages[:place], start=1):
            if page.file_id != other.file_id and _alike(page, other):
                found[page.id] = earlier
                break
    return found


def _alike(page: Page, other: Page) -> bool:
    if page.file.sha256 == other.file.sha256 and page.number == other.number:
        return True
    return page.picture is not None and page.picture == other.picture
