"""The chain of the audit trail: which transaction wrote an event, and the seals.

Rows that are there already get the number of this very transaction (the default is worked out once, so the table
is not rewritten) and are sealed like others, in the order of their ids.
"""

from django.db import migrations, models

from pratique.foundation.tenancy.operations import Protect


class Migration(migrations.Migration):
    dependencies = [
        ("foundation", "0003_data_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="transaction_id",
            field=models.BigIntegerField(
                db_default=models.Func(template="pg_current_xact_id()::text::bigint"), editable=False
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["institution_id", "transaction_id", "id"], name="audit_sealing"),
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "institution_id",
                        "sequence",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("institution_id", models.UUIDField()),
                ("sequence", models.BigIntegerField()),
                ("event_id", models.UUIDField()),
                ("digest", models.BinaryField(max_length=32)),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["institution_id", "event_id"], name="audit_seal_event"),
                    models.CheckConstraint(condition=models.Q(sequence__gte=1), name="audit_seal_sequence"),
                ],
            },
        ),
        Protect("foundation", "auditseal", append_only=True),
    ]
