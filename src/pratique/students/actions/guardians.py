"""What happens to guardianships: invited, sent again, answered, accepted, ended."""

import re
import unicodedata
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.accounts.actions import create_person
from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.students import guardians, links
from pratique.students.access import AccessStanding, closing_of
from pratique.students.actions.links import Answer, is_right
from pratique.students.actions.notices import queue_notice
from pratique.students.guardians import GuardianshipState, InvitationStanding
from pratique.students.models import Guardianship, Notice, NoticeKind, NoticeState, SignInLink, Student

# Whom a student may have helping at a time, and how many mails to strangers they may cause a day.
MOST = 8
A_DAY = 10
_ADDRESS = re.compile(r"://|www\.|@|\.(com|net|org)\b", re.IGNORECASE)


class GuardianError(Exception):
    """Why something is not possible: a code, a sentence for the person who tried, and the field it is about."""

    def __init__(self, code: str, sentence: str, field: str = "") -> None:
        self.code, self.sentence, self.field = code, sentence, field
        super().__init__(code)


class HasAccountError(RuntimeError):
    """The address has a guardian's account: they sign in with it to accept."""


def invite(
    *,
    student_id: UUID,
    name: str,
    email: str,
    relation: str,
    may_see_status: bool,
    may_upload: bool,
    may_sign: bool,
    until: date | None = None,
    by: audit.Actor,
    now: datetime,
    today: date,
) -> Guardianship:
    """Ask somebody to help a student, as the student or, for a minor, as the school; they are mailed a link.

    Who may upload sees what is asked too. Raises GuardianError.
    """
    student = Student.objects.select_for_update().get(id=student_id)
    by_school = by.kind == "staff"
    name, email = _name(name), email.strip()
    _check_address(student, email)
    if relation not in guardians.RELATIONS:
        raise GuardianError("relation", _("Choose who this person is."), "relation")
    if not (may_see_status or may_upload or may_sign):
        raise GuardianError(
            "nothing", _("Tick at least one thing that this person may do."), "may_see_status"
        )
    if by_school and not guardians.is_minor(student, today):
        raise GuardianError("not_minor", _("The school can invite somebody for students under 18 only."))
    if closing_of(student.id, today).standing is not AccessStanding.ACTIVE:
        raise GuardianError("closed", _("This registration has ended."))
    _check_number(student, email, by_school=by_school, now=now, today=today)
    guardianship = Guardianship(
        institution_id=student.institution_id, student=student, name=name, email=email, relation=relation,
        may_see_status=may_see_status or may_upload, may_upload=may_upload, may_sign=may_sign, granted_at=now,
        granted_by=str(by), expires_on=_last_day(student, until, by_school=by_school, today=today),
    )  # fmt: skip
    guardianship.save(force_insert=True)
    queue_notice(
        student_id=student.id, kind=NoticeKind.GUARDIAN_INVITED, now=now, guardianship_id=guardianship.id
    )
    allowed = {"status": guardianship.may_see_status, "upload": may_upload, "sign": may_sign}
    _record("students:guardianship:invited", guardianship, by=by, now=now, detail=allowed)
    return guardianship


def _name(typed: str) -> str:
    """Return a name in one line; one that is an address would make our mail somebody else's advertisement."""
    plain = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in typed)
    name = " ".join(plain.split())
    if not any(sign.isalpha() for sign in name):
        raise GuardianError("name", _("Write this person’s name."), "name")
    if len(name) > 150 or _ADDRESS.search(name):
        raise GuardianError("name", _("Write a name here, and nothing else."), "name")
    return name


