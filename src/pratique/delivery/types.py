"""The codes of deliveries, each with its sentence for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from uuid import UUID

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
    """Where a delivery goes: to an account's `/outbound`, or to a destination. Exactly one is set."""

    account_id: "UUID | None" = None
    destination_id: "UUID | None" = None


def sentence(code: str) -> str:
    """Return a failure's sentence (Delivery.failure); empty for an empty code."""
    return _said(FAILURES, code)


def why_stopped(code: str) -> str:
    """Return why a destination is stopped and what to do (Destination.stopped_for); empty for an empty code."""
    return _said(STOPS, code)


def _said(words: Words, code: str) -> str:
    return str(words[code]) if code in words else (gettext("Something went wrong.") if code else "")
