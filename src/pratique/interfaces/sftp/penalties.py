"""Who is let near the key exchange: PURE but for what it remembers. The clock is handed in (seconds that only grow).

Only keys sign in, so there is nothing to guess: what these limits protect is the processor, the logs and the names of
accounts (research/sftp.md, section 4; durations as OpenSSH's PerSourcePenalties). Every table is bounded, and one that
is full lets in whom it cannot remember. Nobody is ever kept out by a username, nor punished for a good sign-in.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

Clock = Callable[[], float]
Value = TypeVar("Value")
Guest = TypeVar("Guest", bound=Hashable)

# Seconds that a source earns by a connection that came to this.
COSTS = {"sign_in_failed": 5.0, "user_unknown": 5.0, "no_sign_in": 1.0, "too_slow": 10.0, "nonsense": 10.0}
# Below the first a source is not kept out yet; above the second nothing is added.
LEAST, MOST = 15.0, 600.0
SOURCES = 65_536
UNAUTHENTICATED, UNAUTHENTICATED_OF_SOURCE = 50, 10


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 network of an IPv6 address."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


class _Table(Generic[Value]):
    """A bounded memory by source. What is `stale` is forgotten when room is needed, at most once a second."""

    def __init__(self, clock: Clock, most: int, stale: Callable[[Value, float], bool]) -> None:
        self._clock, self._most, self._stale = clock, most, stale
        self._values: dict[str, Value] = {}
        self._swept = float("-inf")

    def get(self, source: str) -> Value | None:
        return self._values.get(source)

    def put(self, source: str, value: Value) -> None:
        """Remember it, unless there is no room: then it is as if it had not happened."""
        if source not in self._values and len(self._values) >= self._most:
            self._sweep()
            if len(self._values) >= self._most:
                return
        self._values[source] = value

    def __len__(self) -> int:
        return len(self._values)

    def _sweep(self) -> None:
        now = self._clock()
        if now - self._swept >= 1:
            self._swept = now
            self._values = {key: value for key, value in self._values.items() if not self._stale(value, now)}


@dataclass
class _Penalty:
    until: float
    in_force: bool = False


class Penalties:
    """Seconds that sources have earned, and who is kept out for them."""

    def __init__(self, clock: Clock, *, most: int = SOURCES) -> None:
        self._clock = clock
        self._table: _Table[_Penalty] = _Table(clock, most, lambda penalty, now: penalty.until <= now)

    def note(self, source: str, offence: str) -> None:
        """Add the seconds of an offence (a key of COSTS) to what `source` has left of earlier ones."""
        now = self._clock()
        penalty = self._table.get(source)
        if penalty is None or penalty.until <= now:
            penalty = _Penalty(now)
        penalty.until = min(penalty.until + COSTS[offence], now + MOST)
        # Once kept out, a source stays so until all of it is over.
        penalty.in_force = penalty.in_force or penalty.until > now + LEAST
        self._table.put(source, penalty)

    def refuses(self, source: str) -> bool:
        """Return whether `source` is kept out now."""
        penalty = self._table.get(source)
        return penalty is not None and penalty.in_force and penalty.until > self._clock()

    def __len__(self) -> int:
        return len(self._table)


class Bucket:
    """So many of something in a minute for each source, and as many at once after a quiet minute; 0: without limit.

    `seconds`: of another time than a minute.
    """

    def __init__(self, clock: Clock, a_minute: int, *, seconds: float = 60.0, most: int = SOURCES) -> None:
        self._clock, self._size, self._rate = clock, float(a_minute), a_minute / seconds
        # (how many are left, when that was)
        self._table: _Table[tuple[float, float]] = _Table(
            clock, most, lambda left, now: left[0] + (now - left[1]) * self._rate >= self._size
        )

    def take(self, source: str) -> bool:
        """Take one for `source`; return False if none is left."""
        if not self._size:
            return True
        now = self._clock()
        left, at = self._table.get(source) or (self._size, now)
        left = min(self._size, left + (now - at) * self._rate)
        if left < 1:
            return False
        self._table.put(source, (left - 1, now))
        return True


class Lobby(Generic[Guest]):
    """Connections that have not signed in yet: a few of each source, and not too many in all.

    Whoever comes when there is no room takes the place of the one that has waited longest: an honest client signs in
    within a second, so those who only sit there push each other out. When the whole lobby is full, the place is taken
    from the source that has the most.
    """

    def __init__(self, *, most: int = UNAUTHENTICATED, of_source: int = UNAUTHENTICATED_OF_SOURCE) -> None:
        self._most, self._of_source = most, of_source
        # In the order of their coming, as dictionaries keep it.
        self._guests: dict[Guest, str] = {}

    def enter(self, guest: Guest, source: str, *, unlimited: bool = False) -> Guest | None:
        """Let `guest` in; return who has to go instead. `unlimited`: its source may have any number."""
        leaves = None
        if not unlimited and sum(1 for _ in self._of(source)) >= self._of_source:
            leaves = next(self._of(source))
        elif len(self._guests) >= self._most:
            counts: dict[str, int] = {}
            for other in self._guests.values():
                counts[other] = counts.get(other, 0) + 1
            leaves = next(self._of(max(counts, key=lambda other: counts[other])))
        if leaves is not None:
            self.leave(leaves)
        self._guests[guest] = source
        return leaves

    def leave(self, guest: Guest) -> None:
        """Forget one who signed in or went; nothing happens if it is not there."""
        self._guests.pop(guest, None)

    def __len__(self) -> int:
        return len(self._guests)

    def _of(self, source: str) -> Iterator[Guest]:
        return (guest for guest, other in self._guests.items() if other == source)
