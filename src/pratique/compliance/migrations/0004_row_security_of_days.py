"""Row-level security for the days' figures."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [("compliance", "0003_days"), ("institutions", "0002_row_security")]

    operations = [
        Protect("compliance", "trackerday"),
        Protect("compliance", "requirementday"),
    ]
