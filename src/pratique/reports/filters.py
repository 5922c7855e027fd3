"""Filters: what may be chosen, and reading what came in.

References are understood by id, and by the name or code that people know; what is kept is the id. Names are
never put into SQL text: definitions bind these values.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.compliance.models import ItemStatus
from pratique.foundation.ids import read_id
from pratique.institutions.models import Package, RequirementGroup, Term, Tracker
from pratique.reports.types import Choice, Filter, FilterKind, Parameters, ParsedParameters, ReportError
from pratique.requirements.models import Requirement, SetState
from pratique.rosters.models import ImportState, RosterImport
from pratique.students.folding import username_key
from pratique.students.models import MembershipState, Student

NO_TRACKER = "none"
LATEST = "latest"
_LISTED = 20

STATUS_TITLES = {
    ItemStatus.INCOMPLETE.value: gettext_lazy("Incomplete"),
    ItemStatus.PENDING.value: gettext_lazy("Pending"),
    ItemStatus.APPROVED.value: gettext_lazy("Approved"),
    ItemStatus.REJECTED.value: gettext_lazy("Rejected"),
    ItemStatus.EXPIRED.value: gettext_lazy("Expired"),
}

PACKAGE = Filter("package", gettext_lazy("Package"), FilterKind.PACKAGE, many=True)
TRACKER = Filter("tracker", gettext_lazy("Tracker"), FilterKind.TRACKER, many=True)
GROUP = Filter("group", gettext_lazy("Requirement group"), FilterKind.REQUIREMENT_GROUP, many=True)
TERM = Filter("term", gettext_lazy("Term"), FilterKind.TERM, many=True)
ON_CAMPUS = Filter(
    "on_campus",
    gettext_lazy("On campus"),
    FilterKind.CHOICE,
    choices=(
        Choice("yes", gettext_lazy("On campus")),
        Choice("no", gettext_lazy("Off campus")),
        Choice("unknown", gettext_lazy("Not known")),
    ),
)
STATE = Filter(
    "state",
    gettext_lazy("Membership"),
    FilterKind.CHOICE,
    choices=(
        Choice(MembershipState.ACTIVE.value, gettext_lazy("Active")),
        Choice(MembershipState.ARCHIVE.value, gettext_lazy("Archived")),
        Choice("all", gettext_lazy("Active and archived")),
    ),
    default=MembershipState.ACTIVE.value,
    # Whoever is archived would drop out of a delta, and no file would ever say so.
    in_delta="all",
)
REQUIREMENT = Filter("requirement", gettext_lazy("Requirement"), FilterKind.REQUIREMENT)
STATUS = Filter(
    "status",
    gettext_lazy("Item status"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in STATUS_TITLES.items()),
)
DUE = Filter("due", gettext_lazy("Due date"), FilterKind.DATE_RANGE)
STUDENT = Filter("student", gettext_lazy("Student"), FilterKind.STUDENT)

# These are typed, not chosen from a list.
TYPED = frozenset({FilterKind.DATE_RANGE, FilterKind.NUMBER, FilterKind.STUDENT})


class MissingFilterError(ReportError):
    """The report is about one thing that was not named; the message asks for it."""


def parse(
    filters: Sequence[Filter], raw: Mapping[str, str | Sequence[str]], presets: Parameters | None = None
) -> ParsedParameters:
    """Check what came in against `filters`. Empty values count as not given; every mistake has its own
    sentence.

    `presets` (a saved report's filters) hold where `raw` does not name the parameter at all; naming it with an
    empty value lifts one.
    """
    known = {name: one for one in filters for name in one.parameter_names}
    parameters: dict[str, Any] = {
        name: value for name, value in (presets or {}).items() if name in known and name not in raw
    }
    errors: dict[str, str] = {}
    for name, given in raw.items():
        values = [value.strip() for value in ([given] if isinstance(given, str) else given) if value.strip()]
        if name not in known:
            errors[name] = _unknown_parameter(name, list(known))
        elif values:
            try:
                parameters[name] = _parsed(known[name], values)
            except _InvalidError as error:
                errors[name] = str(error)
    errors |= _ranges_that_end_before_they_begin(filters, parameters)
    for one in filters:
        if one.default and one.key not in parameters and one.key not in errors:
            parameters[one.key] = int(one.default) if one.kind == FilterKind.NUMBER else one.default
    for one in missing(filters, parameters):
        errors.setdefault(one.parameter_names[0], _asked_for(one))
    return ParsedParameters(parameters, errors)


def of_delta(filters: Sequence[Filter], parameters: Parameters) -> Parameters:
    """Return the parameters of a report that tells what changed; what is given in them was chosen and stays."""
    return {one.key: one.in_delta for one in filters if one.in_delta} | dict(parameters)


def missing(filters: Sequence[Filter], parameters: Parameters) -> list[Filter]:
    """Return the filters without which there is no report, and that `parameters` do not hold."""
    return [
        one
        for one in filters
        if one.is_needed and not any(name in parameters for name in one.parameter_names)
    ]


def check_nothing_is_missing(filters: Sequence[Filter], parameters: Parameters) -> None:
    """Raise MissingFilterError unless all that the report needs is given."""
    if found := missing(filters, parameters):
        raise MissingFilterError(" ".join(_asked_for(one) for one in found))


def choices(one: Filter) -> Sequence[Choice]:
    """Return what `one` may be set to, in the order to show it; what is typed (`TYPED`) has no choices."""
    if one.kind == FilterKind.CHOICE:
        return one.choices
    loader = _LOADERS.get(one.kind)
    return [Choice(value, title) for value, title, _names in loader()] if loader else []


class _InvalidError(Exception):
    """A value could not be understood; the message says what would be."""


def _parsed(one: Filter, values: Sequence[str]) -> Any:
    if not one.many and len(values) > 1:
        raise _InvalidError(_("Give one value, not %(count)d.") % {"count": len(values)})
    if one.kind == FilterKind.DATE_RANGE:
        return _date(values[0])
    if one.kind == FilterKind.NUMBER:
        return _number(values[0], one)
    if one.kind == FilterKind.STUDENT:
        return _student(values[0])
    if one.kind == FilterKind.IMPORT and (found_import := _import(values[0])):
        return found_import
    if one.kind == FilterKind.CHOICE:
        options: list[_Option] = [(choice.value, str(choice.title), ()) for choice in one.choices]
    else:
        options = [(value, str(title), names) for value, title, names in _LOADERS[one.kind]()]
    found = [key for value in values for key in _matches(value, options)]
    return sorted(set(found)) if one.many else found[0]


def _matches(value: str, options: Sequence[tuple[str, str, Sequence[str]]]) -> list[str]:
    folded = value.casefold()
    exact = [key for key, _title, _names in options if key.casefold() == folded]
    found = exact or [
        key for key, title, names in options if folded in {n.casefold() for n in (title, *names)}
    ]
    if not found:
        raise _InvalidError(
            _unknown_value(value, [names[0] if names else key for key, _title, names in options])
        )
    return found


def _import(value: str) -> str | None:
    """Return the key of an import however old it is; the choices list only recent ones."""
    key = read_id(value)
    return str(key) if key and RosterImport.objects.filter(id=key).exists() else None


def _number(value: str, one: Filter) -> int:
    # Ten digits are more than any filter allows, and int() takes long for a million.
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and one.least <= int(value) <= one.most):
        raise _InvalidError(
            _("Give a whole number from %(least)d to %(most)d.") % {"least": one.least, "most": one.most}
        )
    return int(value)


def _student(value: str) -> str:
    """Return a student's id. What was typed may be an e-mail, so that the sentences do not repeat it."""
    for wanted in _ways_to_find(value.replace("\0", "")):
        found = list(Student.objects.filter(wanted).values_list("id", flat=True)[:2])
        if len(found) > 1:
            raise _InvalidError(
                _("Several students have this e-mail address. Give the student ID or username.")
            )
        if found:
            return str(found[0])
    raise _InvalidError(_("No student has this student ID, username or e-mail address."))


def _ways_to_find(value: str) -> Iterator[Q]:
    with suppress(ValueError):
        yield Q(id=UUID(value))
    yield Q(student_id=value)
    yield Q(username_key=username_key(value))
    yield Q(email__iexact=value) & ~Q(email="")


def _asked_for(one: Filter) -> str:
    return _("The report needs this: %(filter)s.") % {"filter": one.title}


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else _not_a_date(value)
    except ValueError:
        return _not_a_date(value)


def _not_a_date(value: str) -> str:
    raise _InvalidError(
        _("“%(value)s” is not a date. Write year-month-day, such as 2026-08-31.") % {"value": value[:40]}
    )


def _unknown_value(value: str, known: Sequence[str]) -> str:
    listed = ", ".join(known[:_LISTED]) or _("none")
    if len(known) > _LISTED:
        listed = _("%(names)s and %(count)d more") % {"names": listed, "count": len(known) - _LISTED}
    return _("There is no “%(value)s”. Known: %(known)s.") % {"value": value[:60], "known": listed}


def _unknown_parameter(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return _("The report has no parameter “%(name)s”. Did you mean “%(near)s”?") % {
            "name": name[:60],
            "near": near[0],
        }
    return _("The report has no parameter “%(name)s”. It knows: %(known)s.") % {
        "name": name[:60],
        "known": ", ".join(known),
    }


def _ranges_that_end_before_they_begin(
    filters: Sequence[Filter], parameters: Mapping[str, Any]
) -> dict[str, str]:
    return {
        f"{one.key}_to": _("The end of the range is before its beginning.")
        for one in filters
        if one.kind == FilterKind.DATE_RANGE
        and parameters.get(f"{one.key}_from", "") > parameters.get(f"{one.key}_to", "9999-12-31")
    }


# Each loader gives (kept value, title to show, names to be understood by).
_Option = tuple[str, str, tuple[str, ...]]


def _packages() -> list[_Option]:
    rows = Package.objects.order_by("name", "code").values_list("id", "code", "name")
    return [(str(key), f"{name} ({code})", (code, name)) for key, code, name in rows]


def _trackers() -> list[_Option]:
    rows = Tracker.objects.order_by("name", "id").values_list("id", "name")
    return [
        *((str(key), name, (name,)) for key, name in rows),
        (NO_TRACKER, _("None Selected"), ("None Selected",)),
    ]


def _groups() -> list[_Option]:
    return [
        (str(key), name, (name,))
        for key, name in RequirementGroup.objects.order_by("name").values_list("id", "name")
    ]


def _terms() -> list[_Option]:
    return [
        (str(key), name, (name,))
        for key, name in Term.objects.order_by("starts_on", "name").values_list("id", "name")
    ]


def _requirements() -> list[_Option]:
    rows = (
        Requirement.objects.filter(requirement_set__state=SetState.PUBLISHED)
        .order_by("name", "key")
        .values_list("key", "name")
    )
    # The newest name would need the version; any name that the requirement ever had is understood.
    names: dict[str, list[str]] = {}
    for key, name in rows:
        names.setdefault(key, []).append(name)
    return [(key, called[0], (key, *called)) for key, called in names.items()]


def _imports() -> list[_Option]:
    rows = (
        RosterImport.objects.exclude(state=ImportState.CANCELLED)
        .order_by("-received_at", "-id")
        .values_list("id", "file_name", "received_at")[:200]
    )
    listed = [(str(key), f"{name} · {at:%Y-%m-%d %H:%M} UTC", (str(key),)) for key, name, at in rows]
    return [(LATEST, _("The latest import"), (LATEST,)), *listed]


_LOADERS: dict[FilterKind, Callable[[], list[_Option]]] = {
    FilterKind.PACKAGE: _packages,
    FilterKind.TRACKER: _trackers,
    FilterKind.REQUIREMENT_GROUP: _groups,
    FilterKind.TERM: _terms,
    FilterKind.REQUIREMENT: _requirements,
    FilterKind.IMPORT: _imports,
}


def uuids(values: Sequence[str]) -> list[UUID]:
    """Return checked reference values as keys to bind."""
    return [UUID(value) for value in values]
