"""Evidence (contracts/domain.md): a dose, a lab result, a document, a form answer, an exemption; each with its review.

What was handed in together is a submission (`submissions.py`); how a reviewer comes to a decision is `reviews`.
"""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.records.models.submissions import Submission
from pratique.students.models import Student


class EvidenceState(models.TextChoices):
    """Where a piece of evidence stands: waiting for a reviewer, approved, or turned down with a reason."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Evidence(TenantModel):
    """What all evidence has: whose it is, when it was handed in, and the reviewer's decision."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    # Empty for what came from elsewhere (an import, a registry) and never waited in the queue.
    submission = TenantForeignKey(Submission, null=True, blank=True, db_index=False)
    state = models.CharField(max_length=10, choices=EvidenceState.choices, default=EvidenceState.PENDING)
    source = models.CharField(max_length=20, default="student")
    submitted_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.CharField(max_length=80, blank=True)
    # The code of a reason of the library (`reviews.reasons`), and what the reviewer added for the student.
    rejection_code = models.CharField(max_length=40, blank=True)
    rejection_reason = models.CharField(max_length=500, blank=True)
    # What the student had written, kept when a reviewer corrected it: field name to first value.
    as_handed_in = models.JSONField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by="")
                | Q(reviewed_at__isnull=False, reviewed_by__gt=""),
                name="%(class)s_reviewed_pair",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", reviewed_at__isnull=True)
                | (~Q(state="pending") & Q(reviewed_at__isnull=False)),
                name="%(class)s_review_state",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "student"], name="%(class)s_student"),
            models.Index(
                fields=["institution", "submission"],
                name="%(class)s_submission",
                condition=Q(submission__isnull=False),
            ),
        ]


class DatePrecision(models.TextChoices):
    """How much of a date is known."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Dose(Evidence):
    """A vaccine given: CVX product code and day of administration.

    Where only month or year is known, `administered_on` is the first day of it and `precision` says so.
    """

    cvx = models.CharField(max_length=5)
    mvx = models.CharField(max_length=5, blank=True)
    product = models.CharField(max_length=120, blank=True)
    lot = models.CharField(max_length=40, blank=True)
    administered_on = models.DateField()
    precision = models.CharField(max_length=5, choices=DatePrecision.choices, default=DatePrecision.DAY)

    class Meta(Evidence.Meta):
        abstract = False


class TiterResult(models.TextChoices):
    """What a laboratory says about immunity."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    EQUIVOCAL = "equivocal"


class Titer(Evidence):
    """A laboratory's result for one antibody."""

    antibody = models.CharField(max_length=40)
    result = models.CharField(max_length=10, choices=TiterResult.choices)
    value = models.CharField(max_length=40, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    reference_range = models.CharField(max_length=60, blank=True)
    collected_on = models.DateField()

    class Meta(Evidence.Meta):
        abstract = False


class Document(Evidence):
    """A paper of a kind that a requirement asks for (a physical exam, a chest X-ray)."""

    # A kind that a requirement names, or `rules.PROOF` and a requirement's key.
    kind = models.CharField(max_length=80)
    issued_on = models.DateField(null=True, blank=True)

    class Meta(Evidence.Meta):
        abstract = False


class FormAnswer(Evidence):
    """A student's answers to a form, with the day on which the last of the signatures it needs was given."""

    form = models.CharField(max_length=60)
    form_version = models.PositiveIntegerField(default=1)
    answers = models.JSONField(default=dict)
    signed_on = models.DateField(null=True, blank=True)

    class Meta(Evidence.Meta):
        abstract = False


class ExemptionKind(models.TextChoices):
    """The kinds of exemption that a requirement may accept."""

    MEDICAL = "medical"
    RELIGIOUS = "religious"
    PHILOSOPHICAL = "philosophical"
    OTHER = "other"


class Exemption(Evidence):
    """A reason not to be vaccinated; `requirement_key` empty means that it speaks for all."""

    kind = models.CharField(max_length=20, choices=ExemptionKind.choices)
    requirement_key = models.CharField(max_length=60, blank=True)
    granted_on = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    has_document = models.BooleanField(default=False)
    # In the student's own words, where they chose to give any. Two roles may read it (`accounts.roles`).
    statement = models.TextField(blank=True)

    class Meta(Evidence.Meta):
        abstract = False


class SignerRole(models.TextChoices):
    """In what capacity somebody signs a form."""

    STUDENT = "student"
    GUARDIAN = "guardian"


class Signature(TenantModel):
    """One person's electronic signature under a form's answers: the name as typed, when and by which account."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    form_answer = TenantForeignKey(FormAnswer, models.CASCADE, db_index=False)
    # The place among the form's signers, from 0.
    place = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10, choices=SignerRole.choices)
    name = models.CharField(max_length=200)
    signed_at = models.DateTimeField()
    signed_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "form_answer", "place"], name="signature_place"),
            models.UniqueConstraint(
                fields=["institution", "form_answer", "signed_by"], name="signature_once"
            ),
        ]


class FormDefinition(TenantModel):
    """An institution's form, versioned: answers name the version that they were given to."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    key = models.SlugField(max_length=60, db_index=False)
    version = models.PositiveIntegerField()
    definition = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "key", "version"], name="form_definition_version"),
        ]
