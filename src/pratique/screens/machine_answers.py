"""Answers to machines outside a session: the one shape of every error, as plain JSON, and never a page."""

from collections.abc import Mapping

import orjson
from django.http import HttpRequest, HttpResponse

from pratique.partners.types import Refusal

# Under this stands what machines call and nobody opens (config.body_first knows it too).
MACHINES = "/partner/"
_AFTER_SECONDS = {"UNAVAILABLE": "5"}


def from_machine(request: HttpRequest) -> bool:
    """Whether whoever asks can read JSON only."""
    return request.path.startswith(MACHINES)


def plain_refusal(
    refusal: Refusal, *, status: int = 0, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a refusal as plain JSON, with the status of its code if no other is given."""
    answer = HttpResponse(
        orjson.dumps(refusal.to_data()), status=status or refusal.kind.status, content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )  # fmt: skip
    if refusal.code == "NOT_AUTHENTICATED":
        # RFC 9110, 11.6.1: without it some HTTP libraries fail instead of handing the answer over.
        answer.headers["WWW-Authenticate"] = 'Pratique realm="partner"'
    if refusal.code in _AFTER_SECONDS:
        answer.headers["Retry-After"] = _AFTER_SECONDS[refusal.code]
    return answer
