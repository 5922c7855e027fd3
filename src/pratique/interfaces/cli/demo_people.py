"""Students of the demo institution whom one can be: one in every state, each with a way to sign in.

They are picked from those that the import made, by what they have handed in; whoever is there first in the order of
student ids, so that the demo is the same each time.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from pratique.compliance.models import Item, ItemStatus
from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.records.models import Dose, FormAnswer, Submission, SubmissionState
from pratique.students.actions.accounts import activate
from pratique.students.actions.guardians import invite, open_account
from pratique.students.actions.links import issue_link
from pratique.students.actions.memberships import close_membership
from pratique.students.links import token_hash
from pratique.students.models import Membership, SignInLink, Student

BY = audit.Actor("command", "demo")

Described = dict[str, Any]


@dataclass(frozen=True)
class _Part:
    """A part to play: the state in words, whom it fits, and what is done to get there."""

    state: str
    fits: Q
    prepare: Callable[[Student, date, datetime], None] = lambda student, today, now: None
    has_account: bool = True


def _with(status: ItemStatus) -> Exists:
    return Exists(Item.objects.filter(membership__student_id=OuterRef("id"), status=status))


def _sent(state: SubmissionState) -> Exists:
    return Exists(Submission.objects.filter(student_id=OuterRef("id"), state=state))


_NOTHING = ~Exists(Dose.objects.filter(student_id=OuterRef("id"))) & ~Exists(
    FormAnswer.objects.filter(student_id=OuterRef("id"))
)
_CLEARED = Q(membership__complete=True)


def _begin_draft(student: Student, today: date, now: datetime) -> None:
    actor = audit.Actor("student", str(student.id))
    begun = start_submission(student=student, requirement_keys=["mmr"], by=actor, now=now)
    piece = {
        "id": "a1", "kind": "dose", "cvx": "03", "product": "M-M-R II",
        "administered_on": str((student.date_of_birth or today) + timedelta(days=400)),
    }  # fmt: skip
    save_draft(submission_id=begun.id, draft={"pieces": [piece]}, by=actor, now=now)


def _archive(student: Student, today: date, now: datetime) -> None:
    for membership in Membership.objects.filter(student=student):
        close_membership(membership=membership, expires_on=None, by=BY, now=now)


def _expire(student: Student, today: date, now: datetime) -> None:
    for membership in Membership.objects.filter(student=student):
        close_membership(membership=membership, expires_on=today - timedelta(days=3), by=BY, now=now)


_HELPED = "one thing missing"

_PARTS = (
    _Part("invited, not signed in yet", Q(_NOTHING), has_account=False),
    _Part("nothing handed in", Q(_NOTHING)),
    _Part("a draft begun", Q(_NOTHING), _begin_draft),
    _Part("waiting for review", Q(_sent(SubmissionState.WAITING)) & Q(_with(ItemStatus.PENDING))),
    _Part("something was returned", Q(_with(ItemStatus.REJECTED)) & Q(_sent(SubmissionState.DECIDED))),
    _Part(_HELPED, Q(_with(ItemStatus.INCOMPLETE)) & Q(_with(ItemStatus.APPROVED)) & ~_CLEARED),
    _Part("something expired", Q(_with(ItemStatus.EXPIRED))),
    _Part("cleared", _CLEARED),
    _Part("archived", _CLEARED, _archive),
    _Part("registration ended", _CLEARED, _expire),
)


def students_in_every_state(*, today: date, now: datetime) -> list[Described]:
    """Give a student in every state a way to sign in; returns what `demo credentials` shows.

    Call it inside the institution's scope, when standing has been judged.
    """
    taken: set[Any] = set()
    people = [_cast(part, taken, today, now) for part in _PARTS]
    helped = next(one for one in people if one["state"] == _HELPED)
    return [*people, _guardian_of(helped, today, now)]


def _cast(part: _Part, taken: set[Any], today: date, now: datetime) -> Described:
    adult = Q(date_of_birth__lt=today - timedelta(days=19 * 366))
    fitting: QuerySet[Student] = Student.objects.filter(part.fits & adult, membership__tracker__isnull=False)
    student = fitting.exclude(id__in=taken).order_by("student_id").first()
    if student is None:
        raise LookupError(f"The demo has no student for: {part.state}")
    taken.add(student.id)
    part.prepare(student, today, now)
    described: Described = {
        "role": "student", "state": part.state, "username": student.username, "password": "",
        "date_of_birth": str(student.date_of_birth), "link": "",
    }  # fmt: skip
    if part.has_account:
        described["password"] = secrets.token_urlsafe(12)
        activate(
            student_id=student.id,
            user_id=new_id(),
            password=described["password"],
            language="en",
            by=BY,
            now=now,
        )
    else:
        described["link"] = f"{settings.BASE_URL}/start/{issue_link(student_id=student.id, by=BY, now=now)}/"
    return described


def _guardian_of(helped: Described, today: date, now: datetime) -> Described:
    """Let somebody help a student: see how things stand, upload and sign."""
    student = Student.objects.get(username=helped["username"])
    guardianship = invite(
        student_id=student.id, name="Marisol Vega-Thornton", email="marisol@home.example.org", relation="parent",
        may_see_status=True, may_upload=True, may_sign=True, by=audit.Actor("student", str(student.id)), now=now,
        today=today,
    )  # fmt: skip
    token = issue_link(student_id=student.id, guardianship_id=guardianship.id, by=BY, now=now)
    password = secrets.token_urlsafe(12)
    user = open_account(
        link_id=SignInLink.objects.get(token_hash=token_hash(token)).id, user_id=new_id(), password=password,
        language="en", now=now, today=today,
    )  # fmt: skip
    return {
        "role": "guardian", "state": f"helps {student.username}", "username": user.username, "password": password,
        "date_of_birth": "", "link": "",
    }  # fmt: skip
