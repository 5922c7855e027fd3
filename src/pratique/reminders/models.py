"""Ladders, batches, the ledger of who was reminded when, and escalations.

What goes out by mail or text is a `students.Notice`; a `Reminder` says why it does, and that it never does twice.
"""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution, RequirementGroup
from pratique.students.models import Membership


class ReminderSettings(TenantModel):
    """How an institution reminds. One row each; none counts as one with these defaults."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    # Nobody is written to between these hours of the institution's day, nor on days that are not listed (1 Monday).
    quiet_from = models.TimeField(default="20:00")
    quiet_until = models.TimeField(default="08:00")
    weekdays = models.JSONField(default=list, blank=True)
    # A student gets at most so many reminders in seven days, and none within so many days of the one before.
    most_a_week = models.PositiveSmallIntegerField(default=2)
    days_between = models.PositiveSmallIntegerField(default=2)
    # More students than this in one day wait for somebody's approval.
    approval_above = models.PositiveIntegerField(default=500)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution"], name="reminder_settings")]


class Ladder(TenantModel):
    """The steps of a requirement group's reminders and escalations. `requirement_group` empty: of all without one.

    `steps` is a list of `types.Step` as data: when (days before or after the due date), what, how.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    requirement_group = TenantForeignKey(RequirementGroup, null=True, blank=True, db_index=False)
    steps = models.JSONField(default=list)
    is_on = models.BooleanField(default=False)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "requirement_group"], nulls_distinct=False, name="ladder_group"
            ),
        ]


class BatchKind(models.TextChoices):
    """What set a batch off."""

    LADDER = "ladder"
    NUDGE = "nudge"


class BatchState(models.TextChoices):
    """The life of a batch. `waiting`: above the limit, somebody must approve it first."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"  # nobody decided in time


class Batch(TenantModel):
    """Reminders that were decided on together."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10, choices=BatchKind.choices)
    state = models.CharField(max_length=10, choices=BatchState.choices)
    students = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)
    # A nudge's list in words, such as "Tracker: Nursing, not complete"; never a name of a student.
    told = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by="")
                | Q(decided_at__isnull=False, decided_by__gt=""),
                name="batch_decided_pair",
            ),
        ]
        indexes = [models.Index(fields=["institution", "-created_at"], name="batch_latest")]


class ReminderState(models.TextChoices):
    """What became of a reminder."""

    WAITING = "waiting"  # for the batch's approval
    QUEUED = "queued"  # notices are queued or gone: `students.Notice` says
    STOPPED = "stopped"  # the student did their part before it went out
    LEFT_OUT = "left_out"  # `reason` says why, a code of `types.REASONS`


class Reminder(TenantModel):
    """The ledger: one step for one membership and due date, once and never again. A nudge has no step."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    batch = TenantForeignKey(Batch, db_index=False)
    membership = TenantForeignKey(Membership, db_index=False)
    due_on = models.DateField(null=True, blank=True)
    # `types.Step.key`, such as `14-before`; a nudge: empty.
    step = models.CharField(max_length=20, blank=True)
    # Which ways it is to go: `mail`, `text`.
    channels = models.JSONField(default=list)
    # The first instant at which it may go out, once it may: the caps count by it.
    send_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=ReminderState.choices)
    reason = models.CharField(max_length=40, blank=True)
    planned_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "membership", "due_on", "step"],
                condition=Q(step__gt=""),
                nulls_distinct=False,
                name="reminder_once",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "membership", "-planned_at"], name="reminder_membership"),
            models.Index(fields=["institution", "-planned_at", "id"], name="reminder_latest"),
            models.Index(fields=["institution", "batch"], name="reminder_batch"),
        ]


class EscalationKind(models.TextChoices):
    """What may follow when a date passed."""

    HOLD = "hold"
    HOUSING = "housing"
    ADVISOR = "advisor"


class EscalationState(models.TextChoices):
    """The life of an escalation."""

    WAITING = "waiting"  # for a person's approval
    APPROVED = "approved"  # told to whoever acts on it
    REFUSED = "refused"
    ENDED = "ended"  # the student is complete: it no longer holds


class Escalation(TenantModel):
    """What is asked for about one membership because a date passed, and who allowed it."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    membership = TenantForeignKey(Membership, db_index=False)
    due_on = models.DateField(null=True, blank=True)
    step = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=EscalationKind.choices)
    # Who is told, for housing and advisor: an address of the school; they get a count and a link, never a name.
    contact = models.EmailField(blank=True)
    state = models.CharField(max_length=10, choices=EscalationState.choices)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)
    # When the mail to `contact` went out.
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "membership", "due_on", "step"],
                nulls_distinct=False,
                name="escalation_once",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by="")
                | Q(decided_at__isnull=False, decided_by__gt=""),
                name="escalation_decided_pair",
            ),
        ]
        indexes = [models.Index(fields=["institution", "state", "-created_at"], name="escalation_state")]
