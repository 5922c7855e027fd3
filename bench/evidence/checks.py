"""What must be true when the load is over and the workers rest. Each check returns sentences, none if all is well."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from evidence.book import Book
from evidence.installation import Installation
from evidence.school import School


def all_of(book: Book, school: School, installation: Installation) -> list[str]:
    """Run every check; one sentence for each thing that is wrong."""
    from pratique.foundation.tenancy import institution_scope

    found = list(_jobs(installation))
    for check in (_uploads, _double_decisions, _submissions, _standing, _notices):
        with institution_scope(school.institution_id):
            found += list(check(book, school))
    found += [f"log, {count} times: {line}" for line, count in installation.bad_lines().most_common()]
    return found


def _jobs(installation: Installation) -> Iterator[str]:
    rows = installation.sql(
        "select task_name, status::text, count(*) from procrastinate_jobs "
        "where status in ('failed', 'aborted', 'cancelled') group by 1, 2"
    )
    for task, status, count in rows:
        yield f"{count} jobs {task} are {status}"


def _uploads(book: Book, school: School) -> Iterator[str]:
    """Every upload that was told to be complete is ready or refused, and its original is what was sent."""
    from pratique.records import images
    from pratique.records.models import File, FileState

    files = {str(file.id): file for file in File.objects.prefetch_related("page_set")}
    states: Counter[str] = Counter()
    for upload in book.uploads:
        file = files.get(upload.file_id)
        if file is None:
            yield f"upload {upload.file_id} is lost: there is no such file"
            continue
        states[file.state] += 1
        if file.state == FileState.REFUSED and not file.refusal:
            yield f"file {file.id} is refused without a reason"
        if file.state not in (FileState.READY, FileState.REFUSED):
            yield f"file {file.id} is still {file.state}"
            continue
        try:
            original = images.original(file)
        except Exception as error:
            yield f"file {file.id}: the original cannot be read ({type(error).__name__})"
            continue
        if not hashlib.sha256(original).hexdigest() == upload.sha256 == file.sha256:
            yield f"file {file.id} is not what was sent"
        pages = list(file.page_set.all())
        if file.state == FileState.READY and not pages:
            yield f"file {file.id} is ready and has no pages"
        for page in pages:
            if not images.page_image(page).startswith(b"\xff\xd8"):
                yield f"page {page.id} is no picture"
    for state, count in states.items():
        book.count(f"files {state}", count)


def _double_decisions(book: Book, school: School) -> Iterator[str]:
    from django.db.models import Count

    from pratique.reviews.models import Review

    standing = Review.objects.filter(undone_at__isnull=True).values("evidence_kind", "evidence_id")
    for row in standing.annotate(n=Count("id")).filter(n__gt=1):
        yield f"{row['evidence_kind']} {row['evidence_id']} has {row['n']} standing reviews"


def _submissions(book: Book, school: School) -> Iterator[str]:
    """Every submission is where its student and its reviewer saw it last, with its evidence and its reviews."""
    from pratique.records.models import Submission
    from pratique.records.queries import evidence_of_submission
    from pratique.reviews.models import Review

    stored = {str(one.id): one for one in Submission.objects.all()}
    for key, last in book.seen_by_students.items():
        if key not in stored:
            yield f"submission {key} is lost"
            continue
        one = stored[key]
        what, reviewer = book.seen_by_reviewers.get(key, ("", ""))
        wanted = "withdrawn" if last == "withdrawn" else "decided" if what == "decided" else "waiting"
        if one.state != wanted:
            yield f"submission {key} is {one.state}; it was last seen {wanted} {reviewer}".rstrip()
        pieces = [row for _kind, row in evidence_of_submission(one.id)]
        if bool(pieces) == (one.state == "withdrawn"):
            yield f"submission {key} is {one.state} and has {len(pieces)} pieces of evidence"
        reviews = Review.objects.filter(submission=one, undone_at__isnull=True)
        if {review.evidence_id for review in reviews} != (
            {row.id for row in pieces} if one.state == "decided" else set()
        ):
            yield f"submission {key} is {one.state} and its standing reviews are not of its {len(pieces)} pieces"
    unseen = [key for key, one in stored.items() if one.state != "draft" and key not in book.seen_by_students]
    if unseen:
        yield f"{len(unseen)} submissions were sent and no student saw it"


def _standing(book: Book, school: School) -> Iterator[str]:
    """Every stored item equals a fresh evaluation, and nothing waits to be judged."""
    from pratique.compliance import facts, store
    from pratique.compliance.actions import compiled_sets
    from pratique.compliance.judging import judge
    from pratique.foundation import clock
    from pratique.institutions.models import Institution
    from pratique.students.models import Membership

    stale = Membership.objects.filter(stale_since__isnull=False).count()
    if stale:
        yield f"{stale} memberships are still to be judged"
    today = clock.today(Institution.objects.get().time_zone)
    sets = compiled_sets(today)
    loaded = facts.of(list(Membership.objects.values_list("id", flat=True)))
    judged: list[Any] = [(one, judge(one.facts, sets.get(_group(one)), today)) for one in loaded]
    changes = store.compare(judged)
    if changes.items or changes.gone or changes.status_changes:
        yield f"{len(changes.items) + len(changes.gone)} items are not what a fresh evaluation says"
    if moved := [row for row in changes.memberships if row[-1]]:
        yield f"the progress of {len(moved)} memberships is not what a fresh evaluation says"
    if not loaded:
        yield "there are no memberships to judge"


def _group(one: Any) -> UUID:
    found: UUID = one.facts.requirement_group_id
    return found


def _notices(book: Book, school: School) -> Iterator[str]:
    """Each decision that stands was told once: what a person is told at the same moment goes out as one notice."""
    from pratique.records.models import Submission, SubmissionState
    from pratique.reviews.policies import NOTICE_AFTER, UNDO
    from pratique.students.models import Notice, NoticeKind, NoticeState

    kinds = (NoticeKind.RETURNED, NoticeKind.REVIEWED, NoticeKind.COMPLETE)
    told: dict[UUID, list[Notice]] = {}
    for notice in Notice.objects.filter(kind__in=kinds):
        if notice.state == NoticeState.SENT:
            told.setdefault(notice.student_id, []).append(notice)
        elif notice.state != NoticeState.DROPPED:
            yield f"notice {notice.id} is {notice.state} {notice.failure}".rstrip()
    decided: dict[UUID, list[Any]] = {}
    for one in Submission.objects.filter(state=SubmissionState.DECIDED):
        decided.setdefault(one.student_id, []).append(one.decided_at)
    for student, times in decided.items():
        for at in times:
            if not any(
                one.queued_at <= at + UNDO and one.send_at >= at + NOTICE_AFTER - timedelta(seconds=1)
                for one in told.get(student, [])
            ):
                yield f"student {student} was not told of the decision at {at:%H:%M:%S}"
    for student, notices in told.items():
        if len(notices) > len(decided.get(student, [])):
            yield f"student {student} was told {len(notices)} times of {len(decided.get(student, []))} decisions"
    book.count("notices of decisions sent", sum(map(len, told.values())))
