"""Row-level security for saved reports and what belongs to somebody's catalogue."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [("reports", "0004_saved_reports"), ("accounts", "0002_row_security")]

    operations = [
        Protect("reports", "savedreport"),
        Protect("reports", "favourite"),
        Protect("reports", "look"),
    ]
