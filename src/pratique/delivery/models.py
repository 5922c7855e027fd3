"""Destinations, schedules, and the ledger of every delivery (contracts/file-transfer.md, Outbound)."""

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


def _one_place() -> Q:
    """Return the condition that a row goes to one place: an account, a destination, or staff by mail."""
    none = {"account__isnull": True, "destination__isnull": True, "staff": []}
    return (
        Q(**(none | {"account__isnull": False}))
        | Q(**(none | {"destination__isnull": False}))
        | (Q(account__isnull=True, destination__isnull=True) & ~Q(staff=[]))
    )


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


class Contents(models.TextChoices):
    """What a schedule's file holds."""

    WHOLE = "whole"
    DELTA = "delta"  # what changed since the last delivered file of the schedule


class Schedule(TenantModel):
    """A report that is delivered again and again: every so many minutes, or at calendar times.

    A delta's `cursor` is the first transaction that is not delivered yet: everything before it is. It moves only when
    a delivery has arrived, in the transaction that notes it.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    name = models.CharField(max_length=120)
    report_key = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    # `reports.types.Layout` as data.
    layout = models.JSONField(default=dict, blank=True)
    sort = models.CharField(max_length=80, blank=True)
    format = models.CharField(max_length=10)
    neutralise = models.BooleanField(default=True)
    # A byte order mark before CSV and its like.
    bom = models.BooleanField(default=False)
    template = models.CharField(max_length=200, blank=True)
    # An armored OpenPGP public key that files are encrypted to; empty: they are not.
    pgp_key = models.TextField(blank=True)
    contents = models.CharField(max_length=5, choices=Contents.choices, default=Contents.WHOLE)
    send_empty = models.BooleanField(default=True)
    # Either so many minutes, or `{"times": ["06:00"], "weekdays": [1..7], "days": [1..31, -1]}`, in the school's
    # time zone (days: of the month; -1 its last).
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    calendar = models.JSONField(default=dict, blank=True)
    # Where to: exactly one of an account's /outbound, a destination, or staff who get a link by mail.
    account = TenantForeignKey(TransferAccount, null=True, blank=True, db_index=False)
    destination = TenantForeignKey(Destination, null=True, blank=True, db_index=False)
    staff = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    # When it is due next; empty while it is paused.
    next_at = models.DateTimeField(null=True, blank=True)
    # When it was last looked at, and whether there was nothing to send.
    looked_at = models.DateTimeField(null=True, blank=True)
    was_empty = models.BooleanField(default=False)
    cursor = models.BigIntegerField(null=True, blank=True)
    # Up to when what `cursor` says holds: for people, and for a database that was moved (decision 31).
    cursor_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=80, blank=True)
    # Why, as a code of `delivery.types.PAUSES`.
    paused_for = models.CharField(max_length=40, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "institution", Lower("name"), condition=Q(deleted_at__isnull=True), name="schedule_name"
            ),
            models.CheckConstraint(condition=_one_place(), name="schedule_one_place"),
            models.CheckConstraint(
                condition=Q(every_minutes__gte=5, calendar={})
                | (Q(every_minutes__isnull=True) & ~Q(calendar={})),
                name="schedule_when",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, paused_by="")
                | Q(paused_at__isnull=False, paused_by__gt=""),
                name="schedule_paused_pair",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, deleted_by="")
                | Q(deleted_at__isnull=False, deleted_by__gt=""),
                name="schedule_deleted_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["institution", "next_at"], name="schedule_due", condition=Q(next_at__isnull=False)
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
    """One file for one account, one destination, or staff who get a link. It is made once and kept sealed until it
    arrived; that of a schedule or of a link for a week longer.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, null=True, blank=True, db_index=False)
    destination = TenantForeignKey(Destination, null=True, blank=True, db_index=False)
    # Keys of accounts (staff) that are mailed a link; each downloads with their own permission.
    staff = models.JSONField(default=list, blank=True)
    # Which of them the mail was begun for: nobody is mailed twice.
    told = models.JSONField(default=list, blank=True)
    schedule = TenantForeignKey(Schedule, null=True, blank=True, db_index=False)
    report_key = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict, blank=True)
    layout = models.JSONField(default=dict, blank=True)
    sort = models.CharField(max_length=80, blank=True)
    format = models.CharField(max_length=10)
    neutralise = models.BooleanField(default=True)
    bom = models.BooleanField(default=False)
    pgp_key = models.TextField(blank=True)
    # A delta holds what the transactions from the first to before the second changed.
    changes_from = models.BigIntegerField(null=True, blank=True)
    changes_before = models.BigIntegerField(null=True, blank=True)
    # The delivery whose very bytes it sends again.
    resends = TenantForeignKey("self", null=True, blank=True, db_index=False)
    file_name = models.CharField(max_length=255)
    rows = models.PositiveIntegerField(null=True, blank=True)
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
            models.CheckConstraint(condition=_one_place(), name="delivery_one_place"),
            # Never twice under the same name.
            models.UniqueConstraint(
                fields=["institution", "destination", "file_name"], name="delivery_file_name"
            ),
        ]
        indexes = [
            models.Index(fields=["institution", "-requested_at", "-id"], name="delivery_latest"),
            models.Index(fields=["institution", "schedule", "-requested_at"], name="delivery_of_schedule"),
        ]
