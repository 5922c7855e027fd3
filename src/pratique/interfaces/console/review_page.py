"""What the review pages show: the queue as its address says it, and the choices beside one case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pratique.accounts.models import User
from pratique.accounts.roles import Permission, Role, role_allows
from pratique.foundation.ids import read_id
from pratique.institutions.models import RequirementGroup, Tracker
from pratique.interfaces.console.student_list import Choice
from pratique.records.models import Evidence, FileState, TiterResult
from pratique.records.pieces import read_date
from pratique.records.queries import files_of
from pratique.requirements.queries import sets_in_force
from pratique.reviews.queries import pace, queue
from pratique.reviews.queries.safety import pieces_of
from pratique.reviews.queries.titles import title_of
from pratique.reviews.queries.values import values_of
from pratique.reviews.reasons import library, wording
from pratique.reviews.types import Case, CasePiece, QueueFilter, RecordedPiece
from pratique.rules import name_in_words, ways
from pratique.rules.explain import word
from pratique.students.models import StudentAccount

VIEWS: Mapping[str, str | Promise] = {
    "open": _("All I can take"),
    "mine": _("Mine"),
    "handed": _("Handed to me"),
    "second": _("Second opinion"),
    "team": _("Whole team"),
}
AGES: Mapping[str, str | Promise] = {
    "1": _("More than a day"),
    "3": _("More than 3 days"),
    "7": _("More than a week"),
}
DUES: Mapping[str, str | Promise] = {
    "0": _("Due date is over"),
    "7": _("Within 7 days"),
    "14": _("Within 14 days"),
}
SAFE: Mapping[str, str | Promise] = {"1": _("Safe cases")}


@dataclass(frozen=True)
class Asked:
    """A requirement in force, under the name that people read."""

    key: str
    name: str


def requirements(today: date) -> list[Asked]:
    """Return the requirements in force for any group, each once, by name."""
    found: dict[str, str] = {}
    for in_force in sets_in_force(today).values():
        for one in in_force.requirements:
            found.setdefault(one.key, name_in_words(one.name, gettext))
    return sorted((Asked(key, name) for key, name in found.items()), key=lambda one: one.name.casefold())


def choices(query: QueryDict, today: date) -> list[Choice]:
    """Return the filters of the queue with their options."""
    options: list[tuple[str, str | Promise, Sequence[tuple[Any, str | Promise]]]] = [
        ("requirement", _("Requirement"), [(one.key, one.name) for one in requirements(today)]),
        ("tracker", _("Tracker"), list(Tracker.objects.order_by("name").values_list("id", "name"))),
        (
            "group",
            _("Requirement group"),
            list(RequirementGroup.objects.order_by("name").values_list("id", "name")),
        ),
        ("age", _("Waiting for"), list(AGES.items())),
        ("due", _("Due"), list(DUES.items())),
        ("safe", _("Bulk approval"), list(SAFE.items())),
    ]
    return [
        Choice(
            key, name, [(str(value), label) for value, label in found], query.get(key, ""),
            f"?{_without(query, key)}",
        )
        for key, name, found in options
    ]  # fmt: skip


def read_filter(query: QueryDict, *, by: str, now: datetime, today: date) -> QueueFilter:
    """Return the filter that an address asks for. A value that cannot be read filters nothing."""
    view, age, due = query.get("view", ""), query.get("age", ""), query.get("due", "")
    return QueueFilter(
        view=view if view in VIEWS else "open",
        by=by,
        search=query.get("q", "").replace("\0", "").strip()[:200],
        tracker=read_id(query.get("tracker", "")),
        group=read_id(query.get("group", "")),
        requirement_key=query.get("requirement", "").replace("\0", "")[:60],
        waiting_since_before=now - timedelta(days=int(age)) if age in AGES else None,
        due_before=today + timedelta(days=int(due) + (due != "0")) if due in DUES else None,
    )


def read_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or the queue's own."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in queue.SORTS else "queue"


def colleagues(user: User) -> list[dict[str, str]]:
    """Return the others who may review, for the field that hands a case over."""
    roles = [role for role in Role if role_allows(role, Permission.REVIEW)]
    others = User.objects.filter(is_active=True, role__in=roles).exclude(id=user.id).order_by("name", "id")
    return [{"code": str(one.id), "name": one.name or one.username, "hint": one.username} for one in others]


@dataclass(frozen=True)
class Row:
    """A piece as the table shows it."""

    piece: CasePiece
    # What the student had handed in, where a reviewer changed it: (name of the field, what it was).
    was: Sequence[tuple[str, str]]
    day: str  # in words
    typed_day: str  # as the field shows it
    until: str  # in words
    waits: bool


_FIELDS: Mapping[str, str | Promise] = {
    "cvx": _("Vaccine"), "product": _("Vaccine"), "mvx": _("Maker"), "lot": _("Lot"),
    "administered_on": _("Date"), "collected_on": _("Date"), "issued_on": _("Date"), "antibody": _("Test"),
    "result": _("Result"), "value": _("Value"), "unit": _("Unit"), "reference_range": _("Range"),
    "kind_of_document": _("Kind"), "exemption": _("Kind"), "expires_on": _("Ends"),
}  # fmt: skip
_DAY_OF = {"dose": "administered_on", "titer": "collected_on", "document": "issued_on", "form": "signed_on"}
# A code is shown with its name, which changes with it.
_UNSAID = frozenset({"cvx", "mvx"})


def rows(case: Case) -> list[Row]:
    """Return the pieces of a case as rows."""
    found = []
    for piece in case.pieces:
        day = _day(piece.kind, piece.values)
        was = [
            (
                str(_FIELDS.get(name, name)),
                in_words(str(value)) if name.endswith("_on") else str(value or "–"),
            )
            for name, value in piece.as_handed_in.items()
            if name not in _UNSAID
        ]
        until = in_words(str(piece.values.get("expires_on", "") or ""))
        found.append(Row(piece, was, in_words(day), day, until, piece.state == "pending"))
    return found


def _day(kind: str, values: Mapping[str, Any]) -> str:
    return str(values.get(_DAY_OF.get(kind, ""), "") or "")


def on_record(case: Case) -> list[tuple[str, list[tuple[RecordedPiece, str]]]]:
    """Return what was approved before by the name of the requirement, oldest first, each with its day in words."""
    return [
        (
            asked.name,
            [
                (piece, in_words(_day(piece.kind, piece.values)))
                for piece in sorted(asked.pieces, key=lambda one: _day(one.kind, one.values))
            ],
        )
        for asked in case.on_record
    ]


def in_words(iso: str) -> str:
    """Return a date as far as it is known in words; empty for none."""
    known = read_date(iso)
    if known is None:
        return iso
    shape = {"day": "DATE_FORMAT", "month": "YEAR_MONTH_FORMAT", "year": "Y"}[str(known.precision)]
    return date_format(known.first, shape)


def language_of(student_id: UUID) -> str:
    """Return the language in which a student reads, English where they chose none."""
    account = StudentAccount.objects.filter(student_id=student_id).select_related("user").first()
    return (account.user.language if account else "") or "en"


def reasons_for(user: User, language: str) -> list[dict[str, Any]]:
    """Return the reasons of the library, each with the words that the student would read."""
    known = library(user.institution_id)
    return [
        {"code": one.code, "name": one.name, "place": one.place,
         "words": wording(one.code, language, reasons=known)}
        for one in known
    ]  # fmt: skip


def offered(today: date) -> dict[str, Any]:
    """Return what a reviewer may add: the tests and papers that any requirement in force speaks of."""
    found = [
        way
        for in_force in sets_in_force(today).values()
        for one in in_force.requirements
        for way in ways(one)
    ]
    return {
        "antibodies": _in_words(name for way in found if way.kind == "titer" for name in way.names),
        "documents": _in_words(name for way in found if way.kind == "document" for name in way.names),
        "results": TiterResult.choices,
    }


def beside(request: HttpRequest, case: Case, *, by: str, now: datetime, today: date) -> dict[str, Any]:
    """Return what stands around a case: where it is in the queue, one's own pace, choices, files."""
    user = request.user
    assert isinstance(user, User)
    language = language_of(case.student.id)
    files = files_of(case.submission.id)
    place = queue.place(case.submission.id, now=now)
    asked, shown = requirements(today), rows(case)
    return {
        "case": case,
        "rows": shown,
        "on_record": on_record(case),
        "unread": [row for row in shown if row.piece.unread_pages and row.waits],
        "added": any(piece.added_by_reviewer for piece in case.pieces),
        "checking": [one for one in files if one.state in (FileState.RECEIVING, FileState.CHECKING)],
        "refused": [one for one in files if one.state == FileState.REFUSED],
        "elsewhere": {one.page_id for one in case.duplicates},
        "counts": queue.counts(by, now=now, today=today),
        "place": place.ahead + 1 if place else None,
        "pace": pace.mine(by, now),
        "reasons": reasons_for(user, language),
        "language": language,
        "requirements": asked,
        "requirement_names": {one.key: one.name for one in asked},
        "offered": offered(today),
        "addresses": {
            name: reverse(f"review_{name}", args=[case.submission.id])
            for name in ("claim", "decide", "undo", "correct", "add", "remove", "split", "hand_over", "second_opinion",
                         "message")
        },
        "today": today,
    }  # fmt: skip


def titles(ids: Sequence[UUID], today: date) -> dict[UUID, list[str]]:
    """Return what would be approved in each of these cases, piece by piece."""
    names = {one.key: one.name for one in requirements(today)}
    return {
        case: [_piece_in_words(kind, row, names) for kind, row in found]
        for case, found in pieces_of(ids).items()
    }


def _piece_in_words(kind: str, row: Evidence, names: Mapping[str, str]) -> str:
    title = capfirst(title_of(kind, row, names, {}, "en"))
    day = in_words(_day(kind, values_of(kind, row)))
    return f"{title} · {day}" if day else title


def _in_words(names: Any) -> list[tuple[str, str]]:
    found = {name: word(name, gettext) for name in names}
    return sorted(
        ((name, said[:1].upper() + said[1:]) for name, said in found.items()), key=lambda one: one[1]
    )


def _without(query: QueryDict, name: str) -> str:
    rest = query.copy()
    rest.pop(name, None)
    rest.pop("page", None)
    rest.pop("from", None)
    return rest.urlencode()
