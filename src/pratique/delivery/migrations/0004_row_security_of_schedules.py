"""Row-level security for schedules, and the deliveries' references to them."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect, ProtectReference


class Migration(migrations.Migration):
    dependencies = [("delivery", "0003_schedules")]

    operations = [
        Protect("delivery", "schedule"),
        ProtectReference("delivery_delivery", "schedule_id", "delivery_schedule"),
        ProtectReference("delivery_delivery", "resends_id", "delivery_delivery"),
    ]
