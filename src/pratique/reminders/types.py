"""Words of reminders: steps, why somebody is left out, what a nudge would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, str | Promise]


class ReminderError(Exception):
    """Something cannot be done as asked; the message is fit for a person."""


class LadderError(ReminderError):
    """A step or a setting cannot be as asked. `field` is the one to mend, such as `steps.2.contact` or `quiet_from`."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class DecidedError(ReminderError):
    """A batch that was to be decided was decided before, or lapsed."""


class StepKind(StrEnum):
    """What a step does. All but a reminder are escalations: they ask somebody of the school to act."""

    REMINDER = "reminder"
    HOLD = "hold"
    HOUSING = "housing"
    ADVISOR = "advisor"


KINDS: Words = {
    StepKind.REMINDER: _("Remind the student"),
    StepKind.HOLD: _("Ask for a registration hold"),
    StepKind.HOUSING: _("Tell the housing office"),
    StepKind.ADVISOR: _("Tell the advisor"),
}
CHANNELS: Words = {"mail": _("E-mail"), "text": _("Text message")}


@dataclass(frozen=True)
class Step:
    """One rung of a ladder: when (days before the due date are negative), what, and how.

    `channels` are a reminder's; `contact` (an address of the school) is housing's and the advisor's; an escalation
    with `needs_approval` waits for a person.
    """

    days: int
    kind: str = StepKind.REMINDER.value
    channels: tuple[str, ...] = ("mail", "text")
    contact: str = ""
    needs_approval: bool = True

    @property
    def key(self) -> str:
        """Name the step in the ledger: `14-before`, `on-the-day`, `7-after`, `7-after-hold`."""
        when = "on-the-day" if not self.days else f"{abs(self.days)}-{'before' if self.days < 0 else 'after'}"
        return when if self.kind == StepKind.REMINDER else f"{when}-{self.kind}"


# Why somebody is left out of a batch (`Reminder.reason`, `NudgePreview.left_out`).
REASONS: Words = {
    "complete": _("Everything is approved."),
    "all_handed_in": _("Everything is handed in, and waits for the school."),
    "archived": _("The registration is in the archive."),
    "ended": _("The registration has ended."),
    "no_tracker": _("There is no due date: no tracker is chosen yet."),
    "being_judged": _("Something has changed a moment ago and is being looked at."),
    "no_address": _("There is no address to write to."),
    "unwanted": _("The student does not want to be told in this way."),
    "waiting": _("A reminder to this student waits already."),
    "just_invited": _("The student was invited only a few days ago."),
    "written_lately": _("The last reminder was only a few days ago."),
    "capped": _("The student got as many reminders in seven days as the settings allow."),
    "date_moved": _("The due date is another one by now."),
    "refused": _("Somebody decided against it."),
    "lapsed": _("Nobody decided in time."),
}
# Those that pass by themselves: the same step is tried again until the next one is reached.
PASSING = frozenset({"being_judged", "waiting", "just_invited", "written_lately", "capped"})
# Those that say that nothing is asked of the student (any more).
NOTHING_TO_DO = frozenset({"complete", "all_handed_in", "archived", "ended", "no_tracker", "date_moved"})


@dataclass(frozen=True)
class Rules:
    """How an institution reminds (models.ReminderSettings), as plain values. `weekdays` empty: every day."""

    quiet_from: time = time(20)
    quiet_until: time = time(8)
    weekdays: tuple[int, ...] = ()
    most_a_week: int = 2
    days_between: int = 2
    approval_above: int = 500


class Facts(NamedTuple):
    """What decides whether a student is reminded of one membership now. Days are the school's."""

    membership_id: UUID
    student_id: UUID
    state: str
    expires_on: date | None
    due_on: date | None
    complete: bool
    user_complete: bool
    stale: bool
    has_email: bool
    has_account: bool
    by_mail: bool
    by_text: bool
    invited_on: date | None
    # Of reminders and nudges that went out: how many within the seven days that end on the day this one would go
    # out, and the latest day. `waits`: one waits for approval, or to be sent.
    told_this_week: int
    told_on: date | None
    waits: bool
    # Where the step was tried before and put off for a reason of PASSING: that row of the ledger, and the reason.
    ledger_id: UUID | None = None
    put_off_for: str = ""


@dataclass(frozen=True)
class NudgePreview:
    """What nudging a list would do at this moment.

    `count` students are told; `left_out` counts the memberships that are not, by code of REASONS; `by_channel`
    counts messages; `texts` are the words by language and channel. `send_at`: when they may go out, at the earliest.
    """

    count: int
    left_out: Mapping[str, int]
    by_channel: Mapping[str, int]
    texts: Mapping[str, Mapping[str, str]]
    needs_approval: bool
    send_at: datetime


@dataclass(frozen=True)
class LadderView:
    """The ladder of a requirement group, or (`requirement_group_id` None) of all that have none of their own.

    `is_own`: somebody set this one; else it shows what holds instead, or what is suggested.
    """

    requirement_group_id: UUID | None
    name: str
    steps: Sequence[Step]
    is_on: bool
    is_own: bool
    changed_at: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True)
class Waiting:
    """How much waits for somebody's decision."""

    batches: int
    escalations: int


@dataclass(frozen=True)
class Planned:
    """What a run of `plan` did for an institution. `held_back`: too much is being judged to know who is incomplete."""

    reminded: int = 0
    waiting: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    escalations: int = 0
    ended: int = 0
    lapsed: int = 0
    held_back: bool = False
