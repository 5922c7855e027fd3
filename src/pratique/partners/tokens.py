"""Secure tokens: 32 random letters that sign a student in, once (contracts/partner-api.md, "Secure token link").

Only their SHA-256 is kept, so nobody who reads the database can sign in as somebody.
"""

import hashlib
import re
from dataclasses import dataclass

from pratique.foundation.ids import random_letters

LENGTH = 32
_FORM = re.compile(rf"[0-9A-Za-z]{{{LENGTH}}}", re.ASCII)


@dataclass(frozen=True, repr=False)
class Made:
    """A fresh token and the hash that is kept of it."""

    token: str
    token_hash: str


def new_token() -> Made:
    """Return a fresh token with its hash."""
    token = random_letters(LENGTH)
    return Made(token, token_hash(token))


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_well_formed(token: str) -> bool:
    """Return whether `token` could be one of ours at all; says nothing about whether it is."""
    return _FORM.fullmatch(token) is not None
