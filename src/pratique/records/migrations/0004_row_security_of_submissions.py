"""Row-level security for the tables that came with evidence and review."""

from django.db import migrations

from pratique.foundation.tenancy.operations import Protect, ProtectReference


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0003_evidence_and_review"),
        ("students", "0005_row_security_of_portal"),
    ]

    operations = [
        Protect("records", "submission"),
        Protect("records", "file"),
        Protect("records", "page"),
        Protect("records", "signature"),
        Protect("records", "formdefinition"),
        *(
            ProtectReference(f"records_{kind}", "submission_id", "records_submission")
            for kind in ("dose", "titer", "document", "formanswer", "exemption")
        ),
    ]
