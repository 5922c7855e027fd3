"""Destinations on customers' own servers, and the ledger of every delivery (contracts/file-transfer.md, Outbound)."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.transfers.models import OutboundFile, TransferAccount


class SignInWith(models.TextChoices):
    """How our client signs in to a customer's server."""

    PASSWORD = "password"  # noqa: S105
    KEY = "key"


class Destination(TenantModel):
    """A folder on a customer's server that our client writes files to."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=120)
    sign_in_with = models.CharField(max_length=10, choices=SignInWith.choices)
    # The password or the private key (OpenSSH text), sealed by the vault as `destination/<id>`.
    secret = models.BinaryField(default=b"")
    # The public half of our key, for the customer to install; empty with a password.
    public_key = models.TextField(blank=True)
    folder = models.CharField(max_length=400, blank=True)
    # Pinned host keys, as `[{"algorithm", "fingerprint", "public": "<base64>"}]`; several while theirs rotates.
    host_keys = models.JSONField(default=list, blank=True)
    # SHA-1 and old key exchange, for a server that has nothing else.
    allow_old_algorithms = models.BooleanField(default=False)
    contact_email = models.EmailField(blank=True)
    created_at = models.DateTimeField()
    # Deliveries wait: why, as a code of `delivery.types.STOPS`, until somebody resumes.
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_for = models.CharField(max_length=40, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "institution", Lower("name"), condition=Q(closed_at__isnull=True), name="destination_name"
            ),
        ]


class DeliveryState(models.TextChoices):
    """The life of a delivery."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Delivery(TenantModel):
    """One file for one account or one destination. The file is made once and kept sealed until it is delivered."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, null=True, blank=True, db_index=False)
    destination = TenantForeignKey(Destination, null=True, blank=True, db_index=False)
    report_key = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    format = models.CharField(max_length=10)
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    requested_at = models.DateTimeField()
    requested_by = models.CharField(max_length=80)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    # What kept the last try from succeeding: a code of `delivery.types.FAILURES`.
    failure = models.CharField(max_length=40, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # How many bytes of this try have gone out.
    sent = models.PositiveBigIntegerField(default=0)
    # When the server was first asked to give the file its final name. The answer may have been lost: whoever finds
    # this set asks what became of it before sending anything again.
    renaming_at = models.DateTimeField(null=True, blank=True)
    outbound_file = TenantForeignKey(OutboundFile, null=True, blank=True, db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=True) ^ Q(destination__isnull=True), name="delivery_one_place"
            ),
            # Never twice under the same name.
            models.UniqueConstraint(
                fields=["institution", "destination", "file_name"], name="delivery_file_name"
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "-requested_at", "-id"], name="delivery_latest"),
        ]
