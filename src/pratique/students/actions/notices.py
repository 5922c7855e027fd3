"""The ledger of notices: queued once, dropped where something newer made them pointless, claimed and noted."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from pratique.foundation import bulk, clock
from pratique.foundation.ids import new_id, new_ids
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy.channel import Channel
from pratique.institutions.models import Institution
from pratique.students import links
from pratique.students.access import AccessStanding, closing_of
from pratique.students.models import (
    Guardianship,
    Notice,
    NoticeChannel,
    NoticeKind,
    NoticeState,
    Student,
    StudentAccount,
)
from pratique.students.sending import Finished

# Notices that become due within one of these go out by one job.
_TOGETHER = 5

# A second event moves the waiting notice on: it must not go out before the later decision can no longer be undone.
_QUEUE = """
    insert into students_notice (institution_id, id, student_id, guardianship_id, kind, channel, state, queued_at,
        send_at, changed_at, failure)
    values (%(institution)s, %(id)s, %(student)s, %(guardianship)s, %(kind)s, %(channel)s, 'queued', %(now)s,
        %(send_at)s, %(now)s, '')
    on conflict (institution_id, student_id, guardianship_id, kind, channel) where state = 'queued'
    do update set send_at = greatest(students_notice.send_at, excluded.send_at)
"""


def queue_notice(
    *,
    student_id: UUID,
    kind: NoticeKind | str,
    now: datetime,
    send_at: datetime | None = None,
    guardianship_id: UUID | None = None,
) -> int:
    """Queue a notice on each channel that the person wants; return how many. One of a kind waits at a time.

    It goes out at `send_at` or later. With `guardianship_id` it goes to the guardian, by mail. Nobody is told
    anything about a registration that has ended, but a link that they asked for.
    """
    kind, due = NoticeKind(kind), send_at or now
    student = Student.objects.get(id=student_id)
    channels = _channels(student, kind, guardianship_id, now)
    for channel in channels:
        values = {
            "institution": student.institution_id, "id": new_id(), "student": student.id,
            "guardianship": guardianship_id, "kind": kind.value, "channel": channel.value, "now": now,
            "send_at": due,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_QUEUE, values)
        _enqueue(student.institution_id, channel, due, now)
    return len(channels)


def _channels(
    student: Student, kind: NoticeKind, guardianship_id: UUID | None, now: datetime
) -> list[NoticeChannel]:
    if guardianship_id is not None:
        held = Guardianship.objects.filter(id=guardianship_id, revoked_at__isnull=True)
        return [NoticeChannel.MAIL] if held.exists() else []
    mail = [NoticeChannel.MAIL] if student.email else []
    if kind == NoticeKind.SIGN_IN_LINK:
        return mail
    today = clock.today(Institution.objects.get(id=student.institution_id).time_zone, at=now)
    if closing_of(student.id, today).standing is not AccessStanding.ACTIVE:
        return []
    account = StudentAccount.objects.filter(student=student).first()
    if account is None:
        return mail
    texts = [NoticeChannel.TEXT] if account.notify_by_text else []
    return (mail if account.notify_by_mail else []) + texts


def _enqueue(institution_id: UUID, channel: NoticeChannel, due: datetime, now: datetime) -> None:
    """Have what is due sent at the end of its few seconds, by one job for all that become due in them."""
    end = -(-due.timestamp() // _TOGETHER) * _TOGETHER
    at = datetime.fromtimestamp(end, UTC)
    later = due > now + timedelta(seconds=1)
    enqueue(
        "students.send_notices",
        institution_id=institution_id,
        queue="mail",
        once=f"notices:{channel.value}:{institution_id}:{int(end) if later else 'now'}",
        at=at if later else None,
        channel=channel.value,
    )


def drop_waiting(*, student_id: UUID, kinds: Iterable[NoticeKind | str], now: datetime) -> int:
    """Drop what waits to be told to a student (a decision was undone, nothing is missing any more); how many."""
    waiting = Notice.objects.filter(
        student_id=student_id, kind__in=[NoticeKind(kind).value for kind in kinds], state=NoticeState.QUEUED
    )
    return waiting.update(state=NoticeState.DROPPED, changed_at=now)


class Asked(NamedTuple):
    """A reminder to queue: what asked for it (`reminders.Reminder`), to whom, which way, about which due date."""

    cause: UUID
    student_id: UUID
    channel: str
    due_on: date | None


_ASKED = (("id", "uuid"), ("student_id", "uuid"), ("channel", "text"), ("due_on", "date"), ("cause", "uuid"))
_QUEUE_REMINDERS = """
    insert into students_notice (institution_id, id, student_id, kind, channel, state, queued_at, send_at, send_until,
        due_on, cause, changed_at, failure)
    select %(institution)s, id, student_id, 'reminder', channel, 'queued', %(now)s, %(send_at)s, %(send_until)s,
        due_on, cause, %(now)s, ''
    from students_asked
    on conflict (institution_id, student_id, guardianship_id, kind, channel) where state = 'queued' do nothing
