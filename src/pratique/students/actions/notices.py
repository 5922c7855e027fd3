"""The ledger of notices: queued once, dropped where something newer made them pointless, claimed and noted."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from pratique.foundation import clock
from pratique.foundation.ids import new_id
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


class Claimed(NamedTuple):
    """A notice taken for sending, with what its text says. `token` opens a link, if the kind has one."""

    id: UUID
    kind: str
    name: str
    username: str
    email: str
    number: str
    language: str
    has_account: bool
    guardian: str
    token: str


_ADVANCE = """
    with finished as (
        update students_notice set state = %(state)s, failure = %(failure)s, changed_at = %(now)s
        where institution_id = %(institution)s and id = %(finished)s
    ), next as (
        update students_notice set state = 'sending', changed_at = %(now)s
        where %(claim)s and institution_id = %(institution)s and id = (
            select id from students_notice
            where institution_id = %(institution)s and state = 'queued' and channel = %(channel)s
              and send_at <= %(now)s
            order by send_at, id limit 1 for update skip locked
        )
        returning id, kind, student_id, guardianship_id
    ), person as (
        select n.id, n.kind, n.student_id, n.guardianship_id, s.username, a.id is not null as has_account,
            coalesce(nullif(s.first_name, ''), nullif(s.last_name, ''), s.username) as name,
            case when g.id is null then s.email else g.email end as email,
            coalesce(a.text_number, '') as number,
            coalesce(case when g.id is null then u.language else h.language end, '') as language,
            coalesce(g.name, '') as guardian
        from next n
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
        from person where email <> '' and (kind = 'guardian_invited' or kind = 'sign_in_link' and not has_account)
    )
    select id, kind, name, username, email, number, language, has_account, guardian from person
"""
_NOBODY = UUID(int=0)


def advance_notices(
    channel: Channel, *, institution_id: UUID, by: NoticeChannel, finished: Finished | None, claim: bool,
    now: datetime,
) -> Claimed | None:  # fmt: skip
    """Note what became of a notice, and if `claim`, take the next that is due; None if none is.

    Committed when it returns. Several senders never get the same one.
    """
    done = finished or Finished(_NOBODY, NoticeState.FAILED.value)
    fresh = links.new_token()
    values = {
        "institution": institution_id, "finished": done.id, "state": str(done.state), "failure": done.failure[:200],
        "claim": claim, "channel": by.value, "now": now, "link": new_id(), "token_hash": fresh.token_hash,
        "expires": now + links.GOOD_FOR,
    }  # fmt: skip
    row = channel.execute(_ADVANCE, values).fetchone()
    return Claimed._make((*row, fresh.token)) if row else None


def notices_wait(*, by: NoticeChannel, now: datetime) -> bool:
    """Return whether a notice of a channel is due."""
    return Notice.objects.filter(state=NoticeState.QUEUED, channel=by, send_at__lte=now).exists()


def doubt_abandoned_notices(*, claimed_before: datetime, now: datetime) -> int:
    """Put aside what a sender took and never finished: it may have gone out, and nobody is told twice."""
    abandoned = Notice.objects.filter(state=NoticeState.SENDING, changed_at__lt=claimed_before)
    return abandoned.update(state=NoticeState.IN_DOUBT, changed_at=now)
