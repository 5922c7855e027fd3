"""Who saw or changed a student's record: all of it for staff who may know, and a part of it for the student.

The student learns what kind of thing was done, when, and by whom in kind: never a name of staff, and nothing of
how reviewers work among themselves (notes, hand-overs, second opinions). What is not known to be harmless is left
out, so that a deed which somebody adds later shows itself to no student by accident.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.foundation import audit
from pratique.foundation.audit_kinds import VERBS, Kind, kind_of
from pratique.foundation.models import AuditEvent
from pratique.students.folding import username_key
from pratique.students.models import Student

PAGE = 25
_NEWEST = 2_000  # a record has some hundred events; nobody turns eighty pages


@dataclass(frozen=True)
class Deed:
    """One event as the student may see it."""

    at: datetime
    kind: Kind
    what: str | Promise
    who: str | Promise


@dataclass(frozen=True)
class History:
    """A page of deeds, newest first, and whether there are older ones."""

    deeds: tuple[Deed, ...]
    page: int
    more: bool


def find_student(text: str) -> Student | None:
    """Return the student of the present institution with this key, username or student id, or None."""
    text = text.replace("\0", "").strip()
    try:
        return Student.objects.filter(id=UUID(text)).first()
    except ValueError:
        pass
    named = Student.objects.filter(username_key=username_key(text)).first() if text else None
    return named or (Student.objects.filter(student_id=text).first() if text else None)


def for_student(
    student_id: UUID, *, since: datetime | None = None, page: int = 1, size: int = PAGE
) -> History:
    """Return what a student may know about who saw or changed their record, `size` deeds a page."""
    deeds = visible_deeds(audit.about("student", student_id, since=since)[:_NEWEST])
    first = (max(1, page) - 1) * size
    return History(tuple(deeds[first : first + size]), max(1, page), len(deeds) > first + size)


def visible_deeds(events: Iterable[AuditEvent]) -> list[Deed]:
    """Return the events that a student may see, in words. PURE."""
    return [deed for event in events if (deed := _deed(event)) is not None]


# Parts of an action's name that tell how reviewers work among themselves.
_INTERNAL = {
    "note", "notes", "noted", "staff", "internal", "handed_over", "handover", "handed_to", "taken_over", "opinion",
    "opinions", "claim", "claimed", "released", "release", "renewed", "flag", "flagged", "duplicate", "duplicates",
    "assigned", "queue", "escalated", "forgotten", "discarded", "checked",
}  # fmt: skip
# What a student is told of a change is that there was one: these verbs, of these sources.
_CHANGES = {
    "added", "changed", "edited", "corrected", "removed", "deleted", "created", "updated", "uploaded", "sent",
    "received", "handed_in", "withdrawn", "moved", "split", "signed", "granted", "allowed", "revoked", "ended",
    "accepted", "invited", "archived", "restored", "started", "replied", "written",
    "reopened", "issued", "chosen", "notices_chosen", "tracker_set", "status_set", "tracker_chosen",
}  # fmt: skip
_WORDS: Mapping[Kind, str | Promise] = {
    Kind.VIEWED: _("Looked at your record"),
    Kind.EXPORTED: _("Took a copy of your record"),
    Kind.DECIDED: _("Decided on something in your record"),
    Kind.CHANGED: _("Changed something in your record"),
    Kind.SIGNED_IN: _("Signed in"),
}
# More exact words where the subject (an action's second part) says more, with its verb or else its kind. One line each.
_EXACT: Mapping[tuple[str, str], str | Promise] = {
    ("student", "created"): _("Put you on the list of students"),
    ("student", "tracker_set"): _("Chose which requirements are asked of you"),
    ("student", "signed_in"): _("Let you in from your school’s own portal"),
    ("student", "status_set"): _("Ended your registration, or renewed it"),
    ("case", Kind.VIEWED): _("Looked at what was handed in"),
    ("case", Kind.DECIDED): _("Decided on what was handed in"),
    ("case", "undone"): _("Took a decision back"),
    ("submission", Kind.VIEWED): _("Looked at what was handed in"),
    ("submission", "started"): _("Began to hand something in"),
    ("submission", "sent"): _("Handed something in"),
    ("submission", "signed"): _("Signed a form"),
    ("submission", "withdrawn"): _("Withdrew what was handed in"),
    ("submission", "reopened"): _("Took back what was handed in, to change it"),
    ("piece", Kind.CHANGED): _("Corrected what was handed in, by the document"),
    ("file", Kind.VIEWED): _("Looked at a file that was handed in"),
    ("file", Kind.CHANGED): _("Added or removed a file"),
    ("page", Kind.VIEWED): _("Looked at a page that was handed in"),
    ("proxy", Kind.CHANGED): _("Changed who may help with your record"),
    ("guardianship", "accepted"): _("Accepted the invitation to help"),
    ("guardianship", "invited"): _("Invited somebody to help"),
    ("guardianship", "revoked"): _("Ended somebody’s help"),
    ("guardianship", Kind.VIEWED): _("Looked at who helps you"),
    ("guardianship", Kind.CHANGED): _("Changed who may help with your record"),
    ("message", Kind.CHANGED): _("Wrote a message"),
    ("link", Kind.CHANGED): _("Sent a link for signing in"),
    ("account", Kind.CHANGED): _("Changed how you are told about news"),
    ("account", "activated"): _("Signed in for the first time"),
    ("membership", "tracker_chosen"): _("Chose which list of requirements is yours"),
    ("notice", Kind.CHANGED): _("Sent a notice"),
}


def _deed(event: AuditEvent) -> Deed | None:
    kind = kind_of(event.action)
    source, _separator, rest = event.action.partition(":")
    subject, _separator, verb = rest.partition(":")
    parts = {verb, *(part for name in (source, subject, verb) for part in name.split("_"))}
    known = verb in VERBS.get(kind, ()) or verb in _CHANGES
    if kind is Kind.SETTINGS or parts & _INTERNAL or not known:
        return None
    what = _EXACT.get((subject, verb)) or _EXACT.get((subject, kind)) or _WORDS[kind]
    return Deed(event.at, kind, what, _who(event.by, source, kind))


def _who(by: str, source: str, kind: Kind) -> str | Promise:
    actor = by.partition(":")[0]
    if actor == "staff" and (source == "reviews" or kind is Kind.DECIDED):
        return _("A reviewer of your school")
    return {
        "staff": _("A member of staff of your school"),
        "student": _("You"),
        "guardian": _("Someone who helps you"),
        "system": _("Pratique, by itself"),
        "link": _("Someone with a link for signing in"),
        "command": _("The people who run Pratique for your school"),
    }.get(actor, _("A computer system of your school"))
