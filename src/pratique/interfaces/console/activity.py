"""The audit trail as an address of the console asks for it: filters, order, and what each event is about."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast
from django.http import QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES
from pratique.foundation import audit
from pratique.foundation.audit_kinds import Kind, kind_of
from pratique.foundation.models import AuditEvent
from pratique.interfaces.console.activity_words import actions_that_say, words_of
from pratique.reports.catalogue import REPORTS
from pratique.students.history import find_student
from pratique.students.models import Student

SORTS = ("when", "who", "what")
# Actors who are no single member of staff, as the filter offers them.
GROUPS_OF_ACTORS: Mapping[str, str | Promise] = {
    "student": gettext_lazy("Students"),
    "guardian": gettext_lazy("Parents and helpers"),
    "system": gettext_lazy("Pratique itself"),
    "command": gettext_lazy("The command line"),
}
_PAGES = {
    "student": "student", "roster_import": "roster", "report_run": "report_run", "partner": "partner",
    "batch": "reminder_batch",
}  # fmt: skip


@dataclass(frozen=True)
class ActivityFilter:
    """What the list shows. An empty value filters nothing; a student who is not known finds nothing."""

    kind: Kind | None = None
    person: str = ""
    student: Student | None = None
    student_text: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""

    @property
    def student_is_unknown(self) -> bool:
        return bool(self.student_text and not self.student)

    @property
    def in_use(self) -> bool:
        return self != ActivityFilter()


def read_filter(query: QueryDict) -> ActivityFilter:
    """Return the filter that an address asks for. What cannot be read filters nothing."""
    kind, asked = query.get("kind", ""), _text(query, "student", 254)
    return ActivityFilter(
        kind=Kind(kind) if kind in list(Kind) else None,
        person=_text(query, "person", 80),
        student=find_student(asked) if asked else None,
        student_text=asked,
        since=_day(query.get("from", "")),
        until=_day(query.get("to", "")),
        text=_text(query, "q", 100),
    )


def read_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or newest first."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in SORTS else "-when"


def events(chosen: ActivityFilter, *, zone: ZoneInfo) -> QuerySet[AuditEvent]:
    """Return the events that `chosen` lets through, unordered. Days begin at midnight in `zone`."""
    found = _in_days(AuditEvent.objects.all(), chosen, zone)
    if chosen.student_is_unknown:
        return found.none()
    if chosen.student:
        found = found.filter(subject_type="student", subject_id=chosen.student.id)
    if chosen.kind:
        found = found.filter(action__in=audit.actions_of(chosen.kind))
    if chosen.person:
        found = found.filter(_by(chosen.person))
    if chosen.text:
        found = found.alias(detail_text=Cast("detail", TextField())).filter(
            Q(action__in=actions_that_say(chosen.text))
            | Q(action__icontains=chosen.text.replace(" ", "_"))
            | Q(detail_text__icontains=chosen.text)
        )
    return found


def ordered(found: QuerySet[AuditEvent], sort: str) -> QuerySet[AuditEvent]:
    """Put events into the order of `sort`; the order is total, so that each row is on one page."""
    sign, key = ("-" if sort.startswith("-") else ""), sort.removeprefix("-")
    if key == "who":
        # By name, not by key: there are few staff, so their ranks go into the query.
        ranks = [When(by=f"staff:{user}", then=rank) for rank, (user, _name) in enumerate(staff(), start=1)]
        found = found.annotate(rank=Case(*ranks, default=Value(0), output_field=IntegerField()))
        return found.order_by(f"{sign}rank", f"{sign}by", "-at", "-id")
    if key == "what":
        return found.order_by(f"{sign}action", "-at", "-id")
    return found.order_by(f"{sign}at", f"{sign}id")


def exports_that_may_include(chosen: ActivityFilter, *, zone: ZoneInfo) -> QuerySet[AuditEvent]:
    """Return exports of many students in the filter's days: each is one event, with its filter in the detail."""
    found = AuditEvent.objects.filter(action__in=audit.actions_of(Kind.EXPORTED)).exclude(
        subject_type="student"
    )
    if chosen.person:
        found = found.filter(_by(chosen.person))
    return _in_days(found, chosen, zone).order_by("-at", "-id")


