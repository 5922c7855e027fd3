"""Row-level security for file transfer, and the one look-up that knows no institution yet: a username at sign-in."""

from django.db import migrations

from pratique.foundation.tenancy.operations import AllowLookup, Protect


class Migration(migrations.Migration):
    dependencies = [("transfers", "0001_initial"), ("rosters", "0002_row_security")]

    operations = [
        Protect("transfers", "transferaccount"),
        Protect("transfers", "transferkey"),
        Protect("transfers", "inboundfile"),
        Protect("transfers", "outboundfile"),
        Protect("transfers", "transfersession"),
        Protect("transfers", "transferevent"),
        AllowLookup("transfers_transferaccount", "transfer_username", "username"),
        AllowLookup("transfers_transferkey", "transfer_username", "username"),
    ]
