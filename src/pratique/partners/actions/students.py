"""What a partner does about students: makes one, lets one in, puts one on a tracker, archives one.

Each works in the open transaction of the institution that the caller acts for, and writes nothing before it refuses.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pratique.compliance.actions import evaluate_students
from pratique.foundation import audit, clock
from pratique.institutions.models import Institution
from pratique.partners import usernames
from pratique.partners.actions.tokens import issue_token
from pratique.partners.finding import About, Known, Naming, OnPackage, naming
from pratique.partners.types import Caller, Refusal
from pratique.rules.periods import Period, add_period
from pratique.students.actions.provision import (
    NewStudent,
    Provisioned,
    give_account_token,
    provision,
    put_on_tracker,
    set_state,
)
from pratique.students.models import MembershipState

# How often somebody else may take a username between our look and our insert. Whoever looks for the same one waits.
_TRIES = 25


class Registration(NamedTuple):
    """What createUser says of a new student, cleaned: `student_id` is the vendor key; and the package's code."""

    student: NewStudent
    code: str


class Entrance(NamedTuple):
    """What createUser answers."""

    secure_token: str
    account_token: str
    username: str


def let_in(*, known: Known, institution: Institution, caller: Caller, now: datetime) -> Entrance:
    """Give a known student a secure token, and an account token if they have none; nothing else changes."""
    account_token = known.account_token or give_account_token(student_id=known.id)
    return Entrance(
        secure_token(institution=institution, student_id=known.id, caller=caller, now=now),
        account_token,
        known.username,
    )


def secure_token(*, institution: Institution, student_id: UUID, caller: Caller, now: datetime) -> str:
    """Make a secure token for a student."""
    return issue_token(
        institution=institution, student_id=student_id, caller_identifier=caller.identifier, now=now
    )


def register(*, named: Naming, given: Registration, caller: Caller, now: datetime) -> Entrance:
    """Make the student of a vendor key that `named` did not know, or let in the one whom somebody made meanwhile.

    Raises Refusal: STAFF_ACCOUNT, PACKAGE_UNKNOWN.
    """
    if named.is_staff:
        raise Refusal("STAFF_ACCOUNT", field="username")
    if named.package_id is None:
        raise Refusal("PACKAGE_UNKNOWN", field="registrationCode")
    institution, package_id = named.institution, named.package_id
    new = given.student
    if new.expires_on is None:
        new = new._replace(expires_on=_last_day(institution, now))
    made: Provisioned | Known | None = None
    if not named.username_taken:
        made = _store(new, institution, package_id, now)
    if made is None:
        new, made = _store_numbered(new, institution, package_id, now)
    if isinstance(made, Known):
        return let_in(known=made, institution=institution, caller=caller, now=now)
    _record(
        "partners:student:created", caller, made.student_id, now,
        package=str(package_id), username_as_suggested=new.username == given.student.username,
    )  # fmt: skip
    token = secure_token(institution=institution, student_id=made.student_id, caller=caller, now=now)
    return Entrance(token, made.account_token, new.username)


def _last_day(institution: Institution, now: datetime) -> date | None:
    """Return the last day of a registration for which the partner gave none."""
    if institution.membership_months is None:
        return None
    return add_period(
        clock.today(institution.time_zone, at=now), Period(months=institution.membership_months)
    )


def _store(
    new: NewStudent, institution: Institution, package_id: UUID, now: datetime
) -> Provisioned | Known | None:
    """Store a student, or return the one who has got the vendor key; None if it is the username that is taken."""
    made = provision(institution_id=institution.id, package_id=package_id, new=new, now=now)
    return made or naming(institution.id, vendor_key=new.student_id, username="", code="").known


def _store_numbered(
    new: NewStudent, institution: Institution, package_id: UUID, now: datetime
) -> tuple[NewStudent, Provisioned | Known]:
    """Store a student under the next free number after their username."""
    usernames.wait_for_turn(institution.id, new.username)
    for _ in range(_TRIES):
        numbered = new._replace(username=usernames.next_free(institution.id, new.username))
        made = _store(numbered, institution, package_id, now)
        if made is not None:
            return numbered, made
    raise RuntimeError("No free username was found in many tries.")


def set_tracker(*, about: About, on_package: OnPackage, caller: Caller, now: datetime) -> None:
    """Put a student on the tracker that `about` found by its name, and evaluate them; the same one changes nothing.

    An archived membership is put on it too, for the day on which it is made active again. Raises TRACKER_UNKNOWN.
    """
    if about.named_tracker_id is None:
        raise Refusal("TRACKER_UNKNOWN", field="trackerName")
    if not put_on_tracker(membership_id=on_package.membership_id, tracker_id=about.named_tracker_id, now=now):
        return
    _record(
        "partners:student:tracker_set", caller, about.student_id, now,
        package=str(on_package.package_id), tracker=str(about.named_tracker_id),
    )  # fmt: skip
    _evaluate(about, now)


def set_membership_status(
    *, about: About, on_package: OnPackage, state: MembershipState, caller: Caller, now: datetime
) -> None:
    """Archive a student's membership or make it active; what is so already changes nothing."""
    if not set_state(membership_id=on_package.membership_id, state=state, now=now):
        return
    _record(
        "partners:student:status_set", caller, about.student_id, now,
        package=str(on_package.package_id), status=state.value,
    )  # fmt: skip
    if state is MembershipState.ACTIVE:
        _evaluate(about, now)


def _evaluate(about: About, now: datetime) -> None:
    evaluate_students(
        institution=about.institution,
        student_ids=[about.student_id],
        today=clock.today(about.institution.time_zone, at=now),
        now=now,
    )


def record_viewed(*, about: About, on_package: OnPackage, caller: Caller, now: datetime) -> None:
    """Note that the partner read how a student stands."""
    _record("partners:student:viewed", caller, about.student_id, now, package=str(on_package.package_id))


def record_listed(*, package_id: UUID, since: datetime | None, caller: Caller, now: datetime) -> None:
    """Note that the partner read how everyone on a package stands."""
    audit.record(
        "partners:package:listed", institution_id=caller.acts_for, by=_actor(caller), now=now,
        subject_type="package", subject_id=package_id,
        detail={"since": since.isoformat()} if since else {},
    )  # fmt: skip


def _record(action: str, caller: Caller, student_id: UUID, now: datetime, **detail: str | bool) -> None:
    audit.record(
        action, institution_id=caller.acts_for, by=_actor(caller), now=now, subject_type="student",
        subject_id=student_id, detail=detail,
    )  # fmt: skip


def _actor(caller: Caller) -> audit.Actor:
    return audit.Actor("partner", caller.identifier)
