"""A worker's tries of deliveries, each in a process of its own that dies where it is told to.

python -m tests.integration.delivery.sender      (lines of standard input: INSTITUTION DELIVERY WHERE [NOW])
"""

import os
import signal
import sys
from datetime import datetime
from uuid import UUID

import django

WHERES = ("while_making", "in_mid_upload", "before_the_note", "after_the_note", "after_the_rename")


def main() -> None:
    """Fork a worker for each line of standard input, and say how it ended: it is set up once for all of them."""
    django.setup()
    import pratique.delivery.sending  # noqa: F401

    for line in sys.stdin:
        worker = os.fork()
        if not worker:
            attempt(*line.split())
            os._exit(0)
        _pid, status = os.waitpid(worker, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def attempt(institution_id: str, delivery_id: str, where: str, now: str = "") -> None:
    from pratique.delivery import sending
    from pratique.delivery.actions import sending as steps
    from pratique.foundation import clock

    if now:
        clock.now = lambda: datetime.fromisoformat(now)  # type: ignore[assignment]

    def die(*_arguments: object, **_named: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    note_renaming, report_of = steps.note_renaming, steps.report_of
    sending._NOTED_EVERY_SECONDS = 0

    def dies_in_mid_upload(_delivery: object, sent: int, _now: object) -> None:
        if sent:
            die()

    def dies_in_mid_report(delivery: object) -> object:
        yield next(iter(report_of(delivery)))  # type: ignore[arg-type]
        die()

    def noted_and_dead(*arguments: object) -> None:
        note_renaming(*arguments)  # type: ignore[arg-type]
        die()

    if where == "while_making":
        steps.report_of = dies_in_mid_report  # type: ignore[assignment]
    elif where == "in_mid_upload":
        steps.note_sent = dies_in_mid_upload  # type: ignore[assignment]
    elif where == "before_the_note":
        steps.note_renaming = die  # type: ignore[assignment]
    elif where == "after_the_note":
        steps.note_renaming = noted_and_dead  # type: ignore[assignment]
    elif where == "after_the_rename":
        steps.delivered = die  # type: ignore[assignment]
    sending.send(UUID(institution_id), UUID(delivery_id))


if __name__ == "__main__":
    main()
