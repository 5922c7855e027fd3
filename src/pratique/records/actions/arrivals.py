"""Submissions that come from elsewhere with their files, many at a time: a school's old system, the demonstration."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.storage import blob_store
from pratique.records.actions.files import ask_for_check
from pratique.records.files import part_name
from pratique.records.models import File, FileState, Submission


def add_submissions(
    *,
    institution_id: UUID,
    submissions: Sequence[Submission],
    files: Sequence[tuple[File, bytes]],
    by: audit.Actor,
    now: datetime,
) -> int:
    """Store unsaved submissions and files; return how many submissions. Each file is checked like any other.

    The evidence that belongs to them follows by `add_evidence`, in the same transaction.
    """
    for submission in submissions:
        submission.institution_id = institution_id
    Submission.objects.bulk_create(submissions, batch_size=1000)
    store = blob_store()
    for file, content in files:
        file.institution_id = institution_id
        file.state, file.size, file.received = FileState.CHECKING, len(content), len(content)
        store.put(institution_id=institution_id, name=part_name(file.id, 0), content=content)
    File.objects.bulk_create([file for file, _content in files], batch_size=1000)
    for file, _content in files:
        ask_for_check(file)
    audit.record(
        "records:submissions:added",
        institution_id=institution_id,
        by=by,
        now=now,
        detail={"submissions": len(submissions), "files": len(files)},
    )
    return len(submissions)
