"""What a student hands in at once, and the files that came with it.

A submission is a draft while the student works on it (`draft` holds what was typed so far), waits in the queue, is
decided by a reviewer, or was taken back. Its pieces become evidence when it is sent.
"""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.students.models import Student


class SubmissionState(models.TextChoices):
    """Where a submission is. `waiting` for other signatures too: then `queued_at` is still empty."""

    DRAFT = "draft"
    WAITING = "waiting"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Submission(TenantModel):
    """One case: what was handed in together, and its way through the review queue."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    # What the student quotes: eight letters and digits that cannot be mistaken for each other.
    number = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=SubmissionState.choices, default=SubmissionState.DRAFT)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    # Keys of the requirements that the student had in mind. Evidence counts wherever it fits all the same.
    requirement_keys = models.JSONField(default=list)
    draft = models.JSONField(default=dict)
    note = models.CharField(max_length=1000, blank=True)
    # Never shown to guardians, and neither are the items that it speaks of.
    confidential = models.BooleanField(default=False)
    follows = TenantForeignKey("self", null=True, blank=True, db_index=False)

    sent_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.CharField(max_length=80, blank=True)
    # The place in the queue. What comes back after it was returned keeps the place of what it follows.
    queued_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    opened_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=80, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=80, blank=True)

    # Who works on it: until then, nobody else may decide.
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    # Handed to one colleague, or asked of anyone but the first: with a note among staff.
    handed_to = models.CharField(max_length=80, blank=True)
    staff_note = models.CharField(max_length=1000, blank=True)
    second_opinion_of = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "number"], name="submission_number"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{deed}_at__isnull": True, f"{deed}_by": ""})
                    | Q(**{f"{deed}_at__isnull": False, f"{deed}_by__gt": ""}),
                    name=f"submission_{deed}_pair",
                )
                for deed in ("sent", "opened", "decided", "withdrawn")
            ),
            models.CheckConstraint(
                condition=Q(claimed_by="", claimed_until__isnull=True)
                | Q(claimed_by__gt="", claimed_until__isnull=False),
                name="submission_claimed_pair",
            ),
            models.CheckConstraint(
                condition=~Q(state="decided") | Q(decided_at__isnull=False), name="submission_decided"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | Q(sent_at__isnull=False),
                name="submission_sent",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "student", "-started_at"], name="submission_student"),
            models.Index(
                fields=["institution", "queued_at", "id"],
                name="submission_queue",
                condition=Q(state="waiting", queued_at__isnull=False),
            ),
            models.Index(
                fields=["institution", "decided_at"],
                name="submission_decided_when",
                condition=Q(decided_at__isnull=False),
            ),
        ]


class FileState(models.TextChoices):
    """The life of an uploaded file. Only a `ready` one has pages."""

    RECEIVING = "receiving"
    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"


class File(TenantModel):
    """One uploaded file. Its bytes lie sealed in the blob store, under names made from `id` alone."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    submission = TenantForeignKey(Submission, db_index=False)
    # As the student's device called it, for showing only; never a path.
    name = models.CharField(max_length=255)
    size = models.PositiveIntegerField()
    received = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.RECEIVING)
    # A code of `foundation.imaging.REFUSALS`.
    refusal = models.CharField(max_length=40, blank=True)
    media_type = models.CharField(max_length=60, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    active_content = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=80)
    checked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(received__lte=models.F("size")), name="file_received"),
        ]
        indexes = [
            models.Index(fields=["institution", "submission"], name="file_submission"),
            models.Index(fields=["institution", "student"], name="file_student"),
            models.Index(fields=["institution", "sha256"], name="file_same", condition=Q(sha256__gt="")),
        ]


class Page(TenantModel):
    """One page as a safe picture. It belongs to the case in which it is looked at, which a split may change."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    file = TenantForeignKey(File, models.CASCADE, db_index=False)
    submission = TenantForeignKey(Submission, db_index=False)
    number = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # Quarter turns that the student or a reviewer gave it: 0, 90, 180 or 270 degrees clockwise.
    turned = models.PositiveSmallIntegerField(default=0)
    # A perceptual hash: equal for the same picture, and for papers of one form.
    looks = models.BigIntegerField()
    # Grey cells that tell papers of one form apart; nothing written is legible in them.
    sketch = models.BinaryField(default=b"")
    # Equal on all pages that are the same picture, whoever handed them in; null on an empty page.
    picture = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "file", "number"], name="page_number"),
            models.CheckConstraint(condition=Q(turned__in=[0, 90, 180, 270]), name="page_turned"),
        ]
        indexes = [
            models.Index(fields=["institution", "submission", "position"], name="page_submission"),
            models.Index(fields=["institution", "looks", "-id"], name="page_looks"),
            models.Index(
                fields=["institution", "picture"], name="page_picture", condition=Q(picture__isnull=False)
            ),
        ]
