"""Student, membership and invitation. What a student hands in lives in `records`, their standing in `compliance`."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Lower

from pratique.accounts.models import User
from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution, Package, Tracker


def _this_transaction() -> models.Func:
    return models.Func(template="pg_current_xact_id()::text::bigint")


class Student(TenantModel):
    """The data owner. `username` and `student_id` are each unique within the institution.

    `transaction_id` is the last transaction that changed what others are told; a trigger of the database keeps it,
    whoever writes. Deltas read by it (decision 31).
    """

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
    transaction_id = models.BigIntegerField(db_default=_this_transaction(), editable=False)

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
            models.Index(fields=["institution", "transaction_id"], name="student_delta"),
            # Who asks for a fresh link has not said yet where they belong: the one look-up without an institution.
            models.Index(Lower("username"), name="student_lower_username"),
            # The same by e-mail, for the few whose address is not their username.
            models.Index(
                Lower("email"), name="student_lower_email", condition=~Q(email="") & ~Q(email=F("username"))
            ),
        ]


class MembershipState(models.TextChoices):
    """Whether a membership counts. Archived ones keep their record and are neither counted nor reminded."""

    ACTIVE = "active"
    ARCHIVE = "archive"


class Membership(TenantModel):
    """A student on a package. The progress columns are derived: `compliance` writes them, in bulk.

    `transaction_id` is the last transaction that changed what others are told: tracker, state, expiry (a trigger sees
    to it) or standing (`compliance.store`). Deltas read by it (decision 31).
    """

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
    transaction_id = models.BigIntegerField(db_default=_this_transaction(), editable=False)

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
            models.Index(fields=["institution", "transaction_id"], name="membership_delta"),
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


class StudentAccount(TenantModel):
    """The account with which a student signs in, and how they want to be told things."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    user = TenantForeignKey(User, db_index=False)
    notify_by_mail = models.BooleanField(default=True)
    notify_by_text = models.BooleanField(default=False)
    text_number = models.CharField(max_length=20, blank=True)
    activated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "student"], name="student_account_student"),
            models.UniqueConstraint(fields=["institution", "user"], name="student_account_user"),
            models.CheckConstraint(
                condition=Q(notify_by_text=False) | Q(text_number__gt=""), name="student_account_number"
            ),
        ]


class LinkPurpose(models.TextChoices):
    """What a mailed link opens: the student's own first sign-in, or a guardian's acceptance."""

    STUDENT = "student"
    GUARDIAN = "guardian"


class SignInLink(TenantModel):
    """A link that was mailed. Only its hash is kept; an old one still says whom a fresh one goes to."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    guardianship = models.UUIDField(null=True, blank=True)
    purpose = models.CharField(max_length=10, choices=LinkPurpose.choices, default=LinkPurpose.STUDENT)
    # SHA-256 of the token, in hexadecimal.
    token_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "token_hash"], name="sign_in_link_token"),
        ]
        indexes = [models.Index(fields=["institution", "student"], name="sign_in_link_student")]


class Guardianship(TenantModel):
    """Somebody helps a student: what they may do, since when and until when, and who allowed it.

    `user` is empty until the invitation is accepted. Confidential matters are never shown, whatever is allowed.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    user = TenantForeignKey(User, null=True, blank=True, db_index=False)
    name = models.CharField(max_length=150)
    email = models.EmailField()
    relation = models.CharField(max_length=60, blank=True)
    may_see_status = models.BooleanField(default=True)
    may_upload = models.BooleanField(default=False)
    may_sign = models.BooleanField(default=False)
    granted_at = models.DateTimeField()
    granted_by = models.CharField(max_length=80)
    expires_on = models.DateField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, user__isnull=True)
                | Q(accepted_at__isnull=False, user__isnull=False),
                name="guardianship_accepted",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="")
                | Q(revoked_at__isnull=False, revoked_by__gt=""),
                name="guardianship_revoked_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "student"], name="guardianship_student"),
            models.Index(fields=["institution", "user"], name="guardianship_user"),
        ]


class NoticeKind(models.TextChoices):
    """Why somebody is written to. The text never says more than that there is something to read."""

    SIGN_IN_LINK = "sign_in_link"
    RETURNED = "returned"
    REVIEWED = "reviewed"
    COMPLETE = "complete"
    MESSAGE = "message"
    GUARDIAN_INVITED = "guardian_invited"
    SIGNATURE_ASKED = "signature_asked"
    REMINDER = "reminder"


class NoticeChannel(models.TextChoices):
    """How a notice goes out."""

    MAIL = "mail"
    TEXT = "text"


class NoticeState(models.TextChoices):
    """The life of one notice. `dropped`: something newer made it pointless before it went out."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    DROPPED = "dropped"


class Notice(TenantModel):
    """The ledger of everything a student or guardian was told by mail or text. Never the text itself."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    guardianship = TenantForeignKey(Guardianship, null=True, blank=True, db_index=False)
    kind = models.CharField(max_length=20, choices=NoticeKind.choices)
    channel = models.CharField(max_length=4, choices=NoticeChannel.choices)
    state = models.CharField(max_length=10, choices=NoticeState.choices, default=NoticeState.QUEUED)
    queued_at = models.DateTimeField()
    # Not before this instant: a decision can be undone for a few seconds, and nobody is reminded at night.
    send_at = models.DateTimeField()
    # Not from this instant on, until somebody gives it another hour: nobody is reminded at night, however late it got.
    send_until = models.DateTimeField(null=True, blank=True)
    # The due date that a reminder speaks of.
    due_on = models.DateField(null=True, blank=True)
    # The reminder that it carries out (`reminders.Reminder`).
    cause = models.UUIDField(null=True, blank=True)
    changed_at = models.DateTimeField()
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                # However much happens in a few seconds, one notice of a kind waits for a person.
                fields=["institution", "student", "guardianship", "kind", "channel"],
                condition=Q(state="queued"),
                nulls_distinct=False,
                name="notice_waits_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["institution", "send_at", "id"], name="notice_waiting", condition=Q(state="queued")
            ),
            # Thousands of reminders may wait at once; whoever asked for a link does not wait behind them.
            models.Index(
                fields=["institution", "send_at", "id"],
                name="notice_before_reminders",
                condition=Q(state="queued") & ~Q(kind="reminder"),
            ),
            models.Index(fields=["institution", "student", "-queued_at"], name="notice_student"),
            models.Index(
                fields=["institution", "cause"], name="notice_cause", condition=Q(cause__isnull=False)
            ),
        ]
