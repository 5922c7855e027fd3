"""What the clients saw, written down by many threads: times by kind, faults, what must be found again afterwards."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Upload:
    """A file that the server said it has completely."""

    file_id: str
    submission_id: str
    size: int
    sha256: str


@dataclass
class Book:
    """Shared by all clients. `stopping` ends the load; every client leaves at its next pause."""

    stopping: threading.Event = field(default_factory=threading.Event)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    # By submission, what its student saw last: sent or withdrawn.
    seen_by_students: dict[str, str] = field(default_factory=dict)
    # By submission, what its reviewer saw last: decided or undone, and who.
    seen_by_reviewers: dict[str, tuple[str, str]] = field(default_factory=dict)
    # By reviewer, the case on the screen and the decisions that would fit it: what others may try to snatch.
    on_screens: dict[str, tuple[str, list[dict[str, object]]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.times[kind].append(seconds)

    def count(self, what: str, number: int = 1) -> None:
        with self.lock:
            self.counts[what] += number

    def fault(self, sentence: str) -> None:
        with self.lock:
            self.faults.append(sentence)

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.took(kind, time.perf_counter() - began)


class StopError(Exception):
    """The load is over; leave."""
