"""A provider over HTTP.

    POST <PRATIQUE_SMS_URL>
    Authorization: Bearer <PRATIQUE_SMS_TOKEN>
    Content-Type: application/json

    {"to": "+15551234567", "text": "...", "reference": "0197..."}

200, 201 and 202 mean that the text is taken; 409 that this reference was taken before, which is as good. Any other
4xx is a refusal: {"error": "some_code"}. A 5xx, silence or a broken answer leaves the outcome open. Most providers
speak something close to this; a gateway of a few lines does the rest (docs/guides/invite-students.md).
"""

import json
import re
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings

from pratique.connectors.sms.types import OutcomeUnknownError, Text, TextRefusedError

_TIMEOUT = 15.0
_LARGEST_ANSWER = 4096
_CODE = re.compile(r"[a-z0-9_]{1,60}")


class _NoRedirects(HTTPRedirectHandler):
    """The token goes to the address of the settings and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


class HttpTexts:
    """Sends each text with one request."""

    def __init__(self, url: str = "", token: str = "", timeout: float = _TIMEOUT) -> None:
        self._url = url or settings.TEXT_URL
        self._token = token or settings.TEXT_TOKEN
        self._timeout = timeout
        self._opener = build_opener(_NoRedirects)

    def send(self, text: Text) -> None:
        body = json.dumps({"to": text.number, "text": text.body, "reference": text.reference}).encode()
        request = Request(  # noqa: S310  (settings demand https, or this machine)
            self._url,
            data=body,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=self._timeout):
                return
        except HTTPError as error:
            with error:
                if error.code == 409:
                    return
                if error.code < 500:
                    raise TextRefusedError(_code(error)) from None
            raise OutcomeUnknownError(f"status_{error.code}") from None
        except URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                raise TextRefusedError("no_connection") from None
            raise OutcomeUnknownError(type(error.reason).__name__) from None
        except (OSError, HTTPException) as error:
            raise OutcomeUnknownError(type(error).__name__) from None


def _code(error: HTTPError) -> str:
    """Return the provider's code if it is one: its sentences may repeat the number."""
    try:
        answer = json.loads(error.read(_LARGEST_ANSWER))
        code = answer.get("error", "") if isinstance(answer, dict) else ""
    except (ValueError, OSError):
        code = ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else f"status_{error.code}"
