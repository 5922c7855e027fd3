"""Row-level security for delivery."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial"), ("transfers", "0002_row_security")]

    operations = [
        Protect("delivery", "destination"),
        Protect("delivery", "delivery"),
    ]
