"""The students list as its address says it: filters, columns, and the chips that take a filter away again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.foundation.ids import read_id
from pratique.institutions.models import Package, RequirementGroup, Term, Tracker
from pratique.students.models import MembershipState
from pratique.students.queries import SORTS, Standing, StudentFilter


@dataclass(frozen=True)
class Column:
    """A column that staff may show. `sort` is its key in the address, where the list can be sorted by it."""

    key: str
    name: str | Promise
    sort: str = ""
    shown_at_first: bool = False


COLUMNS = (
    Column("student_id", _("Student ID"), "student_id", True),
    Column("username", _("Username"), "username"),
    Column("email", _("E-mail")),
    Column("date_of_birth", _("Date of birth")),
    Column("tracker", _("Tracker"), "tracker", True),
    Column("group", _("Group")),
    Column("term", _("Term")),
    Column("package", _("Package")),
    Column("on_campus", _("On campus")),
    Column("due", _("Due"), "due", True),
    Column("standing", _("Standing"), "standing", True),
    Column("progress", _("Done"), "", True),
    Column("next", _("Next date"), "next"),
    Column("changed", _("Last change"), "changed"),
)
COLUMNS_COOKIE = "student_columns"

STANDINGS: Mapping[str, str | Promise] = {
    Standing.CLEARED: _("Cleared"),
    Standing.IN_REVIEW: _("Waiting for review"),
    Standing.NOT_COMPLETE: _("Not complete"),
    Standing.NO_TRACKER: _("No tracker"),
    "overdue": _("Overdue"),
}
CAMPUS = {"yes": _("On campus"), "no": _("Off campus")}
STATES = {"active": _("Active"), "archive": _("Archived"), "all": _("Active and archived")}


@dataclass(frozen=True)
class Choice:
    """One filter with what can be chosen, and what is."""

    key: str
    name: str | Promise
    options: Sequence[tuple[str, str | Promise]]
    value: str
    without: str  # the address of this list with the filter taken away

    @property
    def label(self) -> str | Promise:
        """The name of the chosen option; empty if none of them is chosen."""
        return next((name for value, name in self.options if value == self.value), "")


def choices(query: QueryDict) -> list[Choice]:
    """Return the filters of the list, each with its options from this institution."""
    packages = [(str(key), name) for key, name in Package.objects.order_by("name").values_list("id", "name")]
    options: list[tuple[str, str | Promise, Any]] = [
        ("tracker", _("Tracker"), Tracker.objects.order_by("name").values_list("id", "name")),
        ("group", _("Group"), RequirementGroup.objects.order_by("name").values_list("id", "name")),
        ("term", _("Term"), Term.objects.order_by("starts_on").values_list("id", "name")),
        ("standing", _("Standing"), STANDINGS.items()),
        ("campus", _("Residency"), CAMPUS.items()),
        ("state", _("Membership"), list(STATES.items())[1:]),
    ]
    if len(packages) > 1:
        options.insert(0, ("package", _("Package"), packages))
    return [
        Choice(
            key,
            name,
            [(str(value), label) for value, label in found],
            query.get(key, ""),
            _without(query, key),
        )
        for key, name, found in options
    ]


def read_filter(query: QueryDict, *, today: date) -> StudentFilter:
    """Return the filter that an address asks for. A value that cannot be read filters nothing."""
    standing, state = query.get("standing", ""), query.get("state", "")
    return StudentFilter(
        # No text of ours holds a NUL, and PostgreSQL refuses to compare with one.
        search=query.get("q", "").replace("\0", "").strip()[:200],
        package=read_id(query.get("package", "")),
        tracker=read_id(query.get("tracker", "")),
        group=read_id(query.get("group", "")),
        term=read_id(query.get("term", "")),
        standing=Standing(standing) if standing in list(Standing) else None,
        overdue_on=today if standing == "overdue" else None,
        on_campus={"yes": True, "no": False}.get(query.get("campus", "")),
        state=None if state == "all" else MembershipState(state if state in MembershipState else "active"),
    )


def read_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or by name."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in SORTS else "name"


def read_columns(cookie: str) -> list[Column]:
    """Return the columns that this browser shows, in their fixed order."""
    wanted = set(cookie.split("."))
    chosen = [column for column in COLUMNS if column.key in wanted]
    return chosen or [column for column in COLUMNS if column.shown_at_first]


def _without(query: QueryDict, name: str) -> str:
    rest = query.copy()
    rest.pop(name, None)
    rest.pop("page", None)
    return f"?{rest.urlencode()}"
