"""What can go wrong in a call, as exceptions that say what to do.

All are a PartnerError. Its texts come from the server, which repeats nothing of what it was sent.
"""


class PartnerError(Exception):
    """The server refused a call.

    `code` is one of the table in the documentation, `field` the name of the field that is meant or "", `status` the
    HTTP status (0: there was none), `retry_after` the seconds that the server asks to wait, if it does.
    """

    def __init__(
        self, code: str, message: str, field: str = "", status: int = 0, retry_after: int | None = None
    ) -> None:
        super().__init__(f"{code}: {message}" + (f" (field {field})" if field else ""))
        self.code = code
        self.message = message
        self.field = field
        self.status = status
        self.retry_after = retry_after


class NotAuthenticated(PartnerError):
    """The client id, the key or the assertion is not accepted; which of them, the server does not tell."""


class RateLimited(PartnerError):
    """More calls in this minute than the client may make. `retry_after` says how long to wait."""


class Unreachable(PartnerError):
    """No answer, or none of this API (`code` is UNREACHABLE or UNREADABLE_ANSWER).

    The call may have been done all the same. Call again: createUser gives the same student for the same vendor key,
    and every other method may be repeated too, with a fresh nonce.
    """


def refused(
    code: str, message: str, field: str = "", *, status: int, retry_after: int | None = None
) -> PartnerError:
    """Return the exception for an error that the server told."""
    kinds = {"NOT_AUTHENTICATED": NotAuthenticated, "RATE_LIMITED": RateLimited}
    return kinds.get(code, PartnerError)(code, message, field, status, retry_after)
