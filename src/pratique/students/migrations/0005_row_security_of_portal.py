"""Row-level security for the tables that came with evidence and review."""

from django.db import migrations

from pratique.foundation.tenancy.operations import AllowLookup, Protect


class Migration(migrations.Migration):
    dependencies = [
        ("students", "0004_evidence_and_review"),
        ("accounts", "0003_evidence_and_review"),
    ]

    operations = [
        Protect("students", "studentaccount"),
        Protect("students", "signinlink"),
        Protect("students", "guardianship"),
        Protect("students", "notice"),
        AllowLookup("students_signinlink", "sign_in_link", "token_hash"),
        AllowLookup("students_student", "student_username", "lower(username)"),
    ]
