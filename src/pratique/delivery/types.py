"""The codes of deliveries, each with its sentence for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pratique.reports.types import Format, Layout, Parameters

if TYPE_CHECKING:
    from pratique.delivery.timing import Calendar

Words = Mapping[str, str | Promise]

# Why deliveries to a destination wait until somebody resumes (Destination.stopped_for).
STOPS: Words = {
    "staff": _("Somebody stopped the deliveries. What is to go there waits until they are resumed."),
    "host_key_changed": _(
        "The server showed another host key than the one that is trusted. Either it was set up anew, or somebody "
        "stands in its place. Ask whoever runs it for the fingerprint, test the connection, and trust the new key "
        "only if the two agree."
    ),
    "host_key_not_pinned": _("No host key is trusted. Test the connection, and trust the key that it shows."),
    "sign_in_refused": _(
        "The server refused our sign-in several times in a row. We stopped, so that it does not lock us out. Check "
        "username and password or key, test the connection, and resume."
    ),
}

# Why a schedule cuts no more files (Schedule.paused_for).
PAUSES: Words = {
    "staff": _("Somebody paused it. What changes meanwhile comes with the first file after it is resumed."),
    "account_closed": _("The account that it delivers to was closed. Choose another place, and resume."),
    "destination_closed": _("The destination that it delivers to was closed. Choose another, and resume."),
    "nobody_left": _(
        "Nobody of those who got its links may download reports any more. Choose others, and resume."
    ),
    "report_gone": _("Its report was deleted. Choose another, and resume."),
    "report_failed": _(
        "Its report could not be made as asked. Download it once with the same filters, columns and format: that "
        "says why. Mend it here, and resume."
    ),
    "no_changes_known": _(
        "Its report can no longer say what changed. Choose whole files or another report, and resume."
    ),
    "key_unusable": _(
        "Its OpenPGP key cannot be encrypted to any more: it ended or was revoked. Ask for a new one, and resume."
    ),
    "in_doubt": _(
        "The connection broke while the last file got its name, and the file is no longer kept here. Look on the "
        "server whether it arrived, and resume with the answer."
    ),
}

# What kept a try from succeeding (Delivery.failure). Each sentence of ours about a server names the step.
FAILURES: Words = {
    "host_unknown": _("Resolving: no server of this name is known. Check the host."),
    "connect_refused": _(
        "Connecting: the server refused the connection. Check the port, and whether it runs."
    ),
    "connect_timeout": _("Connecting: the server did not answer in time. A firewall may keep us out."),
    "connect_failed": _("Connecting: the server cannot be reached."),
    "not_ssh": _("Connecting: what answers there is no SSH server, or it ended the conversation at once."),
    "no_common_algorithm": _(
        "Connecting: the server offers nothing that is safe. If it cannot be upgraded, allow old algorithms."
    ),
    "host_key_changed": _("Host key: the server showed another key than the one that is trusted."),
    "host_key_not_pinned": _("Host key: none is trusted yet. Test the connection."),
    "sign_in_refused": _("Signing in: the server refused the username, or the password or key."),
    "sign_in_timeout": _("Signing in: the server did not answer in time."),
    "sign_in_lost": _("Signing in: the server ended the connection."),
    "no_sftp": _("Opening SFTP: the server does not offer it to this user."),
    "folder_missing": _("Folder: it does not exist there. Check the folder."),
    "folder_denied": _("Folder: we may not look into it."),
    "folder_lost": _("Folder: the connection broke."),
    "folder_failed": _("Folder: the server could not open it."),
    "write_denied": _("Writing: we may not write there."),
    "write_no_room": _("Writing: there is no room left on the server."),
    "write_failed": _("Writing: the server reported an error."),
    "write_lost": _("Writing: the connection broke. The next try goes on from there."),
    "write_stalled": _("Writing: the server fell silent. The next try goes on from there."),
    "write_size_differs": _("Writing: the server has another number of bytes than we sent."),
    "rename_denied": _("Renaming: we may not give the file its final name."),
    "rename_failed": _("Renaming: the server could not give the file its final name."),
    "rename_lost": _("Renaming: the connection broke. The next try looks whether it was done."),
    "key_unusable": _("The OpenPGP key cannot be encrypted to: it ended or was revoked."),
    "report_failed": _("The report could not be made as asked. Ask for it again with other filters."),
    "name_taken": _("A file of this name lies in the outbound folder already."),
    "file_gone": _("The file that was made for it is no longer kept. Deliver the report again."),
    "account_closed": _("The account is closed."),
    "failed_here": _("Something went wrong on our side. We have been told, and it is tried again."),
}


class DeliveryError(Exception):
    """A delivery or a destination cannot be as asked; the message is fit for a person."""


class NameUsedError(DeliveryError):
    """A file of this name was delivered to the destination already."""


class DestinationError(DeliveryError):
    """A destination cannot be set up or changed as asked. `field` is the one to mend, or empty."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Place:
    """Where a delivery goes: to an account's `/outbound`, to a destination, or as a link to staff. One of them is set.

    `staff` are the ids of accounts that are mailed the link.
    """

    account_id: UUID | None = None
    destination_id: UUID | None = None
    staff: tuple[UUID, ...] = ()


class GoesSomewhere(Protocol):
    """A schedule or a delivery: a row that says where files go."""

    account_id: UUID | None
    destination_id: UUID | None
    staff: Any


def place_of(row: GoesSomewhere) -> Place:
    """Return where a schedule's or a delivery's files go."""
    return Place(row.account_id, row.destination_id, tuple(UUID(one) for one in row.staff))


class ScheduleError(DeliveryError):
    """A schedule cannot be as asked. `field` names what to mend: a field of SchedulePlan or of Calendar, or empty."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class SchedulePlan:
    """All that somebody decides about a schedule: which report, how its file looks, when, and where to.

    `parameters` were checked (`reports.queries.checked_parameters`). `contents` is a code of `models.Contents`. One of
    `every_minutes` and `calendar` is set. An empty `template` is `{report}-{date}`.
    """

    name: str
    report_key: str
    place: Place
    format: Format = Format.CSV
    parameters: Parameters = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    sort: str = ""
    neutralise: bool = True
    bom: bool = False
    template: str = ""
    pgp_key: str = ""
    contents: str = "whole"
    send_empty: bool = True
    every_minutes: int | None = None
    calendar: "Calendar | None" = None


def sentence(code: str) -> str:
    """Return a failure's sentence (Delivery.failure); empty for an empty code."""
    return _said(FAILURES, code)


def why_stopped(code: str) -> str:
    """Return why a destination is stopped and what to do (Destination.stopped_for); empty for an empty code."""
    return _said(STOPS, code)


def why_paused(code: str) -> str:
    """Return why a schedule is paused and what to do (Schedule.paused_for); empty for an empty code."""
    return _said(PAUSES, code)


def _said(words: Words, code: str) -> str:
    return str(words[code]) if code in words else (gettext("Something went wrong.") if code else "")
