"""Reminding a list of students by hand."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.reminders.models import Batch
from pratique.reminders.types import NudgePreview


def preview(*, institution: Institution, membership_ids: Collection[UUID], now: datetime) -> NudgePreview:
    """Return what nudging these memberships would do now. Writes nothing."""
    raise NotImplementedError


def nudge(
    *,
    institution: Institution,
    membership_ids: Collection[UUID],
    told: str,
    by: audit.Actor,
    now: datetime,
) -> Batch:
    """Remind those of the list who may be reminded; `told` is the list in words. Nobody gets two of a second call."""
    raise NotImplementedError
