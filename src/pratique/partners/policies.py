"""What the state of a key allows. PURE: rows' values and the time in, an answer out.

*Who may* is `accounts.roles`; the writes are `actions.keys`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

# Two are what a rotation needs: the one that systems still use, and the one that they change to.
MOST_LIVING_KEYS = 2


class KeyState(StrEnum):
    """What has become of a key."""

    ACTIVE = "active"
    ENDING = "ending"  # works until its `ends_at`
    ENDED = "ended"  # that time is over
    REVOKED = "revoked"  # somebody stopped it


LIVING = frozenset({KeyState.ACTIVE, KeyState.ENDING})


class Dated(Protocol):
    """What decides about a key: the row has it, and so has a line of a look-up."""

    @property
    def ends_at(self) -> datetime | None: ...

    @property
    def revoked_at(self) -> datetime | None: ...


Key = TypeVar("Key", bound=Dated)


def state_of(key: Dated, now: datetime) -> KeyState:
    """Return the state of a key. What was revoked stays so, whenever it would have ended."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.ends_at is None:
        return KeyState.ACTIVE
    return KeyState.ENDING if now < key.ends_at else KeyState.ENDED


def living(keys: Iterable[Key], now: datetime) -> Sequence[Key]:
    """Return those that calls may come under, in their order."""
    return [key for key in keys if state_of(key, now) in LIVING]


def living_after_issue(keys: Iterable[Key], *, ends_previous_at: datetime | None, now: datetime) -> int:
    """Return how many keys will work once another is issued and the older ones end at `ends_previous_at`."""
    stay = 0 if ends_previous_at is not None and ends_previous_at <= now else len(living(keys, now))
    return stay + 1


class ClientStanding(StrEnum):
    """Whether calls of a client are let through, and what somebody should do about it."""

    SUSPENDED = "suspended"
    NO_CALLS = "no_calls"  # its limit is 0
    NO_KEY = "no_key"
    ENDING = "ending"  # works, until the last of its keys ends
    WORKS = "works"


def standing_of(
    *, suspended_at: datetime | None, calls_per_minute: int, keys: Iterable[Dated], now: datetime
) -> ClientStanding:
    """Return the standing of a client with these keys: the first that holds, worst first."""
    if suspended_at is not None:
        return ClientStanding.SUSPENDED
    states = [state_of(key, now) for key in keys]
    if not LIVING.intersection(states):
        return ClientStanding.NO_KEY
    if calls_per_minute == 0:
        return ClientStanding.NO_CALLS
    return ClientStanding.WORKS if KeyState.ACTIVE in states else ClientStanding.ENDING
