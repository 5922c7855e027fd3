"""Guardians and helpers: who may do what for a student, until when, and who may end it.

A student lets somebody help; for a student under 18 the school may too. Parents' rights under FERPA pass to the
student at 18, or when they attend a postsecondary institution (34 CFR 99.3 "eligible student", 99.5(a)), so what the
school allowed ends on the 18th birthday at the latest. docs/decisions/0019-guardians.md says the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.students import history, links
from pratique.students.access import AccessStanding, closing_of
from pratique.students.models import Guardianship, LinkPurpose, SignInLink, Student

ADULT = 18
USUAL = timedelta(days=365)
LONGEST = timedelta(days=2 * 365)

RELATIONS: dict[str, str | Promise] = {
    "parent": _("Parent"),
    "guardian": _("Legal guardian"),
    "relative": _("Other relative"),
    "partner": _("Husband, wife or partner"),
    "helper": _("Friend or other helper"),
}


class GuardianshipState(StrEnum):
    """How a guardianship stands on a day."""

    INVITED = "invited"
    HELPING = "helping"
    ENDED = "ended"  # its last day is over, or the student came of age
    REVOKED = "revoked"


@dataclass(frozen=True)
class Helping:
    """What one account may do for one student today, all that was allowed taken together."""

    student: Student
    may_see_status: bool
    may_upload: bool
    may_sign: bool


@dataclass(frozen=True)
class Line:
    """A guardianship as the student's and the school's pages show it."""

    guardianship: Guardianship
    state: GuardianshipState
    by_school: bool
    student_may_end: bool

    @property
    def relation(self) -> str | Promise:
        return RELATIONS.get(self.guardianship.relation, self.guardianship.relation)


def adult_on(born: date) -> date:
    """Return the 18th birthday; who was born on 29 February has it on 1 March. Pure."""
    try:
        return born.replace(year=born.year + ADULT)
    except ValueError:
        return date(born.year + ADULT, 3, 1)


def is_minor(student: Student, today: date) -> bool:
    """Return whether a student is known to be under 18; without a date of birth nobody is. Pure."""
    return student.date_of_birth is not None and today < adult_on(student.date_of_birth)


def is_by_school(guardianship: Guardianship) -> bool:
    """Return whether the school allowed it, for a minor. Pure."""
    return guardianship.granted_by.partition(":")[0] == "staff"


def last_possible_day(student: Student, *, by_school: bool, today: date) -> date:
    """Return the last day that may be chosen: two years from today; of the school's, before the 18th birthday."""
    latest = today + LONGEST
    if by_school and student.date_of_birth is not None:
        return min(latest, adult_on(student.date_of_birth) - timedelta(days=1))
    return latest


def usual_day(student: Student, *, by_school: bool, today: date) -> date:
    """Return the day until which help is allowed where nobody says another: a year from today."""
    return min(today + USUAL, last_possible_day(student, by_school=by_school, today=today))


def state_of(guardianship: Guardianship, student: Student, today: date) -> GuardianshipState:
    """Return how a guardianship stands on `today`, the school's day. `expires_on` is the last good day. Pure.

    A corrected date of birth counts at once: what the school allowed ends for whoever turns out to be of age.
    """
    if guardianship.revoked_at is not None:
        return GuardianshipState.REVOKED
    of_age = is_by_school(guardianship) and not is_minor(student, today)
    if guardianship.expires_on < today or of_age:
        return GuardianshipState.ENDED
    return GuardianshipState.HELPING if guardianship.accepted_at else GuardianshipState.INVITED


def student_may_end(guardianship: Guardianship, student: Student, today: date) -> bool:
    """Return whether the student may end it: an adult everything, a minor what they allowed themselves. Pure."""
    return not (is_by_school(guardianship) and is_minor(student, today))


def in_force(user_id: UUID, today: date) -> list[Guardianship]:
    """Return what is allowed to an account today, with the students, in the order in which it was allowed."""
    held = Guardianship.objects.filter(
        user_id=user_id, accepted_at__isnull=False, revoked_at__isnull=True, expires_on__gte=today
    )
    found = held.select_related("student").order_by("granted_at", "id")
    return [one for one in found if state_of(one, one.student, today) is GuardianshipState.HELPING]


def helped_by(user_id: UUID, today: date) -> list[Helping]:
    """Return the students whom an account helps today, each once."""
    by_student: dict[UUID, list[Guardianship]] = {}
    for one in in_force(user_id, today):
        by_student.setdefault(one.student_id, []).append(one)
    return [
        Helping(
            student=allowed[0].student,
            may_see_status=any(one.may_see_status for one in allowed),
            may_upload=any(one.may_upload for one in allowed),
            may_sign=any(one.may_sign for one in allowed),
        )
        for allowed in by_student.values()
    ]


