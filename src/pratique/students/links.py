"""Sign-in links: the tokens they carry, how long they are good for, and whom a login or an old link names.

A token is 32 random bytes; only its SHA-256 is kept, so nobody who reads the database can open an account. An old
link, used or expired, still says whom a fresh one goes to: the address on file, never one that is typed in.
"""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Lower

from pratique.foundation.tenancy import capability
from pratique.students.access import AccessStanding, Closing, closing_of
from pratique.students.models import LinkPurpose, SignInLink, Student, StudentAccount

GOOD_FOR = timedelta(days=30)
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
_LONGEST_LOCK = timedelta(days=1)
# A fresh link can be asked for this often, and so many times a day.
ASK_EVERY = timedelta(minutes=3)
ASK_A_DAY = 5
ASK_WITHIN = timedelta(days=1)
# Brothers and sisters may share an address; a whole class does not.
_MOST_NAMED = 10


@dataclass(frozen=True)
class Made:
    """A fresh token and the hash that is kept of it."""

    token: str
    token_hash: str


def new_token() -> Made:
    """Return a fresh token (32 random bytes, URL-safe) with its hash."""
    token = secrets.token_urlsafe(32)
    return Made(token, token_hash(token))


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def lock_until(*, wrong_tries: int, now: datetime) -> datetime | None:
    """Return until when a student's links are locked after this many wrong answers; None: not yet. Pure.

    Every fifth locks, each time for twice as long, so that a fresh link buys nobody more guesses.
    """
    rounds, rest = divmod(wrong_tries, TRIES)
    if rest or not rounds:
        return None
    return now + min(LOCKED_FOR * (1 << min(rounds - 1, 10)), _LONGEST_LOCK)


def same_birth(known: date, given: date) -> bool:
    """Compare two dates in a time that does not tell how much of them agrees."""
    return hmac.compare_digest(known.isoformat(), given.isoformat())


def same_student_id(known: str, given: str) -> bool:
    """Compare two student ids without case and outer blanks, in a time that tells nothing."""
    return hmac.compare_digest(_folded(known).encode(), _folded(given).encode())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()


def masked(address: str) -> str:
    """Return an e-mail address as a stranger may see it: "a•••@x.edu"; empty where there is none."""
    name, _at, domain = address.rpartition("@")
    return f"{name[:1]}•••@{domain}" if name else ""


def institution_of_link(token: str) -> UUID | None:
    """Return the institution of the link with this token, or None: whoever holds the token finds one row."""
    hashed = token_hash(token)
    with capability("sign_in_link", hashed):
        return SignInLink.objects.filter(token_hash=hashed).values_list("institution_id", flat=True).first()


def find(token: str) -> SignInLink | None:
    """Return the link with this token in the present institution, with its student."""
    return SignInLink.objects.filter(token_hash=token_hash(token)).select_related("student").first()


@dataclass(frozen=True)
class Named:
    """A student whom a login names."""

    institution_id: UUID
    student_id: UUID


def named_by(login: str) -> list[Named]:
    """Return the students of any institution whose username or e-mail is `login`, in any case.

    A system-wide look-up, like the sign-in's: whoever asks for a link has not said yet where they belong.
    """
    wanted = unicodedata.normalize("NFC", login.strip())
    if not wanted or "\0" in wanted:
        return []
    found: set[tuple[UUID, UUID]] = set()
    # PostgreSQL folds both sides, so that its own idea of lower case is the only one.
    with connection.cursor() as cursor:
        cursor.execute("select lower(%s)", [wanted])
        (folded,) = cursor.fetchone()
    by_username = Student.objects.alias(folded=Lower("username")).filter(folded=folded)
    by_email = (
        Student.objects.alias(folded=Lower("email"))
        .filter(folded=folded)
        .exclude(email="")
        .exclude(email=F("username"))
    )
    for lookup, students in (("student_username", by_username), ("student_email", by_email)):
        with capability(lookup, folded):
            found.update(students.values_list("institution_id", "id")[:_MOST_NAMED])
    return [Named(*row) for row in sorted(found)]


class LinkState(StrEnum):
    """What somebody who holds a link can do with it now."""

    UNKNOWN = "unknown"  # never was ours, or is mistyped
    GUARDIAN = "guardian"  # invites somebody to help a student
    ACCOUNT = "account"  # the student has an account already: sign in
    CLOSED = "closed"  # the registration has ended
    EXPIRED = "expired"
    LOCKED = "locked"  # too many wrong answers
    BIRTH = "birth"  # say your date of birth
    STUDENT_ID = "student_id"  # none is known: say your student id
    SCHOOL = "school"  # neither is known: ask the school


@dataclass(frozen=True)
class Opened:
    """What a link opens, for whom, and what stands in the way."""

    state: LinkState
    link: SignInLink | None = None
    closing: Closing | None = None
    has_password: bool = False  # of the account that there is
    locked_until: datetime | None = None


def opened(token: str, *, now: datetime, today: date) -> Opened:
    """Return what the link with `token` opens in the present institution. Reading it uses nothing up."""
    link = find(token)
    if link is None:
        return Opened(LinkState.UNKNOWN)
    if link.purpose == LinkPurpose.GUARDIAN:
        return Opened(LinkState.GUARDIAN, link)
    student = link.student
    closing = closing_of(student.id, today)
    account = StudentAccount.objects.filter(student=student).select_related("user").first()
    if account is not None:
        return Opened(LinkState.ACCOUNT, link, has_password=account.user.has_usable_password())
    if closing.standing is not AccessStanding.ACTIVE:
        return Opened(LinkState.CLOSED, link, closing)
    if link.expires_at <= now or link.used_at:
        return Opened(LinkState.EXPIRED, link)
    if link.locked_until and link.locked_until > now:
        return Opened(LinkState.LOCKED, link, locked_until=link.locked_until)
    return Opened(asked(student), link)


def asked(student: Student) -> LinkState:
    """Return what a student is asked for besides the link: the first of the facts that the school has given."""
    if student.date_of_birth:
        return LinkState.BIRTH
    return LinkState.STUDENT_ID if student.student_id else LinkState.SCHOOL
