"""The order of the students list: names without case and accents."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("institutions", "0002_row_security"),
        ("students", "0002_row_security"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="student",
            index=models.Index(
                models.F("institution"),
                django.db.models.functions.text.Left("search_text", 100),
                models.F("id"),
                name="student_by_plain_name",
            ),
        ),
    ]
