"""Row-level security for reminders."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [("reminders", "0001_initial"), ("students", "0007_deltas_and_reminders")]

    operations = [
        Protect("reminders", "remindersettings"),
        Protect("reminders", "ladder"),
        Protect("reminders", "batch"),
        Protect("reminders", "reminder"),
        Protect("reminders", "escalation"),
    ]
