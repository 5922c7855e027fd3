"""Item and StatusChange. Both are derived: only `actions.evaluate` writes them."""

from django.db import models

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
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
        indexes = [models.Index(fields=["institution", "membership"], name="status_change_membership")]
