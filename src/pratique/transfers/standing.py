"""How an account stands, in one word: what the console shows first, and what needs somebody. PURE."""

from datetime import datetime
from enum import StrEnum

from pratique.transfers.models import InboundState, TransferAccount

FAILED = (InboundState.FAILED, InboundState.REPEATED)


class Standing(StrEnum):
    """From what needs somebody most to what needs nobody."""

    SUSPENDED = "suspended"
    REFUSED = "refused"  # the last try to sign in was refused
    FAILING = "failing"  # the last file was not processed
    NO_KEY = "no_key"
    NEW = "new"  # nothing came yet
    WORKS = "works"
    CLOSED = "closed"


NEED_CARE = (Standing.SUSPENDED, Standing.REFUSED, Standing.FAILING, Standing.NO_KEY)


def standing_of(
    account: TransferAccount,
    *,
    keys: int,
    last_state: str = "",
    last_session: datetime | None = None,
    last_refused: datetime | None = None,
) -> Standing:
    """Return how an account stands.

    `keys`: how many can sign in; `last_state`: of the file that came last; then when a session began last, and when
    one was refused last.
    """
    if account.closed_at is not None:
        return Standing.CLOSED
    if account.suspended_at is not None:
        return Standing.SUSPENDED
    if not keys:
        return Standing.NO_KEY
    if last_refused and (last_session is None or last_refused > last_session):
        return Standing.REFUSED
    if last_state in FAILED:
        return Standing.FAILING
    return Standing.WORKS if last_session or last_state else Standing.NEW
