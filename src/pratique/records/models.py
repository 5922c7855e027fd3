"""Evidence (contracts/domain.md): a dose, a lab result, a document, a form answer, an exemption; each with its review.

Screens for handing in and reviewing arrive with the portal; the review's outcome is stored here already, because
item status depends on it.
"""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
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
    state = models.CharField(max_length=10, choices=EvidenceState.choices, default=EvidenceState.PENDING)
    source = models.CharField(max_length=20, default="student")
    submitted_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.CharField(max_length=80, blank=True)
    rejection_reason = models.CharField(max_length=500, blank=True)

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
        indexes = [models.Index(fields=["institution", "student"], name="%(class)s_student")]


class Dose(Evidence):
    """A vaccine given: CVX product code and day of administration."""

    cvx = models.CharField(max_length=5)
    mvx = models.CharField(max_length=5, blank=True)
    product = models.CharField(max_length=120, blank=True)
    lot = models.CharField(max_length=40, blank=True)
    administered_on = models.DateField()

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
    collected_on = models.DateField()

    class Meta(Evidence.Meta):
        abstract = False


class Document(Evidence):
    """A paper of a kind that a requirement asks for (a physical exam, a chest X-ray)."""

    kind = models.CharField(max_length=60)
    issued_on = models.DateField(null=True, blank=True)

    class Meta(Evidence.Meta):
        abstract = False


class FormAnswer(Evidence):
    """A student's answers to a form, with the day of the signature."""

    form = models.CharField(max_length=60)
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

    class Meta(Evidence.Meta):
        abstract = False
