"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation.queue import RETRY, enqueue
from pratique.students import invitations, notices
from pratique.students.models import NoticeChannel


@app.task(name="students.send_invitations", queue="mail", retry=RETRY)
def send_invitations(*, institution_id: str) -> None:
    """Send the invitations that wait, for a while; the rest is a job of its own."""
    if invitations.send_waiting(institution_id=UUID(institution_id)).more:
        enqueue(
            "students.send_invitations",
            institution_id=UUID(institution_id),
            queue="mail",
            once=f"mail:{institution_id}",
        )


@app.task(name="students.send_notices", queue="mail", retry=RETRY)
def send_notices(*, institution_id: str, channel: str) -> None:
    """Send the notices of a channel that are due, for a while; the rest is a job of its own."""
    if notices.send_waiting(UUID(institution_id), channel=NoticeChannel(channel)).more:
        enqueue(
            "students.send_notices",
            institution_id=UUID(institution_id),
            queue="mail",
            once=f"notices:{channel}:{institution_id}:now",
            channel=channel,
        )
