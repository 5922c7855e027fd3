"""Data keys have an owner: the institution for what it keeps, or one of its transfer accounts for that one's files."""

from django.db import migrations, models

_OWNERS = (
    # Forced row security would show the migration no rows.
    "alter table foundation_datakey no force row level security;"
    "update foundation_datakey set owner_id = institution_id;"
    "alter table foundation_datakey force row level security"
)


class Migration(migrations.Migration):
    dependencies = [("foundation", "0004_audit_seal")]

    operations = [
        migrations.AddField("datakey", "owner_id", models.UUIDField(null=True)),
        migrations.RunSQL(_OWNERS, migrations.RunSQL.noop),
        migrations.AlterField("datakey", "owner_id", models.UUIDField()),
        migrations.RemoveConstraint("datakey", "data_key_version"),
        migrations.AddConstraint(
            "datakey",
            models.UniqueConstraint(
                fields=["institution_id", "owner_id", "version"], name="data_key_version"
            ),
        ),
    ]
