"""Whether the disk has been quick lately: then small requests to it are answered where they come in.

A hop to a thread and back costs a small file's STAT, OPEN and CLOSE more than the work itself (60 to 100
microseconds each, measured). A disk that stalls must not keep other sessions waiting: one answer that took long, and
for a while every request that needs the disk goes to a thread.
"""

import time
from collections.abc import Callable

SLOW_SECONDS = 0.05
CAREFUL_SECONDS = 30.0


class Pace:
    """How quickly requests that needed the disk were answered on the event loop. One for each process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._careful_until = float("-inf")

    def quick(self) -> bool:
        """Return whether the disk may be asked on the event loop."""
        return self._clock() >= self._careful_until

    def began(self) -> float:
        """Return what `ended` needs to know."""
        return self._clock()

    def ended(self, began: float) -> None:
        """Take note of how long a request took."""
        now = self._clock()
        if now - began > SLOW_SECONDS:
            self._careful_until = now + CAREFUL_SECONDS


PACE = Pace()
