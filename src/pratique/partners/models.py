"""Partner, its clients and keys, and what a call leaves behind (contracts/partner-api.md).

A client is a partner's identity in one environment. Its rows belong to the institution that made the partner; it acts
for the institution `acts_for`, which is that one in production and the school's demo institution in the demo
environment. What a call writes about students (nonces, secure tokens) belongs to the institution acted for, so that
one transaction of one institution holds it all; those rows name the client without a foreign key.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.students.models import Student


class Environment(models.TextChoices):
    """Where a client's calls have their effect. Keys of the one are unknown to the other."""

    PRODUCTION = "production"
    DEMO = "demo"


class Partner(TenantModel):
    """A system of the school, or of a company that works for it."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    name = models.CharField(max_length=120)
    contact_email = models.EmailField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("institution", Lower("name"), name="partner_name")]


class PartnerClient(TenantModel):
    """A partner in one environment. `identifier` is the client id that it calls with."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    partner = TenantForeignKey(Partner, db_index=False)
    environment = models.CharField(max_length=10, choices=Environment.choices)
    identifier = models.CharField(max_length=40)
    acts_for = models.UUIDField()
    # 0: no call is let through.
    calls_per_minute = models.PositiveIntegerField()
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "partner", "environment"], name="partner_client_environment"
            ),
        ]
        # It is made of 128 random bits; a unique index over all institutions would tell one of another's.
        indexes = [models.Index(fields=["identifier"], name="partner_client_identifier")]


class PartnerKey(TenantModel):
    """A 256-bit encryption key, sealed by the vault. It was shown once; `fingerprint` says which it is."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    client = TenantForeignKey(PartnerClient, db_index=False)
    # The client's identifier again: the look-up's policy compares it (see the migration).
    identifier = models.CharField(max_length=40)
    fingerprint = models.CharField(max_length=16)
    sealed = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    # When a rotated key stops working; empty for the newest one.
    ends_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="")
                | Q(revoked_at__isnull=False, revoked_by__gt=""),
                name="partner_key_revoked_pair",
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "client"], name="partner_key_client"),
            models.Index(fields=["identifier"], name="partner_key_identifier"),
        ]


class PartnerSession(TenantModel):
    """What one assertion opened. The row outlives the assertion, so that an assertion is good once."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    client = TenantForeignKey(PartnerClient, db_index=False)
    key = TenantForeignKey(PartnerKey, db_index=False)
    identifier = models.CharField(max_length=40)
    # SHA-256 of the session id, in hexadecimal.
    id_hash = models.CharField(max_length=64)
    client_nonce = models.BinaryField()
    server_nonce = models.BinaryField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "client", "client_nonce"], name="partner_session_assertion"
            ),
        ]
        indexes = [
            # The call's look-up knows no institution yet.
            models.Index(fields=["id_hash"], name="partner_session_id"),
            models.Index(fields=["institution", "expires_at"], name="partner_session_expiry"),
        ]


class PartnerNonce(models.Model):
    """A nonce that a client has used: its SHA-256, kept for the life of the key it came under."""

    pk = models.CompositePrimaryKey("institution_id", "client", "nonce_hash")
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    client = models.UUIDField()
    nonce_hash = models.BinaryField()
    key = models.UUIDField()
    used_at = models.DateTimeField()


class SecureToken(TenantModel):
    """A token that signs a student in, once. Only its hash is kept."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    student = TenantForeignKey(Student, db_index=False)
    identifier = models.CharField(max_length=40)
    token_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # Whoever brings a token has not said yet where they belong. Not unique: 190 random bits are.
            models.Index(fields=["token_hash"], name="secure_token_lookup"),
            models.Index(fields=["institution", "expires_at"], name="secure_token_expiry"),
        ]


class PartnerCall(TenantModel):
    """One call as the integrator reads it: never whom it was about."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    # Without a constraint of the database: each call at once would lock the client's one row for its check.
    client = models.ForeignKey(PartnerClient, models.PROTECT, db_index=False, db_constraint=False)
    at = models.DateTimeField()
    method = models.CharField(max_length=40)
    # `OK`, or the code of the error.
    code = models.CharField(max_length=40)
    status = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(max_length=16, blank=True)
    duration_ms = models.PositiveIntegerField()
    bytes_in = models.PositiveIntegerField()
    bytes_out = models.PositiveIntegerField()
    address = models.GenericIPAddressField(null=True, blank=True)
    # What was wrong, in words for the integrator; from our own sentences, never from what was sent.
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["institution", "client", "-at", "-id"], name="partner_call_latest"),
        ]


class PartnerUsage(models.Model):
    """How many calls a client made in a minute. The table is unlogged: a crash may forget the present minute."""

    pk = models.CompositePrimaryKey("institution_id", "client", "minute")
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    client = models.UUIDField()
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField()
