"""Item and StatusChange. Both are derived: only `actions.evaluate` writes them."""

from django.db import models

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution, Package, Tracker
from pratique.students.models import Membership


class ItemStatus(models.TextChoices):
    """The five values of contracts/domain.md, "Item status"."""

    INCOMPLETE = "incomplete"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Item(models.Model):
    """A membership's standing on one requirement.

    `requirement_key` names the requirement across versions of its set. `reasons` are as `pratique.rules` writes
    them (the findings dose by dose are worked out when somebody looks); `digest` is what a re-evaluation compares
    instead of the whole.
    """

    pk = models.CompositePrimaryKey("institution_id", "membership_id", "requirement_key")
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    membership = TenantForeignKey(Membership, models.CASCADE, db_index=False)
    requirement_key = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=ItemStatus.choices)
    next_action_on = models.DateField(null=True, blank=True)
    administered_on = models.DateField(null=True, blank=True)
    last_modified_at = models.DateTimeField(null=True, blank=True)
    status_changed_at = models.DateTimeField()
    reasons = models.JSONField(default=list)
    digest = models.BigIntegerField()


class StatusChange(TenantModel):
    """One real change of what others are told. Reports' deltas, delivery, webhooks and holds read on by cursor.

    `id` counts up but may become visible out of order; `transaction_id` lets a reader stop before any transaction
    that is still open (`transaction_id < pg_snapshot_xmin(pg_current_snapshot())`), so that a cursor loses nothing.
    """

    id = models.BigAutoField(primary_key=True)
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    transaction_id = models.BigIntegerField(editable=False)
    membership = TenantForeignKey(Membership, models.CASCADE, db_index=False)
    requirement_key = models.CharField(max_length=60)
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["institution", "membership"], name="status_change_membership"),
            models.Index(fields=["institution", "transaction_id", "id"], name="status_change_delta"),
        ]


class TrackerDay(TenantModel):
    """How a tracker stood at the end of a day: counts of active students. `tracker` empty: those without one."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    day = models.DateField()
    package = TenantForeignKey(Package, db_index=False)
    tracker = TenantForeignKey(Tracker, null=True, blank=True, db_index=False)
    students = models.PositiveIntegerField()
    complete = models.PositiveIntegerField()
    # All handed in, complete or not.
    user_complete = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "day", "package", "tracker"],
                nulls_distinct=False,
                name="tracker_day",
            ),
        ]


class RequirementDay(TenantModel):
    """How the items of one requirement stood at the end of a day, in one tracker: counts by status."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    day = models.DateField()
    tracker = TenantForeignKey(Tracker, null=True, blank=True, db_index=False)
    requirement_key = models.CharField(max_length=60)
    incomplete = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    approved = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "day", "tracker", "requirement_key"],
                nulls_distinct=False,
                name="requirement_day",
            ),
        ]
