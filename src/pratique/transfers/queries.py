"""Reading what accounts brought: the listing of `/inbound`, and the names that files have."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation import clock
from pratique.foundation.tenancy import run_prepared
from pratique.rosters.problems import FILE_ERROR_CODES
from pratique.transfers.models import InboundFile, InboundState
from pratique.transfers.outbound import LONGEST_NAME
from pratique.transfers.types import REASONS

# How long a claimed file stays in the listing, and its content in the storage.
LISTED_DAYS = 30

# What follows the time in a claimed file's name. An ignored one is not listed: for its client it is the first one.
SUFFIXES = {
    InboundState.CLAIMED: "processing",
    InboundState.IMPORTING: "processing",
    InboundState.PROCESSED: "processed",
    InboundState.FAILED: "failed",
    InboundState.REPEATED: "repeated",
}

_VERSION_AND_VARIANT_BITS = (0xF << 76) | (0x3 << 62)
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)  # as foundation.ids makes them

_LISTED = """
    select id, name, state, finished_at, size, received_at, claimed_at from transfers_inboundfile
    where institution_id = %(institution)s::uuid and account_id = %(account)s::uuid
        and claimed_at >= %(since)s::timestamptz and state <> 'ignored'
    order by claimed_at desc
"""


@dataclass(frozen=True)
class InboundListed:
    """A claimed file as `/inbound` lists it, under the name that it has now."""

    id: UUID
    name: str
    size: int
    received_at: datetime


def listed_inbound(institution_id: UUID, account_id: UUID) -> Sequence[InboundListed]:
    """Return the claimed files of the last 30 days, the newest first. One message; opens no scope and wants none."""
    rows = run_prepared(
        _LISTED,
        {
            "institution": institution_id,
            "account": account_id,
            "since": clock.now() - timedelta(days=LISTED_DAYS),
        },
        {"institution": str(institution_id)},
    )
    return [
        InboundListed(id_, name_of(name, _shown(state, finished_at), claimed_at), size, received_at)
        for id_, name, state, finished_at, size, received_at, claimed_at in rows
    ]


def time_code(instant: datetime) -> str:
    """Return an instant as file names have it: `YYYYMMDDTHHMMSSffffffZ` (contracts/file-transfer.md)."""
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def name_of(name: str, state: InboundState, claimed_at: datetime) -> str:
    """Return the name of a claimed file: `<name>.<time>.processing`, `.processed`, `.failed` or `.repeated`."""
    return f"{name}.{time_code(claimed_at)}.{SUFFIXES[state]}"


def results_name(name: str, claimed_at: datetime) -> str:
    """Return the name of a claimed file's results: `<name without .csv>.<time>.results.csv`.

    Cut where it would be longer than a file's name may be on most systems, and without what not every client can take
    in a name. It is unique all the same: no two files of an account were claimed in the same microsecond.
    """
    ending = f".{time_code(claimed_at)}.results.csv"
    stem = name[:-4] if name[-4:].lower() == ".csv" else name
    safe = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in stem)
    return safe.encode()[: LONGEST_NAME - len(ending)].decode(errors="ignore") + ending


def results_id(file_id: UUID, claimed_at: datetime) -> UUID:
    """Return the id of a claimed file's results: always the same, and of the time of the claim, as ids are."""
    return _id_from(claimed_at, b"results" + file_id.bytes)


def later_id(file_id: UUID, received_at: datetime) -> UUID:
    """Return the id of an upload that was written to again after it had been claimed: always the same one."""
    return _id_from(received_at, b"later" + file_id.bytes + received_at.isoformat().encode())


def _id_from(instant: datetime, what: bytes) -> UUID:
    milliseconds = int(instant.timestamp() * 1000)
    rest = int.from_bytes(hashlib.sha256(what).digest()[:10], "big")
    return UUID(int=(milliseconds << 80) | rest & ~_VERSION_AND_VARIANT_BITS | _VERSION_AND_VARIANT)


def _shown(state: str, finished_at: datetime | None) -> InboundState:
    # A file that failed at the claim has its last name when its results file lies there, as every other.
    return InboundState(state) if finished_at else InboundState.CLAIMED


def why(file: InboundFile) -> str:
    """Return why a file is where it is, in words; empty where there is nothing to say.

    Of a roster that was refused as a whole it is what the code means, never the import's own sentence: that may quote
    what the file says, and this goes into mails.
    """
    if file.reason == "refused_file" and file.roster_import is not None:
        told = FILE_ERROR_CODES.get((file.roster_import.file_error or {}).get("code", ""))
        if told:
            return _("The file as a whole was refused: {why}").format(why=f"{told.meaning} {told.remedy}")
    return str(REASONS.get(file.reason, file.reason))
