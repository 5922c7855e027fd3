"""Confirming that a number is the student's: six digits are sent to it, and come back within ten minutes.

The pending code lives in the person's own session, hashed with the number; five wrong ones end it.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from pratique.connectors.sms import text_sender
from pratique.connectors.sms.types import OutcomeUnknownError, Text, TextRefusedError
from pratique.foundation.ids import new_id

GOOD_FOR = timedelta(minutes=10)
TRIES = 5


class NotSentError(RuntimeError):
    """The provider did not take the text."""


def send_code(*, number: str, school: str, institution_id: str, now: datetime) -> dict[str, Any]:
    """Send six digits to `number` and return what is to be kept in the session; raises NotSentError."""
    code = f"{secrets.randbelow(1_000_000):06}"
    body = _("{code} is your code to get texts from {school}.").format(code=code, school=school)
    try:
        text_sender().send(Text(number, body, str(new_id()), institution_id))
    except (TextRefusedError, OutcomeUnknownError) as error:
        raise NotSentError from error
    return {"number": number, "digest": _digest(number, code), "at": now.timestamp(), "tries": 0}


def is_right(pending: dict[str, Any], code: str, *, now: datetime) -> bool:
    """Return whether `code` is the one that was sent, in time and not after too many others."""
    fresh = now.timestamp() - pending["at"] < GOOD_FOR.total_seconds()
    return (
        hmac.compare_digest(pending["digest"], _digest(pending["number"], code))
        and fresh
        and pending["tries"] < TRIES
    )


def _digest(number: str, code: str) -> str:
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"text:{number}:{code}".encode(), hashlib.sha256).hexdigest()