def _check_address(student: Student, email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise GuardianError(
            "email", _("Write an e-mail address, such as name@example.org."), "email"
        ) from None
    if len(email) > 254:
        raise GuardianError("email", _("This e-mail address is too long."), "email")
    if email.casefold() in (student.email.casefold(), student.username.casefold()):
        raise GuardianError("own", _("This is the student’s own address."), "email")


def _check_number(student: Student, email: str, *, by_school: bool, now: datetime, today: date) -> None:
    held = [
        line
        for line in guardians.of_student(student, today)
        if line.state in (GuardianshipState.INVITED, GuardianshipState.HELPING)
    ]
    if any(
        line.guardianship.email.casefold() == email.casefold() and line.by_school == by_school
        for line in held
    ):
        raise GuardianError("twice", _("This person is invited already."), "email")
    if len(held) >= MOST:
        raise GuardianError("too_many", _("That is as many people as can help at a time. End one first."))
    mails = Notice.objects.filter(
        student=student, kind=NoticeKind.GUARDIAN_INVITED, queued_at__gt=now - links.ASK_WITHIN
    )
    if mails.count() >= A_DAY:
        raise GuardianError("too_often", _("You have invited many people today. Please go on tomorrow."))


def _last_day(student: Student, until: date | None, *, by_school: bool, today: date) -> date:
    latest = guardians.last_possible_day(student, by_school=by_school, today=today)
    if until is None:
        return guardians.usual_day(student, by_school=by_school, today=today)
    if until < today:
        raise GuardianError("past", _("This day is over already."), "until")
    if until > latest:
        sentence = _("Choose a day not later than {day}.").format(day=latest.isoformat())
        raise GuardianError("too_late", sentence, "until")
    return until


def send_again(
    *, guardianship_id: UUID, student_id: UUID, by: audit.Actor, now: datetime, today: date
) -> None:
    """Mail a fresh link to somebody who has not accepted yet. Raises GuardianError, Guardianship.DoesNotExist."""
    guardianship = _locked(guardianship_id, student_id)
    if guardians.state_of(guardianship, guardianship.student, today) is not GuardianshipState.INVITED:
        raise GuardianError("not_waiting", _("This invitation does not wait any more."))
    asked = Notice.objects.filter(
        guardianship=guardianship, kind=NoticeKind.GUARDIAN_INVITED, queued_at__gt=now - links.ASK_WITHIN
    ).values_list("queued_at", flat=True)
    times = list(asked)
    if len(times) >= links.ASK_A_DAY or any(time > now - links.ASK_EVERY for time in times):
        raise GuardianError(
            "too_often", _("A mail is on its way already. Please wait before you send another.")
        )
    queue_notice(
        student_id=student_id, kind=NoticeKind.GUARDIAN_INVITED, now=now, guardianship_id=guardianship.id
    )
    _record("students:guardianship:invited", guardianship, by=by, now=now, detail={"again": True})


def revoke(
    *, guardianship_id: UUID, student_id: UUID, by: audit.Actor, now: datetime, today: date
) -> Guardianship:
    """End somebody's help at once; what was ended before stays as it is.

    Raises GuardianError if a minor would end what the school allowed, Guardianship.DoesNotExist.
    """
    guardianship = _locked(guardianship_id, student_id)
    if guardianship.revoked_at is not None:
        return guardianship
    if by.kind == "student" and not guardians.student_may_end(guardianship, guardianship.student, today):
        raise GuardianError("by_school", _("Your school allowed this. Ask its health office to end it."))
    guardianship.revoked_at, guardianship.revoked_by = now, str(by)
    guardianship.save(update_fields=["revoked_at", "revoked_by"])
    waiting = Notice.objects.filter(guardianship=guardianship, state=NoticeState.QUEUED)
    waiting.update(state=NoticeState.DROPPED, changed_at=now)
    _record("students:guardianship:revoked", guardianship, by=by, now=now)
    return guardianship


def confirm(
    *,
    link_id: UUID,
    birth: date | None = None,
    student_id: str | None = None,
    now: datetime,
    today: date,
) -> Answer:
    """Compare the answer of somebody who was invited with what the school has on file of the student.

    Wrong answers are counted over all links of this invitation, as students' own are (`actions.links.confirm`).
    """
    link = SignInLink.objects.select_related("student").get(id=link_id)
    list(SignInLink.objects.select_for_update().filter(id=link_id))
    invited = guardians.invited_by(link, now=now, today=today)
    if invited.standing is InvitationStanding.LOCKED:
        return Answer.LOCKED
    if not invited.asks or invited.guardianship is None:
        return Answer.GONE
    if is_right(link.student, birth, student_id):
        return Answer.RIGHT
    held = SignInLink.objects.filter(id__in=[one.id for one in guardians.links_of(invited.guardianship)])
    wrong = 1 + sum(held.values_list("wrong_tries", flat=True))
    SignInLink.objects.filter(id=link_id).update(wrong_tries=min(link.wrong_tries + 1, 32_000))
    by = audit.Actor("link", str(link.id))
    _record("students:guardianship:wrong_answer", invited.guardianship, by=by, now=now)
    until = links.lock_until(wrong_tries=wrong, now=now)
    if until is None:
        return Answer.WRONG
    held.update(locked_until=until)
    return Answer.LOCKED


def accept(*, link_id: UUID, user: User, by: audit.Actor, now: datetime, today: date) -> Guardianship:
    """Let an account accept the invitation of a link that was answered.

    Raises GuardianError if it was taken back or used meanwhile, or invites another address.
    """
    link = SignInLink.objects.select_related("student").get(id=link_id)
    if link.guardianship is None:
        raise GuardianError("gone", _("This invitation does not wait any more."))
    guardianship = _locked(link.guardianship, link.student_id)
    if user.role != Role.GUARDIAN.value or user.email.casefold() != guardianship.email.casefold():
        raise GuardianError("another", _("This invitation is for another account."))
    if not guardians.invited_by(link, now=now, today=today).asks:
        raise GuardianError("gone", _("This invitation does not wait any more."))
    guardianship.user, guardianship.accepted_at = user, now
    guardianship.save(update_fields=["user", "accepted_at"])
    used = [one.id for one in guardians.links_of(guardianship)]
    SignInLink.objects.filter(id__in=used, used_at__isnull=True).update(used_at=now)
    _record("students:guardianship:accepted", guardianship, by=by, now=now)
    return guardianship


def open_account(
    *, link_id: UUID, user_id: UUID, password: str | None, language: str, now: datetime, today: date
) -> User:
    """Make the account of somebody who was invited, and accept with it; without a password, a passkey follows.

    Raises HasAccountError if the address has an account, GuardianError as `accept` does; then nothing is kept.
    """
    link = SignInLink.objects.get(id=link_id)
    if link.guardianship is None:
        raise GuardianError("gone", _("This invitation does not wait any more."))
    guardianship = Guardianship.objects.get(id=link.guardianship)
    by = audit.Actor("guardian", str(user_id))
    try:
        with transaction.atomic():
            user = create_person(
                institution=Institution.objects.get(id=guardianship.institution_id), user_id=user_id,
                username=guardianship.email, name=guardianship.name, role=Role.GUARDIAN,
                email=guardianship.email, password=password, language=language, by=by, now=now,
            )  # fmt: skip
            accept(link_id=link_id, user=user, by=by, now=now, today=today)
    except IntegrityError:
        raise HasAccountError from None
    return user


def _locked(guardianship_id: UUID, student_id: UUID) -> Guardianship:
    held = Guardianship.objects.select_for_update(of=("self",)).select_related("student")
    return held.get(id=guardianship_id, student_id=student_id)


def _record(
    action: str,
    guardianship: Guardianship,
    *,
    by: audit.Actor,
    now: datetime,
    detail: dict[str, bool] | None = None,
) -> None:
    audit.record(
        action, institution_id=guardianship.institution_id, by=by, now=now, subject_type="student",
        subject_id=guardianship.student_id, detail={"guardianship": str(guardianship.id), **(detail or {})},
    )  # fmt: skip
