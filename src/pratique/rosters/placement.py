"""From a row's package, group and term to the package and tracker that they name.

Contract: file-transfer.md, "Inbound files": both or neither; an unknown name refuses the row and says which
names exist; a known group and a known term with no tracker for the pair refuse it and list the pairs.
"""

import difflib
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pratique.rosters.problems import LISTED_NAMES, listed, shown
from pratique.rosters.types import KnownNames, KnownPackage, KnownTracker, Problem

# Finding the nearest name is slow; a file with thousands of different wrong names needs no hint for each.
_MAX_HINTS = 100


class Placement(NamedTuple):
    """Where a row puts its student. Without `tracker_id` the student keeps the tracker they have."""

    package: KnownPackage | None
    tracker_id: Hashable | None
    group: str | None
    term: str | None
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def name_key(name: str) -> str:
    """The form in which names of groups, terms and packages are compared: NFC, no outer spaces, no case."""
    return unicodedata.normalize("NFC", name).strip().casefold()


class Placer:
    """Finds placements for one institution, remembering each combination that a file repeats."""

    def __init__(self, known: KnownNames, columns: Mapping[str, str]) -> None:
        """`columns` names the fields `group`, `term` and `package` as the file does."""
        self._known = known
        self._columns = columns
        self._groups = {name_key(name): name for name in known.groups}
        self._terms = {name_key(name): name for name in known.terms}
        self._packages = {name_key(package.code): package for package in known.packages}
        self._trackers = {
            (tracker.package_id, name_key(tracker.group), name_key(tracker.term)): tracker
            for tracker in known.trackers
            if tracker.term is not None
        }
        self._hints_left = _MAX_HINTS
        self._found: dict[tuple[str, str, str], Placement] = {}

    def place(self, group: str, term: str, package: str) -> Placement:
        """Find the placement that three cells name; each may be empty. Wrong names come back as errors."""
        cells = (group, term, package)
        found = self._found.get(cells)
        if found is None:
            found = self._found[cells] = self._place(group.strip(), term.strip(), package.strip())
        return found

    def _place(self, group: str, term: str, package: str) -> Placement:
        errors: list[Problem] = []
        target = self._package(package, errors)
        if not group and not term:
            return Placement(target, None, None, None, tuple(errors))
        if not group or not term:
            return Placement(target, None, None, None, tuple(errors), (self._one_alone(group, term),))
        known_group = self._name("group", "requirement group", group, self._groups, errors)
        known_term = self._name("term", "term", term, self._terms, errors)
        if target is None or known_group is None or known_term is None:
            return Placement(target, None, None, None, tuple(errors))
        tracker = self._trackers.get((target.id, name_key(known_group), name_key(known_term)))
        if tracker is None:
            errors.append(self._no_tracker(target, known_group, known_term))
            return Placement(target, None, None, None, tuple(errors))
        return Placement(target, tracker.id, known_group, known_term, tuple(errors))

    def _package(self, code: str, errors: list[Problem]) -> KnownPackage | None:
        if not code:
            if self._known.default_package is None:
                message = (
                    "The row names no package and the institution has no default one. Name one in each row."
                )
                errors.append(Problem("no_package", self._columns["package"], message))
            return self._known.default_package
        found = self._packages.get(name_key(code))
        if found is None:
            codes = [package.code for package in self._known.packages]
            message = self._unknown("package", code, codes)
            errors.append(Problem("unknown_package", self._columns["package"], message))
        return found

    def _name(
        self, field: str, words: str, found: str, names: Mapping[str, str], errors: list[Problem]
    ) -> str | None:
        name = names.get(name_key(found))
        if name is None:
            message = self._unknown(words, found, list(names.values()))
            errors.append(Problem(f"unknown_{field}", self._columns[field], message))
        return name

    def _unknown(self, words: str, found: str, known: Sequence[str]) -> str:
        hint = ""
        if self._hints_left > 0:
            self._hints_left -= 1
            by_key = {name_key(name): name for name in known}
            near = difflib.get_close_matches(name_key(found)[:100], by_key, n=1, cutoff=0.75)
            hint = f" Did you mean {shown(by_key[near[0]])}?" if near else ""
        return f"There is no {words} {shown(found)}.{hint} The known ones are: {listed(known)}."

    def _one_alone(self, group: str, term: str) -> Problem:
        column, other = self._columns["group"], self._columns["term"]
        if not group:
            column, other = other, column
        message = f"{shown(group or term)} was skipped, because {other} is empty. Give both or neither."
        return Problem("group_without_term" if group else "term_without_group", column, message)

    def _no_tracker(self, package: KnownPackage, group: str, term: str) -> Problem:
        pairs = _pairs(tracker for tracker in self._known.trackers if tracker.package_id == package.id)
        more = f" and {len(pairs) - LISTED_NAMES:,} more" if len(pairs) > LISTED_NAMES else ""
        message = (
            f"Package {shown(package.code)} has no tracker for {shown(group)} in {shown(term)}. The "
            f"pairs that exist are: {'; '.join(pairs[:LISTED_NAMES]) or 'none'}{more}. Use one."
        )
        return Problem("no_tracker_for_pair", self._columns["group"], message)


def _pairs(trackers: Iterable[KnownTracker]) -> list[str]:
    return [f"{tracker.group} with {tracker.term}" for tracker in trackers if tracker.term is not None]
