"""Row-level security for the tables that came with evidence and review."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0001_evidence_and_review"),
    ]

    operations = [
        Protect("reviews", "review"),
        Protect("reviews", "returnreason"),
        Protect("reviews", "message"),
    ]
