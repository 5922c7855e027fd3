"""Row-level security for every tenant-owned table of this stage."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [
        ("requirements", "0001_initial"),
        ("institutions", "0002_row_security"),
    ]

    operations = [
        Protect("requirements", "requirementset"),
        Protect("requirements", "requirement"),
    ]
