"""A pause of Python's cycle collector while a roster is read and planned.

These steps make hundreds of thousands of small tuples that all stay and hold no cycles. The collector walks
them again and again and finds nothing: at 50,000 rows that was half of the time (0.9 of 1.8 seconds).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Switch the cycle collector off inside the block and on again after it, if it was on.

    Memory is still given back by reference counts. Other threads' cycles wait, for well under a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
