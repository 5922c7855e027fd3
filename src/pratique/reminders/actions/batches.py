"""Deciding on batches that wait."""

from datetime import datetime

from pratique.foundation import audit
from pratique.reminders.models import Batch


def approve(*, batch: Batch, by: audit.Actor, now: datetime) -> Batch:
    """Have a batch sent, to those of its students who still have something to do; raises DecidedError."""
    raise NotImplementedError


def refuse(*, batch: Batch, by: audit.Actor, now: datetime) -> Batch:
    """Send nothing of a batch; raises DecidedError."""
    raise NotImplementedError