"""


def queue_reminders(
    asked: Collection[Asked],
    *,
    institution_id: UUID,
    send_at: datetime,
    send_until: datetime | None,
    now: datetime,
) -> int:
    """Queue reminders, thousands in one statement, to go out from `send_at` until `send_until`; return how many.

    Whoever asks has seen to it that the student wants them. Somebody for whom one waits gets no second one.
    """
    if not asked:
        return 0
    ids = new_ids(len(asked))
    bulk.stage(
        "students_asked",
        _ASKED,
        (
            (id_, one.student_id, one.channel, one.due_on, one.cause)
            for id_, one in zip(ids, asked, strict=True)
        ),
    )
    values: dict[str, Any] = {
        "institution": institution_id,
        "now": now,
        "send_at": send_at,
        "send_until": send_until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_REMINDERS, values)
        queued: int = cursor.rowcount
    bulk.drop("students_asked")
    for channel in sorted({one.channel for one in asked}):
        _enqueue(institution_id, NoticeChannel(channel), send_at, now)
    return queued


def move_late_reminders(*, send_at: datetime, send_until: datetime | None, now: datetime) -> list[UUID]:
    """Give the reminders whose hours are over new ones; return what asked for them.

    A queue can be longer than a day, and a worker can be down: what is left goes out in the next hours allowed.
    """
    late = Notice.objects.filter(state=NoticeState.QUEUED, kind=NoticeKind.REMINDER, send_until__lte=now)
    found = list(
        late.select_for_update(skip_locked=True).values_list("id", "cause", "channel", "institution_id")
    )
    Notice.objects.filter(id__in=[id_ for id_, *_ in found], state=NoticeState.QUEUED).update(
        send_at=send_at, send_until=send_until
    )
    for institution_id, channel in {(institution_id, channel) for *_, channel, institution_id in found}:
        _enqueue(institution_id, NoticeChannel(channel), send_at, now)
    return [cause for _, cause, *_ in found if cause]


# A reminder goes out only as long as it is true and wanted: on a tracker that is due on that very day something is
# still to be done, and the student has not said meanwhile that they would rather not be told this way.
_STILL_WANTED = """(
    exists (
        select 1 from students_membership m
        join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
        join institutions_institution i on i.id = m.institution_id
        where m.institution_id = n.institution_id and m.student_id = n.student_id and m.state = 'active'
            and not m.user_complete and t.due_on = n.due_on
            and (m.expires_on is null or m.expires_on >= (%(now)s at time zone i.time_zone)::date)
    ) and not exists (
        select 1 from students_studentaccount a
        where a.institution_id = n.institution_id and a.student_id = n.student_id
            and not case when n.channel = 'mail' then a.notify_by_mail else a.notify_by_text end
    )
)"""
_DROP_POINTLESS = f"""
    update students_notice n set state = 'dropped', changed_at = %(now)s
    where n.institution_id = %(institution)s and n.state = 'queued' and n.kind = 'reminder' and n.send_at <= %(now)s
        and n.channel = %(channel)s and not {_STILL_WANTED}
