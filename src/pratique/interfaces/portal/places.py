"""The places in the review queue of what a student has waiting."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pratique.records.models import Submission, SubmissionState
from pratique.reviews.queries import queue

_MOST = 5  # nobody has more waiting; if somebody does, the rest waits without a number


def of(submissions: Iterable[Submission]) -> Mapping[UUID, Any]:
    """Return `reviews.types.Place` by submission, for those that stand in the queue."""
    waiting = [one for one in submissions if one.state == SubmissionState.WAITING and one.queued_at]
    return {one.id: queue.place(one.id) for one in waiting[:_MOST]}
