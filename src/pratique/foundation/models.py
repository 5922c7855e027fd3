"""The audit trail. Rows have no foreign keys (they outlive what they speak of) and are only ever appended."""

from django.db import models

from pratique.foundation.tenancy.models import TenantModel


class AuditEvent(TenantModel):
    """One thing that someone did, as `source:subject:action`, with what it was done to.

    `detail` holds counts, codes and field names; never a health fact, never an old or new value of one.
    """

    institution_id = models.UUIDField()
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    action = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["institution_id", "-at"], name="audit_recent"),
            models.Index(fields=["institution_id", "subject_id", "-at"], name="audit_subject"),
        ]


class DataKey(TenantModel):
    """The key that an institution's files are sealed with, wrapped by a key provider (`foundation.vault`).

    New files use the newest that is not retired; a file names the version that it was sealed with.
    """

    institution_id = models.UUIDField()
    version = models.PositiveIntegerField()
    wrapped = models.BinaryField()
    provider = models.CharField(max_length=20)
    provider_key_id = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution_id", "version"], name="data_key_version"),
        ]
