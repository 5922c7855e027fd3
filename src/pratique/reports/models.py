"""Report runs and saved reports: who took which report when, what people built, and what they like to open."""

from django.db import models
from django.db.models import Q

from pratique.accounts.models import User
from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution


class RunState(models.TextChoices):
    """The life of a run in the background."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReportRun(TenantModel):
    """One making of a report's file."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    report_key = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    format = models.CharField(max_length=10)
    # Whether cells that a spreadsheet would run as formulas are disarmed (contracts/reports.md, "Behaviour").
    neutralise = models.BooleanField(default=True)
    # Columns, titles and date formats where they differ from the report's own (`types.Layout` as data).
    layout = models.JSONField(default=dict, blank=True)
    sort = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)
    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # For a person; never holds what stood in a cell.
    failure = models.CharField(max_length=500, blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)
    rows_done = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["institution", "-requested_at"], name="report_run_recent")]


class SavedReport(TenantModel):
    """A report that somebody built: another report's rows (`base`), with columns, filters and order of their own.

    Its key elsewhere is `saved-<id>` (`types.saved_key`).
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    base = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    # `types.Layout` as data.
    layout = models.JSONField(default=dict, blank=True)
    sort = models.CharField(max_length=80, blank=True)
    # Codes of roles that see it, besides whoever made it and administrators.
    shared_with = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, deleted_by="")
                | Q(deleted_at__isnull=False, deleted_by__gt=""),
                name="saved_report_deleted_pair",
            ),
        ]
        indexes = [models.Index(fields=["institution", "name"], name="saved_report_name")]


class Favourite(TenantModel):
    """A report that somebody wants at the top of their catalogue."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    user = TenantForeignKey(User, db_index=False)
    report_key = models.CharField(max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "user", "report_key"], name="favourite_report"),
        ]


class Look(TenantModel):
    """When somebody last looked at the dashboard, and the time before: what changed since then is shown."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    user = TenantForeignKey(User, db_index=False)
    # The present look; looks within half an hour are one.
    seen_at = models.DateTimeField()
    before_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "user"], name="look_user")]
