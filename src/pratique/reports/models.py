"""Report runs: who took which report when, how far it is, and where its file lies."""

from django.db import models

from pratique.foundation.tenancy.models import TenantModel
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
