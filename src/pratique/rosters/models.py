"""A roster import, its file and the outcome of each row."""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution


class ImportState(models.TextChoices):
    """The life of an import. A plan is shown (`ready`) before anything is applied."""

    RECEIVED = "received"
    CHECKING = "checking"
    READY = "ready"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RosterImport(TenantModel):
    """One file that came in, and what became of it."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    file_name = models.CharField(max_length=255)
    source = models.CharField(max_length=20)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=ImportState.choices, default=ImportState.RECEIVED)
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=80)
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.CharField(max_length=80, blank=True)
    # What the plan (and after it the result) counts: created, updated, unchanged, refused, with warnings.
    counts = models.JSONField(default=dict, blank=True)
    # A file-level refusal: code, line, message.
    file_error = models.JSONField(null=True, blank=True)
    file_warnings = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True, applied_by="")
                | Q(applied_at__isnull=False, applied_by__gt=""),
                name="roster_import_applied_pair",
            ),
        ]
        indexes = [models.Index(fields=["institution", "-received_at"], name="roster_import_recent")]


class RosterFile(TenantModel):
    """Where the bytes are that came (`rosters.contents`); deleted after the retention time."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    roster_import = TenantForeignKey(RosterImport, models.CASCADE, db_index=False)
    # Where the storage keeps it, sealed. Files from before that lie in `content` until they age out.
    stored_name = models.CharField(max_length=120, blank=True)
    content = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "roster_import"], name="roster_file_import"),
        ]


class RosterProgress(TenantModel):
    """How far a running import is. Committed on a connection of its own, so that others see it move."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    roster_import = TenantForeignKey(RosterImport, models.CASCADE, db_index=False)
    phase = models.CharField(max_length=20)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "roster_import"], name="roster_progress_import"),
        ]


class RowOutcome(models.TextChoices):
    """What happened, or would happen, to a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class RowResult(models.Model):
    """The outcome of one data row, with every error and warning."""

    pk = models.CompositePrimaryKey("institution_id", "roster_import_id", "row")
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    roster_import = TenantForeignKey(RosterImport, models.CASCADE, db_index=False)
    row = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=RowOutcome.choices)
    username = models.CharField(max_length=254, blank=True)
    student_id = models.CharField(max_length=64, blank=True)
    # The student that the row names, once it is applied.
    student_key = models.UUIDField(null=True, blank=True)
    errors = models.JSONField(null=True, blank=True)
    warnings = models.JSONField(null=True, blank=True)
