"""Deciding on escalations."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.institutions.models import Institution


def decide(
    *,
    institution: Institution,
    escalation_ids: Collection[UUID],
    approve: bool,
    by: audit.Actor,
    now: datetime,
) -> int:
    """Approve or refuse those that wait still, and whose student still has something to do; return how many."""
    raise NotImplementedError
