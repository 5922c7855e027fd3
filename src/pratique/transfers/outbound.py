"""What lies in `/outbound` of an account: the listing, where the content is, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation.tenancy import run_prepared
from pratique.foundation.vault.keys import ACCOUNT

FOLDERS = ("", "results")
# Long enough for somebody to find out that their own system lost what it took, and to take it again.
KEPT_AFTER_READING = timedelta(days=30)
# A summer without anybody at the other end; the report can be delivered again, so nothing is lost for good.
KEPT_UNREAD = timedelta(days=90)
LONGEST_NAME = 255

_LISTED = """
    select id, folder, name, size, created_at from transfers_outboundfile
    where institution_id = %(institution)s::uuid and account_id = %(account)s::uuid and deleted_at is null
    order by created_at desc, id desc
"""


class OutboundNameError(ValueError):
    """A file cannot be put under this name; the message is fit for a person."""


class NameTakenError(OutboundNameError):
    """Another file lies under this name."""


@dataclass(frozen=True)
class OutboundListed:
    """A file that lies there now. `created_at` is its time for clients that ask."""

    institution_id: UUID
    account_id: UUID
    id: UUID
    folder: str  # empty, or `results`
    name: str
    size: int
    created_at: datetime


def listed(institution_id: UUID, account_id: UUID) -> Sequence[OutboundListed]:
    """Return the files of an account that are whole, committed and not deleted, newest first.

    One message to the database; opens no scope and wants none. Content: `blob_store().reader(institution_id=...,
    name=stored_name(account_id, file.id))`.
    """
    rows = run_prepared(
        _LISTED,
        {"institution": institution_id, "account": account_id},
        {"institution": str(institution_id)},
    )
    return [OutboundListed(institution_id, account_id, *row) for row in rows]


def stored_name(account_id: UUID, file_id: UUID) -> str:
    """Return where a file's content is stored: a name that has it sealed by the account's own data key."""
    return f"{ACCOUNT}{account_id}/{file_id}"


def checked_name(name: str) -> str:
    """Return `name` if any client can take a file of this name; raises OutboundNameError otherwise."""
    if not name or name in {".", ".."} or "/" in name or "\\" in name or not name.isprintable():
        raise OutboundNameError(
            _("A file's name has no slashes and no control characters, and is not empty.")
        )
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise OutboundNameError(_("A file's name must be Unicode text.")) from None
    if length > LONGEST_NAME:
        raise OutboundNameError(_("A file's name has at most 255 bytes."))
    return name
