"""A draft being worked on: loaded with the standing of its student, saved, and mended when two windows met."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.dateparse import parse_datetime

from pratique.compliance.queries import CurrentItem
from pratique.foundation import clock
from pratique.interfaces.portal import people, standings
from pratique.interfaces.portal.hand_in import checking
from pratique.interfaces.portal.hand_in.offer import Offer, offer
from pratique.interfaces.portal.people import Acting
from pratique.records import confidentiality, queries
from pratique.records.actions import drafts
from pratique.records.models import File, FileState, Page, Submission
from pratique.records.pieces import read_pieces
from pratique.students.models import MembershipState
from pratique.students.queries import memberships_of


@dataclass
class Work:
    """A submission and all that its steps look at; what is dear is read once, and only if asked for."""

    acting: Acting
    submission: Submission
    today: date
    now: datetime

    @cached_property
    def standings(self) -> Mapping[UUID, Sequence[CurrentItem]]:
        """The student's items as they are now, by membership."""
        return {
            membership.id: standings.of(self.acting, membership.id, self.today)
            for membership in memberships_of(self.acting.student.id)
            if membership.state == MembershipState.ACTIVE
        }

    @cached_property
    def items(self) -> Sequence[CurrentItem]:
        """All items once, the aimed ones first."""
        found = {item.key: item for items in self.standings.values() for item in items}
        return sorted(found.values(), key=lambda item: item.key not in self.submission.requirement_keys)

    @property
    def aimed(self) -> Sequence[CurrentItem]:
        return [item for item in self.items if item.key in self.submission.requirement_keys]

    @property
    def offered(self) -> Offer:
        return offer(self.aimed)

    @cached_property
    def pages(self) -> Sequence[Page]:
        return queries.pages_of(self.submission.id)

    @cached_property
    def files(self) -> Sequence[File]:
        return queries.files_of(self.submission.id)

    @property
    def has_pages(self) -> bool:
        """Whether any file came that was not refused; one that is still being checked counts."""
        return any(file.state != FileState.REFUSED for file in self.files)

    @property
    def pieces(self) -> list[dict[str, Any]]:
        return [dict(piece.values) | {"id": piece.id} for piece in read_pieces(self.submission.draft)]

    def check(self, pieces: Iterable[Mapping[str, Any]] | None = None) -> checking.Checked:
        """Let the machine judge the draft, or these pieces in place of the saved ones."""
        draft = {"pieces": list(pieces)} if pieces is not None else self.submission.draft
        return checking.check(
            read_pieces(draft),
            standings=self.standings,
            student=self.acting.student,
            aimed=self.submission.requirement_keys,
            has_pages=self.has_pages,
            language=self.acting.language,
            without=()
            if self.acting.sees_confidential
            else confidentiality.evidence_ids(self.acting.student.id),
            today=self.today,
            now=self.now,
        )


def load(request: HttpRequest, submission_id: UUID) -> Work:
    """Return what the signed-in person works on; another student's, or not a guardian's own, is a 404."""
    acting = people.acting(request)
    submission = queries.submission(acting.student.id, submission_id)
    if submission is None or not acting.may_open(submission):
        raise Http404
    now = clock.now()
    return Work(acting, submission, clock.today(people.person(request).institution.time_zone, at=now), now)


def save(
    work: Work,
    pieces: Sequence[Mapping[str, Any]],
    *,
    step: str,
    seen: str = "",
    keys: Sequence[str] | None = None,
    note: str | None = None,
    confidential: bool | None = None,
) -> None:
    """Keep the pieces; `seen` is the draft's `changed_at` as the window knew it.

    Raises what `records.actions.drafts.save_draft` raises. The draft is left alone where nothing changed, so
    that a second window is not told of a change that was none.
    """
    draft = {"pieces": [*pieces], "step": step}
    same = {**work.submission.draft, "step": step} == draft or (not pieces and not work.submission.draft)
    untouched = same and (keys is None or list(keys) == work.submission.requirement_keys)
    if (
        untouched
        and note is None
        and confidential is None
        and step == work.submission.draft.get("step", step)
    ):
        return
    work.submission = drafts.save_draft(
        submission_id=work.submission.id,
        draft=draft,
        note=note,
        confidential=confidential,
        requirement_keys=keys,
        seen_changed_at=_moment(seen),
        by=work.acting.actor,
        now=work.now,
    )


def _moment(text: str) -> datetime | None:
    """Return what a window says it has seen; None where it says nothing that is a moment."""
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def of_other_kinds(pieces: Iterable[Mapping[str, Any]], kind: str, form: str = "") -> list[Mapping[str, Any]]:
    """Return the pieces that a step leaves alone: those of another kind, and other forms."""
    return [
        piece for piece in pieces if piece.get("kind") != kind or (form and piece.get("form", "") != form)
    ]


def merged(
    saved: Sequence[Mapping[str, Any]], typed: Sequence[Mapping[str, Any]], known: Iterable[str]
) -> list[Mapping[str, Any]]:
    """Return what two windows typed, together: nothing is lost, and what this window typed wins in its own rows.

    `known`: ids that this window showed; a saved piece that it did not know was added by the other one.
    """
    here = {piece["id"]: piece for piece in typed}
    shown = set(known)
    kept = [
        here.pop(piece["id"], piece) for piece in saved if piece["id"] in here or piece["id"] not in shown
    ]
    return [*kept, *here.values()]
