"""Who works on which case: claims that run out by themselves.

`claim_next` skips the rows that others are just taking, so any number of reviewers can ask at once and none waits.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records.models import Submission
from pratique.reviews.actions.effects import locked, record
from pratique.reviews.errors import ClaimedByOtherError, ReviewError
from pratique.reviews.policies import CLAIM, Deed, Way, way_of
from pratique.reviews.queries.names import names_of
from pratique.reviews.queries.order import key_of, next_statement


def claim_next(
    *,
    institution: Institution,
    by: audit.Actor,
    now: datetime,
    prefer: Sequence[UUID] = (),
    after: UUID | None = None,
) -> Submission | None:
    """Take the first case in the queue's order that `by` may take; None if there is none.

    `prefer`: cases to try first (those whose pages were fetched ahead); one that somebody else has meanwhile is passed
    over. `after`: begin behind this case, which was put aside, and start over from the front at the end of the queue.
    """
    with institution_scope(institution.id):
        for submission_id in prefer:
            try:
                return claim(submission_id=submission_id, by=by, now=now)
            except (ReviewError, Submission.DoesNotExist):
                continue
        found = _next(institution.id, by, now, after) if after else None
        found = found or _next(institution.id, by, now, None, but=after)
        if found is None:
            return None
        submission = locked(found)
        return _take(submission, way_of(submission, Deed.CLAIM, by=str(by), now=now), by=by, now=now)


def claim(*, submission_id: UUID, by: audit.Actor, now: datetime, take_over: bool = False) -> Submission:
    """Take one case: nobody else may decide it for five minutes, and its student can no longer withdraw it.

    `take_over` is for administrators: also what a colleague has, or what was handed to one. Raises
    ClaimedByOtherError (with name and time), NotForYouError, AlreadyDecidedError, TakenBackError.
    """
    submission = locked(submission_id)
    try:
        way = way_of(submission, Deed.TAKE_OVER if take_over else Deed.CLAIM, by=str(by), now=now)
    except ClaimedByOtherError as error:
        error.name = names_of([error.key]).get(error.key, "")
        raise
    return _take(submission, way, by=by, now=now)


def renew(*, submission_id: UUID, by: audit.Actor, now: datetime) -> Submission:
    """Keep a case for five more minutes. Raises as `claim` does when somebody else has it by now."""
    submission = locked(submission_id)
    way_of(submission, Deed.RENEW, by=str(by), now=now)
    submission.claimed_until = now + CLAIM
    submission.save(update_fields=["claimed_until"])
    return submission


def release(*, submission_id: UUID, by: audit.Actor, now: datetime) -> Submission:
    """Give a case back to the queue. Raises if `by` does not have it."""
    submission = locked(submission_id)
    way = way_of(submission, Deed.RELEASE, by=str(by), now=now)
    submission.claimed_by, submission.claimed_until = "", None
    submission.save(update_fields=["claimed_by", "claimed_until"])
    record(way.event, submission, by=by, now=now)
    return submission


def viewed(*, submission_id: UUID, by: audit.Actor, now: datetime) -> None:
    """Record that a reviewer was shown a case. Fetching it ahead counts: its pages are on their screen then."""
    record("reviews:case:viewed", Submission.objects.get(id=submission_id), by=by, now=now)


def was_viewed(submission: Submission, *, by: audit.Actor, since: datetime) -> bool:
    """Return whether `viewed` was recorded for a reviewer and a case since then."""
    rows = audit.about("student", submission.student_id, since=since)
    wanted = {"by": str(by), "action": "reviews:case:viewed", "detail__submission": str(submission.id)}
    return rows.filter(**wanted).exists()


def _next(
    institution_id: UUID, by: audit.Actor, now: datetime, after: UUID | None, *, but: UUID | None = None
) -> UUID | None:
    behind = key_of(after, str(by)) if after else None
    if after and behind is None:
        return None
    values: dict[str, Any] = {"institution": institution_id, "by": str(by), "now": now, "limit": 1}
    values |= {"but": but or after, "resume": but is None and after is None}
    with connection.cursor() as cursor:
        cursor.execute(next_statement(behind=behind is not None), {**values, **(behind or {})})
        row = cursor.fetchone()
    return row[0] if row else None


def _take(submission: Submission, way: Way, *, by: audit.Actor, now: datetime) -> Submission:
    fresh = submission.claimed_by != str(by)
    submission.claimed_by, submission.claimed_until = str(by), now + CLAIM
    if submission.handed_to not in ("", str(by)):
        # An administrator took it from the one to whom it was handed.
        submission.handed_to = ""
    if submission.opened_at is None:
        submission.opened_at, submission.opened_by = now, str(by)
    submission.save(update_fields=["claimed_by", "claimed_until", "handed_to", "opened_at", "opened_by"])
    if fresh:
        record(way.event, submission, by=by, now=now)
    return submission
