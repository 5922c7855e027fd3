"""Row-level security for every tenant-owned table of this stage."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0001_initial"),
        ("students", "0002_row_security"),
    ]

    operations = [
        Protect("compliance", "item"),
        Protect("compliance", "statuschange", append_only=True),
        migrations.RunSQL(
            "alter table compliance_statuschange alter transaction_id set default pg_current_xact_id()::text::bigint",
            "alter table compliance_statuschange alter transaction_id drop default",
        ),
    ]