def about_student(student_id: UUID) -> QuerySet[AuditEvent]:
    """Return the events about one student, newest first."""
    return audit.about("student", student_id)


def staff() -> list[tuple[UUID, str]]:
    """Return the staff of the present institution by name, for the filter and the order."""
    return list(User.objects.filter(role__in=STAFF_ROLES).order_by("name", "id").values_list("id", "name"))


@dataclass(frozen=True)
class Sentence:
    """An event in words, the page of what it is about (if it has one), and what its detail adds."""

    text: str
    url: str = ""
    more: str = ""


@dataclass(frozen=True)
class Row:
    """An event as a table shows it; `student` is whom it is about."""

    event: AuditEvent
    said: Sentence
    student: Student | None


def rows(found: Iterable[AuditEvent]) -> list[Row]:
    """Return what tables show of these events, with their students, in one query."""
    listed = list(found)
    keys = {event.subject_id for event in listed if event.subject_type == "student"}
    students = Student.objects.in_bulk([key for key in keys if key])
    return [
        Row(event, sentence(event), students.get(event.subject_id) if event.subject_id else None)
        for event in listed
    ]


def row_batches(found: QuerySet[AuditEvent], size: int = 1000) -> Iterator[list[Row]]:
    """Return all of `found` in batches, for a file."""
    batch: list[AuditEvent] = []
    for event in found.iterator(chunk_size=size):
        batch.append(event)
        if len(batch) == size:
            yield rows(batch)
            batch = []
    if batch:
        yield rows(batch)


def sentence(event: AuditEvent) -> Sentence:
    """Return what happened. An event that has no sentence yet shows its name in words, rather than nothing."""
    page = _PAGES.get(event.subject_type)
    url = reverse(page, args=[event.subject_id]) if page and event.subject_id else ""
    return Sentence(words_of(event.action), url, _more(event))


def kind_word(event: AuditEvent) -> Kind:
    """Return the kind of an event."""
    return kind_of(event.action)


def _more(event: AuditEvent) -> str:
    """Return which report was taken, with which filter; other details are codes, for the file."""
    detail: Mapping[str, Any] = event.detail if isinstance(event.detail, dict) else {}
    key = detail.get("report")
    if not isinstance(key, str):
        return ""
    title = str(REPORTS[key].title) if key in REPORTS else key
    parameters = detail.get("parameters")
    given = (
        [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in sorted(parameters.items()) if value]
        if isinstance(parameters, dict)
        else []
    )
    return f"{title} ({'; '.join(given) if given else _('all students')})"


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _in_days(found: QuerySet[AuditEvent], chosen: ActivityFilter, zone: ZoneInfo) -> QuerySet[AuditEvent]:
    if chosen.since:
        found = found.filter(at__gte=datetime.combine(chosen.since, time(), zone))
    if chosen.until:
        found = found.filter(at__lt=datetime.combine(chosen.until + timedelta(days=1), time(), zone))
    return found


def _by(person: str) -> Q:
    return (
        Q(by=person) | Q(by__startswith=f"{person}:")
        if person in GROUPS_OF_ACTORS
        else Q(by=f"staff:{person}")
    )


def _text(query: QueryDict, name: str, most: int) -> str:
    # No text of ours holds a NUL, and PostgreSQL refuses to compare with one.
    return query.get(name, "").replace("\0", "").strip()[:most]


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The first and the last day of the calendar have no midnight in some time zone.
    return day if day and 1900 <= day.year < 9000 else None


def person_choices() -> Sequence[tuple[str, str | Promise]]:
    """Return whom the filter offers: staff by name, then the others in groups."""
    return [*((str(key), name) for key, name in staff()), *GROUPS_OF_ACTORS.items()]
