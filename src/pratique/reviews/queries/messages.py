"""Reading messages: a thread, and how many are unread on either side. Guardians never see what is confidential."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from pratique.records import confidentiality
from pratique.reviews.models import Message, MessageSide
from pratique.reviews.queries.names import names_of
from pratique.reviews.types import MessageLine


class Unanswered(NamedTuple):
    """A student who wrote what nobody has read: how many messages, and since when the first waits."""

    student_id: UUID
    student_name: str
    unread: int
    since: datetime


class ThreadLine(NamedTuple):
    """A thread of one student: how many messages, how many unread for the one who asks, and the last one's time."""

    requirement_key: str
    messages: int
    unread: int
    last_at: datetime


def confidential_keys(student_id: UUID) -> set[str]:
    """Return the requirements of which something confidential was handed in or begun: guardians see none of them."""
    return confidentiality.keys(student_id)


def thread(
    student_id: UUID, requirement_key: str | None = None, *, sees_confidential: bool = True
) -> list[MessageLine]:
    """Return the messages of a thread, the oldest first; None as key gives all of a student's."""
    messages = _visible(student_id, sees_confidential)
    if requirement_key is not None:
        messages = messages.filter(requirement_key=requirement_key)
    return lines(list(messages.order_by("sent_at", "id")))


def lines(messages: Sequence[Message]) -> list[MessageLine]:
    """Return messages with the names of those who wrote them. One query."""
    names = names_of(message.sent_by for message in messages)
    return [
        MessageLine(
            message.id, message.requirement_key, message.side, names.get(message.sent_by, ""), message.body,
            message.confidential, message.sent_at, message.read_at,
        )
        for message in messages
    ]  # fmt: skip


def threads(student_id: UUID, *, side: MessageSide, sees_confidential: bool = True) -> list[ThreadLine]:
    """Return a student's threads, the one last written to first; unread is what `side` has not read."""
    other = MessageSide.STUDENT if side == MessageSide.STAFF else MessageSide.STAFF
    counted = (
        _visible(student_id, sees_confidential)
        .values_list("requirement_key")
        .annotate(
            messages=Count("id"),
            unread=Count("id", filter=Q(side=other, read_at__isnull=True)),
            last=Max("sent_at"),
        )
        .order_by("-last")
    )
    return [ThreadLine(*row) for row in counted]


def unread_for_student(student_id: UUID, *, sees_confidential: bool = True) -> int:
    """Return how many messages of staff the student has not read."""
    return (
        _visible(student_id, sees_confidential).filter(side=MessageSide.STAFF, read_at__isnull=True).count()
    )


def unanswered(limit: int) -> list[Unanswered]:
    """Return the students with messages that nobody has read, who waits longest first, at most `limit`."""
    found = (
        Message.objects.filter(side=MessageSide.STUDENT, read_at__isnull=True)
        .values_list("student_id", "student__first_name", "student__last_name")
        .annotate(unread=Count("id"), since=Min("sent_at"))
        .order_by("since", "student_id")[:limit]
    )
    return [
        Unanswered(student_id, f"{first} {last}".strip(), unread, since)
        for student_id, first, last, unread, since in found
    ]


def _visible(student_id: UUID, sees_confidential: bool) -> QuerySet[Message]:
    messages = Message.objects.filter(student_id=student_id)
    if sees_confidential:
        return messages
    # The thread about no requirement is between the student and the school.
    hidden = {"", *confidential_keys(student_id)}
    return messages.filter(confidential=False).exclude(requirement_key__in=hidden)
