"""Evaluating: the only writes of derived standing.

    stale memberships (a batch) -> facts -> judge -> compare with what is stored -> write what changed

A batch is one transaction, and the mark is what remains to be done: a worker killed in the middle loses the batch
it was at and nothing else, and a rerun repeats nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from pratique.compliance import facts, store
from pratique.compliance.facts import Loaded
from pratique.compliance.judging import CompiledSet, compile_set, judge
from pratique.compliance.models import RequirementDay, TrackerDay
from pratique.foundation import audit
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.requirements import queries as requirements
from pratique.students.actions import mark_lapsed_stale
from pratique.students.queries import membership_ids_of

BATCH = 5_000


def evaluate_stale(
    *,
    institution: Institution,
    today: date,
    now: datetime,
    batch: int = BATCH,
    report: Callable[[int], bool | None] = lambda done: None,
) -> int:
    """Evaluate every stale membership, batch by batch, each in a transaction of its own; return how many.

    `report` is called after each batch with the number done so far; if it returns False, the rest is left marked.
    """
    done = 0
    while True:
        with institution_scope(institution.id):
            _one_at_a_time(institution.id)
            loaded = facts.stale(batch)
            _evaluate(loaded, institution_id=institution.id, today=today, now=now)
        done += len(loaded)
        if len(loaded) < batch:
            return done
        if report(done) is False:
            return done


def evaluate(*, institution: Institution, membership_ids: list[UUID], today: date, now: datetime) -> None:
    """Evaluate these memberships now, in the open transaction, whether they are marked or not."""
    with institution_scope(institution.id):
        _one_at_a_time(institution.id)
        _evaluate(facts.of(membership_ids), institution_id=institution.id, today=today, now=now)


def evaluate_students(
    *, institution: Institution, student_ids: Collection[UUID], today: date, now: datetime
) -> bool:
    """Evaluate these students' memberships in the open transaction, if no other evaluation is at it.

    Nobody who sends or decides something waits for a rule change that judges 50,000: then the mark stays, a job is
    enqueued, and False is returned. Call it last in the transaction: the lock is held until the commit.
    """
    with institution_scope(institution.id):
        if not _is_free(institution.id):
            enqueue(
                "compliance.evaluate_stale",
                institution_id=institution.id,
                queue="interactive",
                once=f"stale:{institution.id}",
            )
            return False
        _evaluate(
            facts.of(membership_ids_of(student_ids)), institution_id=institution.id, today=today, now=now
        )
        return True


def mark_lapsed(*, institution: Institution, today: date, now: datetime) -> int:
    """Mark those whose standing the passing of time may have changed by `today`; touches no other row."""
    with institution_scope(institution.id):
        return mark_lapsed_stale(today=today, now=now)


def note_day(*, institution: Institution, today: date, now: datetime) -> None:
    """Note how everybody stands as the figures of `today`; the last note of a day is the one that stays.

    Figures are derived and nobody's deed: nothing goes into the audit trail, and `now` is kept nowhere.
    """
    with institution_scope(institution.id):
        store.note_day(institution_id=institution.id, day=today)


def add_past_days(
    *,
    institution: Institution,
    trackers: Sequence[TrackerDay],
    requirements: Sequence[RequirementDay],
    by: audit.Actor,
    now: datetime,
) -> int:
    """Store figures of days that nobody noted here (a school's old system, the demonstration); return how many rows.

    They are unsaved; a day that was noted stays as it is.
    """
    with institution_scope(institution.id):
        for one in (*trackers, *requirements):
            one.institution_id = institution.id
        TrackerDay.objects.bulk_create(trackers, batch_size=5_000, ignore_conflicts=True)
        RequirementDay.objects.bulk_create(requirements, batch_size=5_000, ignore_conflicts=True)
        rows = len(trackers) + len(requirements)
        audit.record(
            "compliance:days:added", institution_id=institution.id, by=by, now=now, detail={"rows": rows}
        )
    return rows


def compiled_sets(today: date) -> Mapping[UUID, CompiledSet]:
    """Return by requirement group what is in force on `today`, ready to judge with."""
    sets = {group: compiled_set(in_force) for group, in_force in requirements.sets_in_force(today).items()}
    for group, first in requirements.first_sets_to_come(today).items():
        # Nothing is asked yet, but from that day on something will be.
        sets.setdefault(group, CompiledSet((), first, in_force=False))
    return sets


def compiled_set(in_force: requirements.SetInForce) -> CompiledSet:
    """Return a set ready to judge with."""
    return compile_set(in_force.requirements, in_force.replaced_on)


def _evaluate(loaded: list[Loaded], *, institution_id: UUID, today: date, now: datetime) -> None:
    if not loaded:
        return
    sets = compiled_sets(today)
    judged = (
        (one, judge(one.facts, sets.get(group) if (group := one.facts.requirement_group_id) else None, today))
        for one in loaded
    )
    store.write(store.compare(judged), institution_id=institution_id, now=now)


def _is_free(institution_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"evaluate:{institution_id}"]
        )
        return bool(cursor.fetchone()[0])


def _one_at_a_time(institution_id: UUID) -> None:
    """Let one evaluation of an institution run at a time: two would compare with the same stored items."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"evaluate:{institution_id}"]
        )
