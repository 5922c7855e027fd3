"""Writing the ledger in sets: who is reminded, who is left out, and the notices that carry it out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from pratique.foundation import bulk, clock
from pratique.foundation.ids import new_ids
from pratique.institutions.models import Institution
from pratique.reminders import planning, queries
from pratique.reminders.facts import Candidate, Reader
from pratique.reminders.models import Batch, BatchKind, BatchState, ReminderState
from pratique.reminders.types import NOTHING_TO_DO, Rules
from pratique.students.actions.notices import Asked, queue_reminders


def one_at_a_time(institution_id: UUID) -> None:
    """Let one transaction of an institution decide about reminders at a time.

    Each looks at what was sent before: two that look at once would both find nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reminders:{institution_id}"]
        )


class Moment:
    """When it is, at a school: the instant, its day, and when a reminder that is decided on now may go out."""

    def __init__(self, institution: Institution, now: datetime) -> None:
        self.institution, self.now = institution, now
        self.rules: Rules = queries.settings_of()
        self.zone = ZoneInfo(institution.time_zone)
        self.today = clock.today(institution.time_zone, at=now)
        self.window = planning.window(self.rules, self.zone, at=now)
        self.on: date = self.window.opens.astimezone(self.zone).date()
        self.reader = Reader(institution, today=self.today, on=self.on, now=now)

    @property
    def midnight(self) -> datetime:
        """When the school's day began."""
        return datetime.combine(self.today, datetime.min.time(), self.zone)


class Line(NamedTuple):
    """A line of the ledger to write. `reason` empty: the student is reminded, by `channels`."""

    candidate: Candidate
    channels: Sequence[str]
    reason: str


def decided(candidates: Iterable[Candidate], moment: Moment) -> list[Line]:
    """Decide about everybody. A student with two registrations is told of the one that is due first."""
    lines, told = [], set()
    for one in candidates:
        facts = one.facts
        reason = planning.left_out(facts, one.channels, moment.rules, today=moment.today, on=moment.on)
        if one.due_on is not None and one.due_on != facts.due_on and reason not in NOTHING_TO_DO:
            reason = "date_moved"
        if not reason and facts.student_id in told:
            reason = "written_lately"
        if not reason:
            told.add(facts.student_id)
        lines.append(Line(one, () if reason else planning.ways(facts, one.channels), reason))
    return lines


def counted(lines: Iterable[Line]) -> Mapping[str, int]:
    """Return how many are left out, by reason."""
    return dict(Counter(line.reason for line in lines if line.reason).most_common())


def is_much_judged(moment: Moment) -> bool:
    """Return whether the standing of so many is being worked out that nobody knows who is to be reminded.

    So it is for some minutes after a change of rules: what is known of the first of them says nothing of the rest.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select count(*) from (
                select 1 from students_membership
                where institution_id = %s and stale_since is not null and state = 'active' limit %s
            ) stale
            """,
            [moment.institution.id, moment.rules.approval_above + 1],
        )
        return bool(cursor.fetchone()[0] > moment.rules.approval_above)


def is_above_limit(moment: Moment, more: int) -> bool:
    """Return whether so many more students today want a person's decision; what a person allowed is not counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select count(*) from reminders_reminder r
            join reminders_batch b on b.institution_id = r.institution_id and b.id = r.batch_id
            where r.institution_id = %s and r.planned_at >= %s and r.state = 'queued' and b.state = 'approved'
                and b.decided_at is null
            """,
            [moment.institution.id, moment.midnight],
        )
        (already,) = cursor.fetchone()
    return planning.needs_approval(already, more, moment.rules)


def write_batch(lines: Sequence[Line], moment: Moment, *, kind: BatchKind, by: str, told: str = "") -> Batch:
    """Make a batch of these lines: sent at once, or waiting for approval if there are many."""
    students = sum(not line.reason for line in lines)
    waits = is_above_limit(moment, students)
    batch = Batch.objects.create(
        institution=moment.institution, kind=kind, students=students, created_at=moment.now, created_by=by,
        state=BatchState.WAITING if waits else BatchState.APPROVED, told=told[:300],
    )  # fmt: skip
    write_lines(lines, moment, batch=batch, may_go=not waits)
    return batch


_COLUMNS = (
    ("id", "uuid"), ("membership_id", "uuid"), ("due_on", "date"), ("step", "text"), ("channels", "text"),
    ("state", "text"), ("reason", "text"),
)  # fmt: skip
# A step that was put off has its row already: it is taken over by the batch that carries it out.
_WRITE = """
    insert into reminders_reminder (institution_id, id, batch_id, membership_id, due_on, step, channels, send_at, state,
        reason, planned_at, changed_at)
    select %(institution)s, id, %(batch)s, membership_id, due_on, step, to_jsonb(string_to_array(channels, ' ')),
        case when state = 'queued' then %(send_at)s::timestamptz end, state, reason, %(now)s, %(now)s
    from reminders_lines
    on conflict (institution_id, id) do update set batch_id = excluded.batch_id, channels = excluded.channels,
        send_at = excluded.send_at, state = excluded.state, reason = excluded.reason,
        planned_at = excluded.planned_at, changed_at = excluded.changed_at
"""


def write_lines(lines: Sequence[Line], moment: Moment, *, batch: Batch, may_go: bool) -> None:
    """Write lines of a batch and, if it may go, queue its notices: a fixed number of statements for any number."""
    if not lines:
        return
    ids = [
        line.candidate.facts.ledger_id or fresh
        for line, fresh in zip(lines, new_ids(len(lines)), strict=True)
    ]
    bulk.stage(
        "reminders_lines",
        _COLUMNS,
        (
            (
                id_, line.candidate.facts.membership_id, line.candidate.facts.due_on, line.candidate.step,
                # While it waits, the step's ways are kept: what the student wants is asked again when it goes out.
                " ".join(line.channels if may_go else line.candidate.channels), _state(line, may_go), line.reason,
            )
            for id_, line in zip(ids, lines, strict=True)
        ),
    )  # fmt: skip
    values = {
        "institution": moment.institution.id, "batch": batch.id, "send_at": moment.window.opens, "now": moment.now,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
    bulk.drop("reminders_lines")
    if may_go:
        queue_reminders(
            [
                Asked(id_, line.candidate.facts.student_id, channel, line.candidate.facts.due_on)
                for id_, line in zip(ids, lines, strict=True)
                for channel in line.channels
            ],
            institution_id=moment.institution.id,
            send_at=moment.window.opens,
            send_until=moment.window.closes,
            now=moment.now,
        )


def _state(line: Line, may_go: bool) -> str:
    if not line.reason:
        return ReminderState.QUEUED.value if may_go else ReminderState.WAITING.value
    return ReminderState.STOPPED.value if line.reason in NOTHING_TO_DO else ReminderState.LEFT_OUT.value
