"""The audit trail and its chain. Rows have no foreign keys (they outlive what they speak of), and are only appended."""

from django.db import models

from pratique.foundation.tenancy.models import TenantModel


class AuditEvent(TenantModel):
    """One thing that someone did, as `source:subject:action`, with what it was done to.

    `detail` holds counts, codes and field names; never a health fact, never an old or new value of one.
    `transaction_id` says who may still be writing beside it: the sealer takes a row only when no older transaction
    is open (see `audit_chain.actions`), so that none is passed over.
    """

    institution_id = models.UUIDField()
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    action = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    transaction_id = models.BigIntegerField(
        db_default=models.Func(template="pg_current_xact_id()::text::bigint"), editable=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["institution_id", "transaction_id", "id"], name="audit_sealing"),
            models.Index(fields=["institution_id", "-at"], name="audit_recent"),
            models.Index(fields=["institution_id", "subject_id", "-at"], name="audit_subject"),
        ]


class AuditSeal(models.Model):
    """A link of an institution's chain: the event's digest, bound to every seal before it.

    `digest` covers the event's content, `hash` covers sequence, previous hash, digest and `sealed_at`
    (`audit_chain.encoding` says how). The sequence has no gaps.
    """

    pk = models.CompositePrimaryKey("institution_id", "sequence")
    institution_id = models.UUIDField()
    sequence = models.BigIntegerField()
    event_id = models.UUIDField()
    digest = models.BinaryField(max_length=32)
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution_id", "event_id"], name="audit_seal_event"),
            models.CheckConstraint(condition=models.Q(sequence__gte=1), name="audit_seal_sequence"),
        ]


class DataKey(TenantModel):
    """The key that files of an institution, or of one transfer account, are sealed with; wrapped by a key provider.

    New files use the newest that is not retired; a file names the version that it was sealed with.
    """

    institution_id = models.UUIDField()
    # Whose files it seals: the institution itself, or one of its transfer accounts (`vault.keys.owner_of`).
    owner_id = models.UUIDField()
    version = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    provider = models.CharField(max_length=20)
    provider_key_id = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution_id", "owner_id", "version"], name="data_key_version"
            ),
        ]
