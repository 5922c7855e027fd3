"""Reviews (decisions on evidence), the library of reasons, and messages between student and reviewers."""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.records.models import Submission
from pratique.students.models import Student


class Decision(models.TextChoices):
    """What a reviewer decided about one piece of evidence."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Review(TenantModel):
    """One decision on one piece of evidence. Kept when it was undone, which `undone_at` says."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    submission = TenantForeignKey(Submission, db_index=False)
    # dose, titer, document, form or exemption, and the key of its row.
    evidence_kind = models.CharField(max_length=10)
    evidence_id = models.UUIDField()
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason_code = models.CharField(max_length=40, blank=True)
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80)
    # How long the reviewer had the case before them; empty for approvals in bulk.
    seconds = models.PositiveIntegerField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                # Two reviewers can never decide the same evidence, whatever the code above does.
                fields=["institution", "evidence_kind", "evidence_id"],
                condition=Q(undone_at__isnull=True),
                name="review_once",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by="")
                | Q(undone_at__isnull=False, undone_by__gt=""),
                name="review_undone_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "decided_at"], name="review_pace"),
            models.Index(fields=["institution", "submission"], name="review_submission"),
        ]


class ReturnReason(TenantModel):
    """An institution's reason for returning evidence, with what the student reads in each language.

    `wording` is language code to text; English is always there. `place` is the key that a reviewer presses, 1 to 9.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    code = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=120)
    wording = models.JSONField()
    place = models.PositiveSmallIntegerField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "code"], name="return_reason_code"),
            models.UniqueConstraint(
                fields=["institution", "place"],
                condition=Q(place__isnull=False, retired_at__isnull=True),
                name="return_reason_place",
            ),
        ]


class MessageSide(models.TextChoices):
    """Who wrote."""

    STUDENT = "student"
    STAFF = "staff"


class Message(TenantModel):
    """A message about one of a student's requirements (or none). Read in the portal and the console only."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    requirement_key = models.CharField(max_length=60, blank=True)
    submission = TenantForeignKey(Submission, null=True, blank=True, db_index=False)
    side = models.CharField(max_length=8, choices=MessageSide.choices)
    body = models.TextField(max_length=4000)
    confidential = models.BooleanField(default=False)
    sent_at = models.DateTimeField()
    sent_by = models.CharField(max_length=80)
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(read_at__isnull=True, read_by="") | Q(read_at__isnull=False, read_by__gt=""),
                name="message_read_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "student", "sent_at"], name="message_student"),
            models.Index(
                fields=["institution", "sent_at"],
                name="message_unread",
                condition=Q(read_at__isnull=True, side="student"),
            ),
        ]
