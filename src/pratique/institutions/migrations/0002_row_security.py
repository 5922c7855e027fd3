"""Row-level security for every tenant-owned table of this stage."""

from django.db import migrations

from pratique.foundation.tenancy.operations import AllowLookup, Protect, ProtectInstitution


class Migration(migrations.Migration):
    dependencies = [
        ("institutions", "0001_initial"),
    ]

    operations = [
        ProtectInstitution(),
        AllowLookup("institutions_institution", "institution_slug", "slug"),
        AllowLookup("institutions_institution", "scheduler", "'all'"),
        Protect("institutions", "package"),
        Protect("institutions", "requirementgroup"),
        Protect("institutions", "term"),
        Protect("institutions", "tracker"),
    ]
