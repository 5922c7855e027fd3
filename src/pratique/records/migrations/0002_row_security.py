"""Row-level security for every tenant-owned table of this stage."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
        ("students", "0002_row_security"),
    ]

    operations = [
        Protect("records", "dose"),
        Protect("records", "titer"),
        Protect("records", "document"),
        Protect("records", "formanswer"),
        Protect("records", "exemption"),
    ]
