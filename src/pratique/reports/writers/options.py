"""What can be chosen about a file, and how its making is watched."""

from collections.abc import Callable
from dataclasses import dataclass

# Called with the number of rows so far; it may raise to stop the writing.
Progress = Callable[[int], None]
# How many rows pass between two calls of it.
PROGRESS_EVERY = 1_000
BOM = "\ufeff"


@dataclass(frozen=True)
class WriterOptions:
    """`neutralise`: formulas in text are disarmed, in all formats but JSON Lines. `bom`: a text file begins with a
    byte order mark, JSON Lines never.
    """

    neutralise: bool = True
    bom: bool = False
