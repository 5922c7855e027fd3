"""Student, membership and invitation. What a student hands in lives in `records`, their standing in `compliance`."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution, Package, Tracker


class Student(TenantModel):
    """The data owner. `username` and `student_id` are each unique within the institution."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    username = models.CharField(max_length=254)
    # `folding.username_key` of the username: the form in which it is unique. Casefolding may lengthen a text.
    username_key = models.CharField(max_length=1000)
    student_id = models.CharField(max_length=64, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    email = models.CharField(max_length=254, blank=True)
    telephone = models.CharField(max_length=40, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    on_campus = models.BooleanField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    account_token = models.CharField(max_length=22)
    # What search compares with: names, username, id and e-mail, folded to plain lower case (see `folding.py`).
    search_text = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "username_key"], name="student_username"),
            models.UniqueConstraint(
                fields=["institution", "student_id"], condition=~Q(student_id=""), name="student_student_id"
            ),
            models.UniqueConstraint(fields=["institution", "account_token"], name="student_account_token"),
        ]
        indexes = [
            models.Index(fields=["institution", "last_name", "first_name", "id"], name="student_by_name"),
            # The order of the students list (`queries.BY_NAME`): as search compares, without case and accents.
            models.Index(
                "institution",
                Left("search_text", 100),
                "id",
                name="student_by_plain_name",
            ),
        ]


class MembershipState(models.TextChoices):
    """Whether a membership counts. Archived ones keep their record and are neither counted nor reminded."""

    ACTIVE = "active"
    ARCHIVE = "archive"


class Membership(TenantModel):
    """A student on a package. The progress columns are derived: `compliance` writes them, in bulk."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    package = TenantForeignKey(Package, db_index=False)
    tracker = TenantForeignKey(Tracker, null=True, blank=True, db_index=False)
    state = models.CharField(max_length=10, choices=MembershipState.choices, default=MembershipState.ACTIVE)
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()

    num_items = models.PositiveSmallIntegerField(default=0)
    num_complete = models.PositiveSmallIntegerField(default=0)
    num_approved = models.PositiveSmallIntegerField(default=0)
    user_complete = models.BooleanField(default=False)
    complete = models.BooleanField(default=False)
    next_action_on = models.DateField(null=True, blank=True)
    # The first day on which the passing of time alone may change a status; the daily lapse job looks here.
    changes_on = models.DateField(null=True, blank=True)
    status_changed_at = models.DateTimeField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True)
    stale_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "student", "package"], name="membership_student"),
            models.CheckConstraint(
                condition=Q(num_approved__lte=F("num_complete")) & Q(num_complete__lte=F("num_items")),
                name="membership_progress",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "package", "tracker"], name="membership_tracker"),
            models.Index(
                fields=["institution", "stale_since", "id"],
                name="membership_stale",
                condition=Q(stale_since__isnull=False),
            ),
            models.Index(
                fields=["institution", "changes_on"],
                name="membership_lapse",
                condition=Q(changes_on__isnull=False),
            ),
            models.Index(fields=["institution", "package", "status_changed_at"], name="membership_changed"),
        ]


class InvitationState(models.TextChoices):
    """The life of one invitation mail. `in_doubt`: the sender died between sending and noting it."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


class Invitation(TenantModel):
    """The mail that tells a new student where to hand in. One a membership, whatever is run again."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    membership = TenantForeignKey(Membership, db_index=False)
    state = models.CharField(max_length=10, choices=InvitationState.choices, default=InvitationState.QUEUED)
    queued_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "membership"], name="invitation_membership"),
        ]
        indexes = [
            models.Index(
                # The whole order of `claim_invitation`: one import queues 50,000 at the same instant.
                fields=["institution", "queued_at", "id"],
                name="invitation_waiting",
                condition=Q(state="queued"),
            ),
        ]
