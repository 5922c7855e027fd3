"""Sending one by one, each exactly once, or put aside where a crash leaves that in doubt.

    claim one (committed) -> send -> note the outcome and claim the next (committed)

A sender that dies between sending and noting leaves one row `sending`; the next run puts it aside as `in_doubt`
for a person to decide, because nobody is to be told twice. Invitations and notices both go this way.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from django.conf import settings

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.tenancy.channel import Channel, own_channel

# Longer than any mail server may take to answer; a younger claim may belong to a sender that lives.
_ABANDONED = timedelta(minutes=5)
SLICE_SECONDS = 5.0


class Slice(NamedTuple):
    """What one slice of sending did."""

    sent: int
    more: bool


class Finished(NamedTuple):
    """What became of a claimed row. `failure` is empty, or says what kind of trouble it was."""

    id: UUID
    state: str
    failure: str = ""


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


Claimed = TypeVar("Claimed", bound=_Row)
Claimed_co = TypeVar("Claimed_co", bound=_Row, covariant=True)


class Ledger(Protocol[Claimed_co]):
    """The rows that wait, and how they change hands. Each call commits by itself."""

    def advance(
        self, channel: Channel, *, finished: Finished | None, claim: bool, now: datetime
    ) -> Claimed_co | None:
        """Note what became of a row, and if `claim`, take the next; None if none waits."""
        ...

    def doubt_abandoned(self, *, claimed_before: datetime, now: datetime) -> int:
        """Put aside what a sender took and never finished."""
        ...

    def wait(self, *, now: datetime) -> bool:
        """Return whether something still waits."""
        ...


def send_slice(
    ledger: Ledger[Claimed],
    deliver: Callable[[Claimed], Finished],
    *,
    institution_id: UUID,
    seconds: float = SLICE_SECONDS,
) -> Slice:
    """Send what waits for about `seconds`; call it outside any transaction.

    Returns how many went out, and whether some still wait: a long queue is sent slice by slice, so that a worker
    can stop in between and other work gets its turn.
    """
    with institution_scope(institution_id):
        now = clock.now()
        ledger.doubt_abandoned(claimed_before=now - _ABANDONED, now=now)
    until = time.monotonic() + seconds
    sent, finished = 0, None
    with own_channel(institution_id) as channel:
        while True:
            going_on = time.monotonic() < until
            claimed = ledger.advance(channel, finished=finished, claim=going_on, now=clock.now())
            if claimed is None:
                break
            finished = deliver(claimed)
            sent += finished.state == "sent"
    if going_on:
        return Slice(sent, False)
    with institution_scope(institution_id):
        return Slice(sent, ledger.wait(now=clock.now()))


def one_line(text: str) -> str:
    """Return a text fit for a mail header: a name with a line break in it begins no header of its own."""
    return " ".join(text.split())


def message_id(kind: str, id_: UUID) -> str:
    """Return the Message-ID of a row's mail, by which a mail server that sees it again can tell."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "pratique.invalid"
    return f"<{kind}-{id_}@{domain}>"