"""  # noqa: S608  (constants only)


def drop_pointless_reminders(*, institution_id: UUID, by: NoticeChannel, now: datetime) -> int:
    """Drop the reminders that are due and whose student has nothing left to do; return how many."""
    values: dict[str, Any] = {"institution": institution_id, "channel": by.value, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_DROP_POINTLESS, values)
        return int(cursor.rowcount)


class Claimed(NamedTuple):
    """A notice taken for sending, with what its text says. `token` opens a link, if the kind has one.

    A reminder speaks of `due_on`; `is_over`: that day has passed.
    """

    id: UUID
    kind: str
    name: str
    username: str
    email: str
    number: str
    language: str
    has_account: bool
    guardian: str
    due_on: date | None = None
    is_over: bool = False
    token: str = ""


# Reminders come last, by an index of their own for the rest: whoever asked for a link does not wait behind thousands.
_ADVANCE = f"""
    with finished as (
        update students_notice set state = %(state)s, failure = %(failure)s, changed_at = %(now)s
        where institution_id = %(institution)s and id = %(finished)s
    ), picked as materialized (
        select coalesce((
            select id from students_notice
            where institution_id = %(institution)s and state = 'queued' and kind <> 'reminder'
                and channel = %(channel)s and send_at <= %(now)s
            order by send_at, id limit 1 for update skip locked
        ), (
            select id from students_notice
            where institution_id = %(institution)s and state = 'queued' and kind = 'reminder'
                and channel = %(channel)s and send_at <= %(now)s and (send_until is null or send_until > %(now)s)
            order by send_at, id limit 1 for update skip locked
        )) as id
        where %(claim)s
    ), next as (
        update students_notice n set changed_at = %(now)s,
            state = case when n.kind <> 'reminder' or {_STILL_WANTED} then 'sending' else 'dropped' end
        from picked
        where n.institution_id = %(institution)s and n.id = picked.id
        returning n.id, n.kind, n.student_id, n.guardianship_id, n.due_on, n.state
    ), person as (
        select n.id, n.kind, n.student_id, n.guardianship_id, s.username, a.id is not null as has_account, n.state,
            coalesce(nullif(s.first_name, ''), nullif(s.last_name, ''), s.username) as name,
            case when g.id is null then s.email else g.email end as email,
            coalesce(a.text_number, '') as number,
            coalesce(case when g.id is null then u.language else h.language end, '') as language,
            coalesce(g.name, '') as guardian, n.due_on,
            coalesce(n.due_on < (%(now)s at time zone i.time_zone)::date, false) as is_over
        from next n
        join institutions_institution i on i.id = %(institution)s
        join students_student s on s.institution_id = %(institution)s and s.id = n.student_id
        left join students_studentaccount a on a.institution_id = %(institution)s and a.student_id = s.id
        left join accounts_user u on u.institution_id = %(institution)s and u.id = a.user_id
        left join students_guardianship g on g.institution_id = %(institution)s and g.id = n.guardianship_id
        left join accounts_user h on h.institution_id = %(institution)s and h.id = g.user_id
    ), link as (
        insert into students_signinlink (institution_id, id, student_id, guardianship, purpose, token_hash,
            created_at, expires_at, wrong_tries)
        select %(institution)s, %(link)s, student_id, guardianship_id,
            case when guardianship_id is null then 'student' else 'guardian' end, %(token_hash)s, %(now)s,
            %(expires)s, 0
        from person
        where email <> '' and state = 'sending'
            and (kind = 'guardian_invited' or kind in ('sign_in_link', 'reminder') and not has_account)
    )
    select state, id, kind, name, username, email, number, language, has_account, guardian, due_on, is_over
    from person
"""  # noqa: S608  (constants only)
_NOBODY = UUID(int=0)


def advance_notices(
    channel: Channel, *, institution_id: UUID, by: NoticeChannel, finished: Finished | None, claim: bool,
    now: datetime,
) -> Claimed | None:  # fmt: skip
    """Note what became of a notice, and if `claim`, take the next that is due; None if none is.

    Committed when it returns. Several senders never get the same one. A reminder that became pointless since it was
    queued is dropped instead, in the statement that would have taken it.
    """
    done = finished or Finished(_NOBODY, NoticeState.FAILED.value)
    while True:
        fresh = links.new_token()
        values = {
            "institution": institution_id, "finished": done.id, "state": str(done.state),
            "failure": done.failure[:200], "claim": claim, "channel": by.value, "now": now, "link": new_id(),
            "token_hash": fresh.token_hash, "expires": now + links.GOOD_FOR,
        }  # fmt: skip
        row = channel.execute(_ADVANCE, values).fetchone()
        if row is None:
            return None
        if row[0] == NoticeState.SENDING:
            return Claimed._make((*row[1:], fresh.token))
        done = Finished(_NOBODY, NoticeState.FAILED.value)


def notices_wait(*, by: NoticeChannel, now: datetime) -> bool:
    """Return whether a notice of a channel is due."""
    due = Notice.objects.filter(state=NoticeState.QUEUED, channel=by, send_at__lte=now)
    return due.filter(Q(send_until__isnull=True) | Q(send_until__gt=now)).exists()


def doubt_abandoned_notices(*, claimed_before: datetime, now: datetime) -> int:
    """Put aside what a sender took and never finished: it may have gone out, and nobody is told twice."""
    abandoned = Notice.objects.filter(state=NoticeState.SENDING, changed_at__lt=claimed_before)
    return abandoned.update(state=NoticeState.IN_DOUBT, changed_at=now)
