"""What the hand-in step shows of a submission's files: rows for files, tiles for pages, and the uploader's words."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pratique.records import policies, queries
from pratique.records.files import (
    LARGEST_FILE,
    MOST_FILES,
    MOST_PAGES,
    refusal_sentence,
    repeated_pages,
)
from pratique.records.models import File, FileState, Page, Submission


@dataclass(frozen=True)
class FileRow:
    """A file that is not simply one page: on its way, being checked, refused, or with several pages."""

    id: UUID
    name: str
    state: str
    percent: int
    sentence: str


@dataclass(frozen=True)
class PageTile:
    """A page to look at, turn and move. `only_page`: removing it removes the file."""

    id: UUID
    file_id: UUID
    place: int
    title: str
    turned: int
    warning: str
    only_page: bool
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class FileList:
    """Everything about a submission's files that the include `portal/parts/files.html` needs."""

    submission: Submission
    rows: list[FileRow]
    tiles: list[PageTile]
    may_edit: bool
    busy: bool
    count: int

    @property
    def version(self) -> str:
        """Equal for two lists that look the same; a script need not draw the second."""
        return hashlib.sha256(repr((self.rows, self.tiles, self.may_edit)).encode()).hexdigest()[:16]

    @property
    def is_full(self) -> bool:
        return self.count >= MOST_FILES

    @property
    def limits(self) -> dict[str, int]:
        return {"megabytes": LARGEST_FILE // 1024 // 1024, "pages": MOST_PAGES, "files": MOST_FILES}

    @property
    def words(self) -> dict[str, str | int]:
        """The sentences of upload.js, in the reader's language; {braces} are filled in there."""
        return _words()


def file_list(submission: Submission) -> FileList:
    """Return the files of a submission as they stand: two queries."""
    files, pages = queries.files_of(submission.id), queries.pages_of(submission.id)
    counts: dict[UUID, int] = {}
    for page in pages:
        counts[page.file_id] = counts.get(page.file_id, 0) + 1
    singles = {file.id for file in files if file.state == FileState.READY and counts.get(file.id, 0) == 1}
    return FileList(
        submission=submission,
        rows=[_row(file, counts.get(file.id, 0)) for file in files if file.id not in singles],
        tiles=_tiles(pages, counts),
        may_edit=policies.may_edit(submission) is None,
        busy=any(file.state == FileState.CHECKING for file in files),
        count=sum(file.state != FileState.REFUSED for file in files),
    )


def _row(file: File, pages: int) -> FileRow:
    return FileRow(
        id=file.id,
        name=file.name,
        state=file.state,
        # What is not all here is never shown as 100 %.
        percent=min(99, 100 * file.received // file.size) if file.state == FileState.RECEIVING else 100,
        sentence=_state_sentence(file, pages),
    )


def _state_sentence(file: File, pages: int) -> str:
    match file.state:
        case FileState.RECEIVING:
            return _("%(percent)s %% is here. Choose the same file again to send the rest.") % {
                "percent": min(99, 100 * file.received // file.size)
            }
        case FileState.CHECKING:
            return _("Arrived. We are making its pages; this takes a few seconds.")
        case FileState.REFUSED:
            return refusal_sentence(file.refusal)
    said: str = ngettext("%(pages)s page", "%(pages)s pages", pages) % {"pages": pages}
    if file.active_content:
        said += ". " + _("It also holds a script or another file; reviewers see pictures of its pages only.")
    return said


def _tiles(pages: list[Page], counts: dict[UUID, int]) -> list[PageTile]:
    repeated = repeated_pages(pages)
    return [
        PageTile(
            id=page.id,
            file_id=page.file_id,
            place=place,
            title=_title(page, counts[page.file_id]),
            turned=page.turned,
            warning=_("This looks the same as page %(place)s. If it is, you can remove one.")
            % {"place": repeated[page.id]}
            if page.id in repeated
            else "",
            only_page=counts[page.file_id] == 1,
            is_first=place == 1,
            is_last=place == len(pages),
        )
        for place, page in enumerate(pages, start=1)
    ]


def _title(page: Page, pages_of_file: int) -> str:
    if pages_of_file == 1:
        return str(page.file.name)
    return _("%(name)s, page %(number)s") % {"name": page.file.name, "number": page.number}


def _words() -> dict[str, str | int]:
    return {
        "largest": LARGEST_FILE,
        "waiting": _("Waiting for its turn"),
        "sending": _("Sending: {percent} % of {size}"),
        "sent": _("Sent. We are checking it now."),
        "ready": _("{name} is ready."),
        "refused": _("{name} was not taken. {why}"),
        "offline": _("Waiting for a connection: {percent} % is safe"),
        "retrying": _("The connection is weak. We keep trying: {percent} % is safe"),
        "stopped": _("This file could not be sent. {percent} % is safe."),
        "signed_out": _(
            "You were signed out. {percent} % of this file is safe. Sign in again in a new tab, then come back here."
        ),
        "sign_in": _("Sign in again (new tab)"),
        "continue": _("Continue"),
        "still_out": _("You are not signed in yet. Sign in in the new tab first."),
        "try_again": _("Try again"),
        "cancel": _("Cancel"),
        "close": _("Close"),
        "cancelled": _("{name} was cancelled."),
        "started": _("Sending {name}."),
        "empty": refusal_sentence("empty"),
        "too_large": refusal_sentence("too_large"),
        "moved": _("Page moved to place {place}."),
        "changed": _("Saved."),
        "failed": _("That did not work. Please try again."),
        "megabytes": _("{number} MB"),
        "kilobytes": _("{number} KB"),
    }
