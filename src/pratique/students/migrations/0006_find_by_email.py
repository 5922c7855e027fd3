"""Whoever asks for a fresh link may name an e-mail address that is not the username."""

from django.db import migrations, models
from django.db.models.functions import Lower

from pratique.foundation.tenancy.operations import AllowLookup


class Migration(migrations.Migration):
    dependencies = [("students", "0005_row_security_of_portal")]

    operations = [
        migrations.AddIndex(
            "student",
            models.Index(
                Lower("email"),
                name="student_lower_email",
                condition=~models.Q(email="") & ~models.Q(email=models.F("username")),
            ),
        ),
        AllowLookup("students_student", "student_email", "lower(email)"),
    ]
