"""Virus scanning by ClamAV's daemon (clamd(8), command INSTREAM), at the address in the setting CLAMD.

    match scan(content):
        case Clean(): ...
        case Infected(name): ...        # refuse the file; imaging.FileRefused("infected") has the sentence
        case Unavailable(reason): ...   # it did not answer: keep the file waiting, and try again later

Ask `is_configured()` first: without an address there is no scanning, which is not the same as clean.
"""

from pratique.connectors.clamd.client import ClamdError, check, is_configured, scan
from pratique.connectors.clamd.types import Clean, Infected, Unavailable, Verdict

__all__ = [
    "ClamdError",
    "Clean",
    "Infected",
    "Unavailable",
    "Verdict",
    "check",
    "is_configured",
    "scan",
]
