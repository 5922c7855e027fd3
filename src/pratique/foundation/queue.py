"""Jobs: enqueued by name, in the transaction that needs them.

The name of a job is the dotted name of its task (`rosters.check`). Nothing here imports a task, so an action can
ask for work of a stage that it may not import. `tests/test_architecture.py` proves that each name has a task.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

QUEUES = ("interactive", "bulk", "mail", "timed")


def enqueue(
    name: str,
    *,
    institution_id: UUID,
    queue: str = "bulk",
    lock: str | None = None,
    once: str | None = None,
    at: datetime | None = None,
    **arguments: Any,
) -> int | None:
    """Enqueue the task `name` for an institution; the job exists if and only if the open transaction commits.

    `lock`: jobs of one lock run one after the other. `once`: if a job with this key waits already, none is added
    and None is returned. `at`: not before this instant. Otherwise returns the job's id.
    `arguments` must be plain JSON and carry ids, never data.
    """
    job = app.configure_task(
        name, queue=queue, lock=lock, queueing_lock=once, schedule_at=at, allow_unknown=True
    )
    try:
        with transaction.atomic():  # a savepoint: a refused duplicate must not spoil the caller's transaction
            return job.defer(institution_id=str(institution_id), **arguments)
    except AlreadyEnqueued:
        return None


# Network, database and lock trouble passes; what is still wrong after about twenty minutes needs a person.
RETRY = RetryStrategy(max_attempts=6, exponential_wait=4)
