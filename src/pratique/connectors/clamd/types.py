"""What a scan finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clean:
    """Nothing was found."""


@dataclass(frozen=True)
class Infected:
    """Something was found; `name` is the scanner's own name for it."""

    name: str


@dataclass(frozen=True)
class Unavailable:
    """The scanner did not answer, or not for this file; `reason` says how, for whoever runs the installation."""

    reason: str


Verdict = Clean | Infected | Unavailable
