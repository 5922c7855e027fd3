"""Reminders and escalations in words: steps, states, what became of a message, which list somebody reminded."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.interfaces.console import student_list
from pratique.reminders.models import Batch, BatchKind, BatchState, Reminder, ReminderState
from pratique.reminders.queries import NUDGE, notices_of
from pratique.reminders.types import REASONS, Step, StepKind
from pratique.students.models import Notice, NoticeState

Words = Mapping[str, str | Promise]

STATES: Words = {
    ReminderState.WAITING.value: gettext_lazy("Waits for approval"),
    ReminderState.QUEUED.value: gettext_lazy("Sent, or on its way"),
    ReminderState.STOPPED.value: gettext_lazy("Not needed any more"),
    ReminderState.LEFT_OUT.value: gettext_lazy("Left out"),
}
KINDS: Words = {
    StepKind.HOLD.value: gettext_lazy("Registration hold"),
    StepKind.HOUSING.value: gettext_lazy("Housing office"),
    StepKind.ADVISOR.value: gettext_lazy("Advisor"),
}
# What the approval of an escalation does.
CONSEQUENCES: Words = {
    StepKind.HOLD.value: gettext_lazy(
        "The registrar is asked for a hold: it stands in the report “Escalations” until the student has handed in "
        "everything."
    ),
    StepKind.HOUSING.value: gettext_lazy(
        "The housing office gets a mail with the number of students and a link, no names."
    ),
    StepKind.ADVISOR.value: gettext_lazy(
        "The advisor gets a mail with the number of students and a link, no names."
    ),
}
_MESSAGES: Mapping[str, Words] = {
    "mail": {
        NoticeState.QUEUED.value: gettext_lazy("E-mail on its way"),
        NoticeState.SENDING.value: gettext_lazy("E-mail on its way"),
        NoticeState.SENT.value: gettext_lazy("E-mail sent"),
        NoticeState.FAILED.value: gettext_lazy("E-mail could not be sent"),
        NoticeState.IN_DOUBT.value: gettext_lazy("E-mail perhaps sent"),
        NoticeState.DROPPED.value: gettext_lazy("E-mail dropped: nothing was left to do"),
    },
    "text": {
        NoticeState.QUEUED.value: gettext_lazy("Text on its way"),
        NoticeState.SENDING.value: gettext_lazy("Text on its way"),
        NoticeState.SENT.value: gettext_lazy("Text sent"),
        NoticeState.FAILED.value: gettext_lazy("Text could not be sent"),
        NoticeState.IN_DOUBT.value: gettext_lazy("Text perhaps sent"),
        NoticeState.DROPPED.value: gettext_lazy("Text dropped: nothing was left to do"),
    },
}


def message(notice: Notice) -> str:
    """What became of one message."""
    return message_of(notice.channel, notice.state)


def message_of(channel: str, state: str) -> str:
    """What became of messages that went by a channel and are in a state."""
    return str(_MESSAGES.get(channel, {}).get(state, ""))


def reason(code: str) -> str:
    """Why somebody was left out."""
    return str(REASONS.get(code, code))


def kind(code: str) -> str:
    """What an escalation asks for."""
    return str(KINDS.get(code, code))


def standing(reminder: Reminder, messages: Sequence[Notice]) -> str:
    """How a reminder stands, as one of `words.CHIPS["reminder"]`; `messages` are what went out for it."""
    if reminder.state != ReminderState.QUEUED:
        return reminder.state
    states = {one.state for one in messages}
    for state, shown in (
        (NoticeState.SENT, "sent"), (NoticeState.QUEUED, "on_the_way"), (NoticeState.SENDING, "on_the_way"),
        (NoticeState.IN_DOUBT, "in_doubt"), (NoticeState.FAILED, "failed"), (NoticeState.DROPPED, "stopped"),
    ):  # fmt: skip
        if state in states:
            return shown
    return "on_the_way"


def with_messages(reminders: Sequence[Reminder]) -> list[tuple[Reminder, str, Sequence[Notice]]]:
    """Return each reminder with how it stands and what went out for it; one query."""
    notices = notices_of([one.id for one in reminders])
    return [(one, standing(one, sent), sent) for one in reminders for sent in [notices.get(one.id, ())]]


def batch_standing(batch: Batch) -> str:
    """How a batch stands, as one of `words.CHIPS["batch"]`."""
    return "empty" if batch.state == BatchState.APPROVED and not batch.students else batch.state


def batch_title(batch: Batch) -> str:
    """What set a batch off."""
    return _("By hand") if batch.kind == BatchKind.NUDGE else _("By the ladder")


def step(key: str) -> str:
    """A step of the ledger in words: `14-before` is “14 days before”."""
    if key in ("", NUDGE):
        return _("By hand")
    days, _separator, rest = key.partition("-")
    if not days.isdigit():
        return _("On the day")
    count = int(days)
    if rest.startswith("before"):
        return ngettext("{count} day before", "{count} days before", count).format(count=count)
    return ngettext("{count} day after", "{count} days after", count).format(count=count)


def sentence(one: Step, due_on: date | None) -> str:
    """Say of a ladder's step when it comes and what it does; `due_on` is a date to show it by."""
    return _("{when}: {what}").format(when=_when(one.days, due_on), what=_what(one))


def _when(days: int, due_on: date | None) -> str:
    count = abs(days)
    # "the due date" is not put in like a date: other languages have another article before it.
    if due_on is None:
        if not days:
            return _("On the due date")
        if days < 0:
            said = ngettext("{count} day before the due date", "{count} days before the due date", count)
        else:
            said = ngettext("{count} day after the due date", "{count} days after the due date", count)
        return said.format(count=count)
    due = date_format(due_on, "MONTH_DAY_FORMAT")
    if not days:
        return _("On {day}, the due date").format(day=due)
    if days < 0:
        said = ngettext("{count} day before {due}", "{count} days before {due}", count)
    else:
        said = ngettext("{count} day after {due}", "{count} days after {due}", count)
    return _("{said}, on {day}").format(
        said=said.format(count=count, due=due),
        day=date_format(due_on + timedelta(days=days), "MONTH_DAY_FORMAT"),
    )


def _what(one: Step) -> str:
    if one.kind == StepKind.REMINDER:
        both = {
            ("mail", "text"): _("e-mail, and text to those who want it"),
            ("mail",): _("e-mail"),
            ("text",): _("text, to those who want it"),
        }
        return both.get(one.channels, _("nothing yet, choose a way"))
    what = {
        StepKind.HOLD.value: _("a registration hold is asked for"),
        StepKind.HOUSING.value: _("the housing office is told"),
        StepKind.ADVISOR.value: _("the advisor is told"),
    }[one.kind]
    return _("{what}, once somebody approves").format(what=what) if one.needs_approval else what


def told(query: QueryDict) -> str:
    """Say which students a list's address asks for, without a name of anybody: what was searched for is not said."""
    said = [f"{choice.name}: {choice.label}" for choice in student_list.choices(query) if choice.label]
    if query.get("q", "").replace("\0", "").strip():
        said.append(_("found by a search"))
    return ", ".join(said) or _("All active students")


def left_out(counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """Return why students are left out and how many, most first."""
    return [(reason(code), count) for code, count in sorted(counts.items(), key=lambda one: -one[1])]
