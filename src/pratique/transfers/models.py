"""Transfer account and key, the files of both directions, and what is kept of sessions (contracts/file-transfer.md).

A file that is being uploaded lies in the spool of the machine that receives it (`transfers.spool`), which is the truth
about it until it is claimed. `InboundFile` rows of state incomplete and waiting mirror the spool for the console and
lag behind it by a second; from `claimed` on the row is the truth, and the content lies in the storage.
"""

from django.db import models
from django.db.models import Q

from pratique.foundation.tenancy.models import TenantForeignKey, TenantModel
from pratique.institutions.models import Institution
from pratique.rosters.models import RosterImport


class SuspendedFor(models.TextChoices):
    """Why an account is kept out."""

    REPEATED_FILE = "repeated_file"
    STAFF = "staff"


class TransferAccount(TenantModel):
    """Who may come by SFTP. `username` begins with the institution's slug, so it tells nobody of others' accounts."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    # Lower-case letters, digits, dot, - and _.
    username = models.CharField(max_length=100)
    name = models.CharField(max_length=120)
    contact_email = models.EmailField(blank=True)
    # Networks (CIDR) that it may come from; empty: any. Those listed are never slowed down or refused for failures.
    networks = models.JSONField(default=list, blank=True)
    most_sessions = models.PositiveSmallIntegerField(default=10)
    created_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_by = models.CharField(max_length=80, blank=True)
    suspended_for = models.CharField(max_length=20, choices=SuspendedFor.choices, blank=True)
    # What staff or we say about it, for colleagues; the banner has words of its own.
    suspended_reason = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # The file that was claimed last: an upload with the same bytes is a repeated file.
    last_claimed = models.UUIDField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["username"], name="transfer_account_username"),
            models.CheckConstraint(
                condition=Q(suspended_at__isnull=True, suspended_by="", suspended_for="")
                | Q(suspended_at__isnull=False, suspended_by__gt="", suspended_for__gt=""),
                name="transfer_account_suspended_pair",
            ),
        ]
        indexes = [models.Index(fields=["institution", "name"], name="transfer_account_name")]


class TransferKey(TenantModel):
    """A public key that signs in to an account."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, db_index=False)
    # The account's username again: the look-up's policy compares it (see the migration).
    username = models.CharField(max_length=100)
    label = models.CharField(max_length=120)
    algorithm = models.CharField(max_length=40)
    bits = models.PositiveIntegerField()
    # As SSH writes it on the wire.
    public_data = models.BinaryField()
    # `SHA256:...` as ssh-keygen -l shows it.
    fingerprint = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "account", "fingerprint"],
                condition=Q(revoked_at__isnull=True),
                name="transfer_key_once",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="")
                | Q(revoked_at__isnull=False, revoked_by__gt=""),
                name="transfer_key_revoked_pair",
            ),
        ]
        indexes = [models.Index(fields=["username"], name="transfer_key_username")]


class InboundState(models.TextChoices):
    """The life of a file that a school brings."""

    INCOMPLETE = "incomplete"  # its connection ended before it was closed; can be resumed
    WAITING = (
        "waiting"  # closed; settles, or has a name or a size that keeps it from being claimed (`reason`)
    )
    CLAIMED = "claimed"  # named .processing; waits for a worker
    IMPORTING = "importing"
    PROCESSED = "processed"
    FAILED = "failed"
    REPEATED = (
        "repeated"  # the same bytes as the last claimed one: left unprocessed, the account is suspended
    )
    IGNORED = "ignored"  # the same bytes again, by a client's own retry or because the school chose so
    REMOVED = "removed"  # the school removed it before it was claimed


class InboundFile(TenantModel):
    """A file that was brought, under the id that it has had since its upload began."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, db_index=False)
    # The name that it was uploaded (or renamed) to.
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=InboundState.choices)
    # Why it is in this state where that needs saying: a code of `transfers.types.REASONS`.
    reason = models.CharField(max_length=40, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # Whether the client may not have heard that its upload was taken: then the same bytes again are a retry.
    unanswered = models.BooleanField(default=False)
    session = models.UUIDField(null=True, blank=True)
    # When the upload's last byte, rename or close came.
    received_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    roster_import = TenantForeignKey(RosterImport, null=True, blank=True, db_index=False)

    class Meta:
        constraints = [
            # `<name>.<claimed_at>.processing` can overwrite nothing, nor can the results files named after it.
            models.UniqueConstraint(
                fields=["institution", "account", "claimed_at"], name="inbound_file_claimed_name"
            ),
        ]
        indexes = [
            models.Index(
                fields=["institution", "account", "-received_at", "-id"], name="inbound_file_latest"
            ),
            models.Index(fields=["institution", "-received_at", "-id"], name="inbound_file_of_school"),
        ]


class OutboundFile(TenantModel):
    """A file that lies in `/outbound` for a school to take. Its content is stored as `account-<id>/<file id>`."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, db_index=False)
    # Below /outbound: empty, or `results`.
    folder = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    # What made it: `results`, or the key of a report.
    source = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    first_read_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "account", "folder", "name"],
                condition=Q(deleted_at__isnull=True),
                name="outbound_file_name",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, deleted_by="")
                | Q(deleted_at__isnull=False, deleted_by__gt=""),
                name="outbound_file_deleted_pair",
            ),
        ]
        indexes = [
            models.Index(
                fields=["institution", "account", "-created_at", "-id"], name="outbound_file_latest"
            ),
        ]


class TransferSession(TenantModel):
    """A session of an account, or a try to begin one that was refused (`refused` says why, by a code)."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # The server process that has it: what a killed one leaves open is ended by the next.
    server = models.UUIDField(null=True, blank=True)
    # Why it ended: a code of `transfers.types.ENDS`.
    end = models.CharField(max_length=40, blank=True)
    # Why it never began: a code of `transfers.types.REFUSALS`.
    refused = models.CharField(max_length=40, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    # What the client calls itself, such as `SSH-2.0-OpenSSH_9.2`.
    client = models.CharField(max_length=120, blank=True)
    fingerprint = models.CharField(max_length=60, blank=True)
    cipher = models.CharField(max_length=40, blank=True)
    files_in = models.PositiveIntegerField(default=0)
    bytes_in = models.PositiveBigIntegerField(default=0)
    files_out = models.PositiveIntegerField(default=0)
    bytes_out = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["institution", "account", "-started_at", "-id"], name="transfer_session_latest"
            ),
            # Few of them are open: what a killed server left is found without those of all the years.
            models.Index(
                fields=["institution", "account"],
                name="transfer_session_open",
                condition=models.Q(ended_at__isnull=True),
            ),
        ]


class TransferEvent(TenantModel):
    """One thing that happened to a file: the per-file log."""

    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False, db_constraint=False)
    account = TenantForeignKey(TransferAccount, db_index=False)
    session = models.UUIDField(null=True, blank=True)
    at = models.DateTimeField()
    # A code of `transfers.types.EVENTS`.
    kind = models.CharField(max_length=30)
    # The path as the account sees it.
    path = models.CharField(max_length=300, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    # What explains it, where something must: a code of `transfers.types.REASONS`.
    reason = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["institution", "account", "-at", "-id"], name="transfer_event_latest"),
        ]
