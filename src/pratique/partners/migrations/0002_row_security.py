"""Row-level security for partners, and the two look-ups that know no institution yet.

A call names its client id (in the assertion's `kid`, and at the head of a session id), so one look-up shows the
client, its keys and its sessions. A secure token shows its own row.
"""

from django.db import migrations

from pratique.foundation.tenancy.operations import AllowLookup, Protect


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0001_initial"),
        ("students", "0006_find_by_email"),
    ]

    operations = [
        Protect("partners", "partner"),
        Protect("partners", "partnerclient"),
        Protect("partners", "partnerkey"),
        Protect("partners", "partnersession"),
        Protect("partners", "partnernonce"),
        Protect("partners", "securetoken"),
        Protect("partners", "partnercall"),
        Protect("partners", "partnerusage"),
        AllowLookup("partners_partnerclient", "partner_client", "identifier"),
        AllowLookup("partners_partnerkey", "partner_client", "identifier"),
        AllowLookup("partners_partnersession", "partner_client", "identifier"),
        AllowLookup("partners_securetoken", "secure_token", "token_hash"),
        # Counts of the present minute are no record: without a log they are written and committed at once.
        migrations.RunSQL(
            "alter table partners_partnerusage set unlogged", "alter table partners_partnerusage set logged"
        ),
    ]
