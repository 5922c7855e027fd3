"""Requirement sets. A published set never changes; a correction is a new version that says from when it applies."""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution, RequirementGroup


class SetState(models.TextChoices):
    """A draft may change; a published set may not, and neither may the one that it replaced."""

    DRAFT = "draft"
    PUBLISHED = "published"


class RequirementSet(TenantModel):
    """All that one requirement group demands from `applies_from` on, until a later version does."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    requirement_group = TenantForeignKey(RequirementGroup, db_index=False)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=SetState.choices, default=SetState.DRAFT)
    applies_from = models.DateField()
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "requirement_group", "version"], name="requirement_set_version"
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, published_by="")
                | Q(published_at__isnull=False, published_by__gt=""),
                name="requirement_set_published_pair",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state="published", published_at__isnull=False),
                name="requirement_set_published_state",
            ),
        ]


class Requirement(TenantModel):
    """One thing a group demands. `rule` holds the whole requirement as `pratique.rules` reads it."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    requirement_set = TenantForeignKey(RequirementSet, db_index=False)
    key = models.SlugField(max_length=60, db_index=False)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField()
    rule = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "requirement_set", "key"], name="requirement_key"),
        ]