def of_student(student: Student, today: date) -> list[Line]:
    """Return everybody whom a student or the school asked to help, the latest first."""
    found = Guardianship.objects.filter(student=student).order_by("-granted_at", "-id")
    return [
        Line(one, state_of(one, student, today), is_by_school(one), student_may_end(one, student, today))
        for one in found
    ]


def signers_of(student: Student, today: date) -> list[Guardianship]:
    """Return who is helping and may sign, each account once."""
    by_user = {
        line.guardianship.user_id: line.guardianship
        for line in of_student(student, today)
        if line.state is GuardianshipState.HELPING and line.guardianship.may_sign
    }
    return list(by_user.values())


def may_sign(user_id: UUID, student_id: UUID, today: date) -> bool:
    """Return whether an account may sign for a student today."""
    return any(one.may_sign for one in in_force(user_id, today) if one.student_id == student_id)


def names_of(student_id: UUID) -> dict[str, str]:
    """Return the names of a student's guardians by actor ("guardian:<account>"), also of former ones."""
    found = Guardianship.objects.filter(student_id=student_id, user__isnull=False).order_by("granted_at")
    return {f"guardian:{user_id}": name for user_id, name in found.values_list("user_id", "name")}


@dataclass(frozen=True)
class HelpersDeed:
    """Something that a guardian did, as the student reads it."""

    name: str
    deed: history.Deed


def deeds_of_guardians(student_id: UUID, *, limit: int = 50) -> list[HelpersDeed]:
    """Return what guardians did with a student's record, the newest first."""
    events = audit.about("student", student_id).filter(by__startswith="guardian:")[: limit * 2]
    names = names_of(student_id)
    found = [(event, history.visible_deeds([event])) for event in events]
    return [HelpersDeed(names.get(event.by, ""), deeds[0]) for event, deeds in found if deeds][:limit]


# --- invitations ------------------------------------------------------------------------------------------------


class InvitationStanding(StrEnum):
    """What somebody who holds an invitation's link can do with it now."""

    OVER = "over"  # taken back, or its last day is over
    ACCEPTED = "accepted"
    EXPIRED = "expired"  # the link, not the invitation
    CLOSED = "closed"  # the student's registration has ended
    LOCKED = "locked"
    BIRTH = "birth"
    STUDENT_ID = "student_id"
    SCHOOL = "school"


@dataclass(frozen=True)
class Invited:
    """An invitation as its link shows it."""

    standing: InvitationStanding
    link: SignInLink
    guardianship: Guardianship | None
    has_account: bool = False

    @property
    def asks(self) -> bool:
        return self.standing in (InvitationStanding.BIRTH, InvitationStanding.STUDENT_ID)


def invited_by(link: SignInLink, *, now: datetime, today: date) -> Invited:
    """Return what a guardian's link opens. Reading it uses nothing up."""
    guardianship = (
        Guardianship.objects.filter(id=link.guardianship, student=link.student).first()
        if link.purpose == LinkPurpose.GUARDIAN and link.guardianship
        else None
    )
    if guardianship is None:
        return Invited(InvitationStanding.OVER, link, None)
    standing = _standing(link, guardianship, now, today)
    return Invited(standing, link, guardianship, account_with(guardianship.email) is not None)


def _standing(link: SignInLink, guardianship: Guardianship, now: datetime, today: date) -> InvitationStanding:
    match state_of(guardianship, link.student, today):
        case GuardianshipState.REVOKED | GuardianshipState.ENDED:
            return InvitationStanding.OVER
        case GuardianshipState.HELPING:
            return InvitationStanding.ACCEPTED
    if closing_of(link.student_id, today).standing is not AccessStanding.ACTIVE:
        return InvitationStanding.CLOSED
    if link.used_at or link.expires_at <= now:
        return InvitationStanding.EXPIRED
    if any(one.locked_until and one.locked_until > now for one in links_of(guardianship)):
        return InvitationStanding.LOCKED
    return InvitationStanding(str(links.asked(link.student)))


def links_of(guardianship: Guardianship) -> Iterable[SignInLink]:
    """Return the links that invite to a guardianship."""
    return SignInLink.objects.filter(
        student_id=guardianship.student_id, purpose=LinkPurpose.GUARDIAN, guardianship=guardianship.id
    )


def account_with(email: str) -> User | None:
    """Return the guardian's account with an e-mail address; staff and students of that address are others."""
    return User.objects.filter(role=Role.GUARDIAN.value, email__iexact=email).first()
