"""The catalogue of reports: groups that a person can scan, what somebody likes first, and which report a key means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from pratique.accounts.roles import ROLES, Role
from pratique.interfaces.console import people
from pratique.interfaces.console.report_words import ALSO_CALLED
from pratique.reports import queries
from pratique.reports.models import ReportRun, SavedReport
from pratique.reports.types import CATEGORY_TITLES, ReportDefinition, ReportError, saved_id, saved_key

_FAVOURITES, _SAVED = gettext_lazy("Favorites"), gettext_lazy("My reports and shared ones")


@dataclass(frozen=True)
class Entry:
    """One report in the catalogue. `maker` made it, where it is a saved one; `also` are other words for it."""

    key: str
    title: str | Promise
    description: str | Promise
    is_favourite: bool
    maker: str = ""
    shared_with: str = ""
    also: str | Promise = ""

    def says(self, words: Iterable[str]) -> bool:
        """Whether all words stand in its title or description, or are what people call it."""
        text = f"{self.title} {self.description} {self.also}".casefold()
        return all(word in text for word in words)


@dataclass(frozen=True)
class Group:
    """Reports under one heading; `anchor` is where the page's own links lead."""

    anchor: str
    title: str | Promise
    entries: Sequence[Entry]


def groups(request: HttpRequest, search: str) -> list[Group]:
    """Return the catalogue as this person sees it. A favourite stands first, and not a second time below."""
    user = people.staff(request)
    liked, saved = queries.favourites(user), queries.saved_reports(user)
    makers = people.names(one.created_by for one in saved)
    own = [_saved(one, liked, makers) for one in saved]
    definitions = queries.catalogue_for(user.role)
    known = [
        Entry(one.key, one.title, one.description, one.key in liked, also=ALSO_CALLED.get(one.key, ""))
        for one in definitions
    ]
    words = search.casefold().split()
    found = [
        Group("favorites", _FAVOURITES, [one for one in (*own, *known) if one.is_favourite]),
        Group("saved", _SAVED, [one for one in own if not one.is_favourite]),
        *(
            Group(
                category.value,
                title,
                [
                    entry
                    for entry, definition in zip(known, definitions, strict=True)
                    if definition.category == category and not entry.is_favourite
                ],
            )
            for category, title in CATEGORY_TITLES.items()
        ),
    ]
    fitting = [Group(one.anchor, one.title, [e for e in one.entries if e.says(words)]) for one in found]
    return [one for one in fitting if one.entries]


def find(request: HttpRequest, key: str) -> ReportDefinition:
    """Return the report if this person may see it; another one is as good as none."""
    try:
        return queries.report_for(people.staff(request), key)
    except ReportError as error:
        raise Http404 from error


def find_saved(request: HttpRequest, key: str) -> SavedReport:
    """Return the saved report if this person may see it; another one is as good as none."""
    find(request, key)
    saved = queries.saved_report(wanted) if (wanted := saved_id(key)) else None
    if saved is None:
        raise Http404
    return saved


def titled(request: HttpRequest, runs: Iterable[ReportRun]) -> list[tuple[ReportRun, str]]:
    """Return the runs that this person may see, each with its report's title: of reports they see, and their own."""
    found, user, by = list(runs), people.staff(request), str(people.actor(request))
    names = queries.titles(run.report_key for run in found)
    seen = {one.key for one in queries.catalogue_for(user.role)}
    seen |= {saved_key(one.id) for one in queries.saved_reports(user)}
    return [
        (run, str(names.get(run.report_key, run.report_key)))
        for run in found
        if run.report_key in seen or run.requested_by == by
    ]


def roles_in_words(codes: Iterable[str]) -> str:
    """Return the roles that a report is shared with, as a list in words."""
    return ", ".join(str(ROLES[Role(code)].name) for code in codes if code in ROLES)


def _saved(one: SavedReport, liked: set[str], makers: Mapping[str, str]) -> Entry:
    key = saved_key(one.id)
    return Entry(
        key,
        one.name,
        one.description,
        key in liked,
        makers.get(one.created_by, ""),
        roles_in_words(one.shared_with),
    )
