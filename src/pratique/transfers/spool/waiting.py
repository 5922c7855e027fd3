"""Uploads that may be claimed, and whose turn it is: no account waits for all that another one has brought."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError

from pratique.foundation.storage import StorageError
from pratique.foundation.vault import KeyProviderError
from pratique.transfers.spool.header import Facts
from pratique.transfers.types import AccountRef

DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)
# What a claim needs besides: room on the disk, the bucket, the key provider. Without one of them, all would fail.
AWAY = (*DATABASE_AWAY, OSError, StorageError, KeyProviderError)

FIRST_WAIT = 1.0
# What cannot be claimed now (database away, account suspended) is tried again after 1, 2, 4 ... seconds.
LONGEST_WAIT = 30.0
_KEPT_OUT = ("account_suspended", "account_closed")


@dataclass
class Waiting:
    """An upload that may be claimed. `at`: not before; `wait`: how long after the next failure; `reason`: why then."""

    account: AccountRef
    facts: Facts
    at: float
    wait: float = FIRST_WAIT
    reason: str = ""

    def later(self, now: float, reason: str = "") -> None:
        """Have it tried again, after a longer wait each time."""
        self.at, self.wait, self.reason = now + self.wait, min(self.wait * 2, LONGEST_WAIT), reason


class Turns:
    """In which order uploads are tried, and which accounts are known to be kept out."""

    def __init__(self) -> None:
        self._kept_out: dict[UUID, float] = {}

    @staticmethod
    def of(waiting: Iterable[Waiting], now: float) -> Iterator[list[Waiting]]:
        """Yield what is due in rounds: one of each account, then the next one of each that has more."""
        by_account: dict[UUID, list[Waiting]] = {}
        for one in waiting:
            if one.at <= now:
                by_account.setdefault(one.account.id, []).append(one)
        for turn in zip_longest(*by_account.values()):
            yield [one for one in turn if one is not None]

    def may(self, one: Waiting, now: float) -> bool:
        """Return whether it is worth a try: of an account that is kept out, one upload at a time finds out for all."""
        return one.wait == FIRST_WAIT or self._kept_out.get(one.account.id, now) <= now

    def tried(self, one: Waiting, reason: str) -> None:
        """Learn from a try that had an outcome: `reason` is why the upload was left, or empty."""
        if reason in _KEPT_OUT:
            self._kept_out[one.account.id] = one.at
        else:
            self._kept_out.pop(one.account.id, None)

    def clock_set_back(self) -> None:
        """Forget times of a clock that showed another one."""
        self._kept_out.clear()
