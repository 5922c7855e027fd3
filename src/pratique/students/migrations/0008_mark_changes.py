"""The database notes which transaction last changed what others are told of a student, whoever writes (decision 31).

Standing is noted by `compliance.store` itself: 50,000 calls of a trigger would be felt there.
"""

from django.db import migrations

_FUNCTION = """
create function students_mark_change() returns trigger language plpgsql as $$
begin
    new.transaction_id := pg_current_xact_id()::text::bigint;
    return new;
end $$;
"""


def _trigger(table: str, columns: str) -> str:
    before = ", ".join(f"old.{name}" for name in columns.split())
    after = ", ".join(f"new.{name}" for name in columns.split())
    return (
        f"create trigger {table}_mark_change before update on {table} for each row "
        f"when (({before}) is distinct from ({after})) execute function students_mark_change()"
    )


class Migration(migrations.Migration):
    dependencies = [("students", "0007_deltas_and_reminders")]

    operations = [
        migrations.RunSQL(_FUNCTION, "drop function students_mark_change"),
        migrations.RunSQL(
            _trigger(
                "students_student",
                "username student_id first_name last_name email telephone date_of_birth on_campus attributes",
            ),
            "drop trigger students_student_mark_change on students_student",
        ),
        migrations.RunSQL(
            _trigger("students_membership", "package_id tracker_id state expires_on"),
            "drop trigger students_membership_mark_change on students_membership",
        ),
    ]
