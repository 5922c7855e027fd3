"""Secure tokens: issued to a partner, redeemed by the student's browser (contracts/partner-api.md)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, transaction

from pratique.accounts.models import User
from pratique.foundation import audit, clock
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import in_batches, run_later, run_prepared
from pratique.foundation.tenancy.operations import CURRENT
from pratique.institutions.models import Institution
from pratique.partners import tokens
from pratique.students.access import AccessStanding, Registration, access_of
from pratique.students.actions.accounts import AlreadyActivatedError, activate
from pratique.students.models import StudentAccount

# By hand, as the rest of a visit: the model's own way of inserting took twice as long.
_ISSUE = """
    insert into partners_securetoken (id, institution_id, student_id, identifier, token_hash, created_at, expires_at)
    values (%(id)s, %(institution)s, %(student)s, %(identifier)s, %(hash)s, %(now)s, %(expires)s)
"""


def issue_token(*, institution: Institution, student_id: UUID, caller_identifier: str, now: datetime) -> str:
    """Make a secure token for a student of the present institution and return it: this once, it is kept nowhere.

    It is good for as long as the institution has set. `caller_identifier` is the client id of the partner that asks.
    """
    made = tokens.new_token()
    values = {
        "id": new_id(), "institution": institution.id, "student": student_id, "identifier": caller_identifier,
        "hash": made.token_hash, "now": now, "expires": now + timedelta(minutes=institution.secure_token_minutes),
    }  # fmt: skip
    run_later(_ISSUE, values)
    return made.token


@dataclass(frozen=True)
class Redeemed:
    """Whom a token has let in, and whether a registration of theirs has no tracker yet."""

    user: User
    lacks_tracker: bool


# Puts the transaction into the scope of the institution that a token names, if there is such a token.
_ENTER = """
    select set_config('pratique.institution', institution_id::text, true)
    from partners_securetoken where token_hash = %(hash)s
"""
_USER = [field.attname for field in User._meta.concrete_fields]
# Of two who bring a token at once the second waits for the first, and then finds it used.
_USE = f"""
    with used as (
        update partners_securetoken set redeemed_at = %(now)s
        where institution_id = {CURRENT} and token_hash = %(hash)s
            and redeemed_at is null and expires_at > %(now)s
        returning institution_id, student_id, identifier
    )
    select used.institution_id, used.student_id, used.identifier, i.time_zone, m.states, m.ends, m.without,
        {", ".join(f"u.{column}" for column in _USER)}
    from used
    join institutions_institution i on i.id = used.institution_id
    left join students_studentaccount a
        on a.institution_id = used.institution_id and a.student_id = used.student_id
    left join accounts_user u on u.institution_id = used.institution_id and u.id = a.user_id
    cross join lateral (
        select array_agg(m.state order by m.id) as states, array_agg(m.expires_on order by m.id) as ends,
            array_agg(m.tracker_id is null order by m.id) as without
        from students_membership m
        where m.institution_id = used.institution_id and m.student_id = used.student_id
    ) m
"""  # noqa: S608  (constants only)


class _Used(NamedTuple):
    """What `_USE` tells of a token that it has used up. The lists go together: one entry a membership."""

    institution_id: UUID
    student_id: UUID
    identifier: str
    time_zone: str
    states: list[str] | None
    ends: list[date | None] | None
    without: list[bool] | None
    user: tuple[Any, ...]

    def registrations(self) -> list[Registration]:
        return [Registration(*one) for one in zip(self.states or (), self.ends or (), strict=True)]

    def lacks_tracker(self, today: date) -> bool:
        told = zip(self.registrations(), self.without or (), strict=True)
        return any(
            without and access_of([one], today).standing is AccessStanding.ACTIVE for one, without in told
        )


def redeem(token: str, *, language: str, now: datetime) -> Redeemed | None:
    """Use a token up and return whom it lets in, inside their institution for the rest of the transaction.

    None for a token that is unknown, used or expired, and for a student whose registration has ended or whose
    account is closed; which of these it was is not told. A token of the latter is used up all the same. A student
    who comes for the first time is given an account without a password, in `language`.
    """
    if not tokens.is_well_formed(token):
        return None
    hashed = tokens.token_hash(token)
    with transaction.atomic(savepoint=False), in_batches():
        run_later(_ENTER, {"hash": hashed}, {"secure_token": hashed})
        rows = run_prepared(_USE, {"hash": hashed, "now": now})
        if not rows:
            return None
        return _let_in(_Used._make((*rows[0][:7], rows[0][7:])), language, now)


def _let_in(used: _Used, language: str, now: datetime) -> Redeemed | None:
    today = clock.today(used.time_zone, at=now)
    if access_of(used.registrations(), today).standing is not AccessStanding.ACTIVE:
        return None
    user = _account(used, language, now)
    if not user.is_active:
        return None
    audit.record(
        "partners:student:signed_in", institution_id=used.institution_id, by=audit.Actor("partner", used.identifier),
        now=now, subject_type="student", subject_id=used.student_id,
    )  # fmt: skip
    return Redeemed(user, used.lacks_tracker(today))


def _account(used: _Used, language: str, now: datetime) -> User:
    """Return the student's account, opened now if there was none."""
    if used.user[0] is not None:
        return User.from_db(DEFAULT_DB_ALIAS, _USER, used.user)
    user_id = new_id()
    try:
        return activate(
            student_id=used.student_id, user_id=user_id, password=None, language=language,
            by=audit.Actor("student", str(user_id)), now=now,
        )  # fmt: skip
    except AlreadyActivatedError:
        # Another token of the same student was a moment earlier.
        account = StudentAccount.objects.select_related("user").get(student_id=used.student_id)
        user: User = account.user
        return user
