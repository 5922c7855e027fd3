"""Institution, package, requirement group, term and tracker (contracts/domain.md, "Words")."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel


class Institution(models.Model):
    """The tenant. Everything but reference data belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=60, default="America/New_York")
    student_id_required = models.BooleanField(
        default=True, help_text=_("A roster row without a StudentId is refused.")
    )
    roster_mapping = models.JSONField(default=dict, blank=True)
    # How long a secure token of the partner API is good for (contracts/partner-api.md: configurable, 10 minutes).
    secure_token_minutes = models.PositiveSmallIntegerField(default=10)
    # When a registration ends that a partner makes without saying when; empty: it does not.
    membership_months = models.PositiveSmallIntegerField(null=True, blank=True, default=12)
    # What an upload by SFTP with the same bytes as the one before does to its account: suspend it, or nothing.
    repeated_file = models.CharField(
        max_length=10, default="suspend", choices=[("suspend", "suspend"), ("ignore", "ignore")]
    )
    # A demo institution stands beside a school's own, for trying a partner's calls; each names the other's side.
    is_demo = models.BooleanField(default=False)
    demo_institution = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()


class Package(TenantModel):
    """What a student is registered on. Its code is unique across the installation."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "institution", condition=models.Q(is_default=True), name="one_default_package"
            ),
        ]


class RequirementGroup(TenantModel):
    """A named population ("Undergraduate", "Nursing"). It owns the requirements."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint("institution", Lower("name"), name="requirement_group_name"),
        ]


class Term(TenantModel):
    """A named intake ("Fall 2026") with the day it starts and the day by which its requirements are due."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    name = models.CharField(max_length=120)
    starts_on = models.DateField()
    due_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint("institution", Lower("name"), name="term_name")]


class Tracker(TenantModel):
    """A segment of a package that a student is on: a requirement group, optionally for a term, with a due date."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    package = TenantForeignKey(Package, db_index=False)
    requirement_group = TenantForeignKey(RequirementGroup, db_index=False)
    term = TenantForeignKey(Term, null=True, blank=True, db_index=False)
    name = models.CharField(max_length=200)
    due_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint("institution", "package", Lower("name"), name="tracker_name"),
            models.UniqueConstraint(
                fields=["institution", "package", "requirement_group", "term"],
                nulls_distinct=False,
                name="tracker_pair",
            ),
        ]
