"""Making and changing accounts."""

from datetime import datetime
from uuid import UUID

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.foundation.tenancy import run_prepared
from pratique.institutions.models import Institution


def create_staff(
    *,
    institution: Institution,
    username: str,
    name: str,
    role: Role,
    password: str | None,
    email: str = "",
    is_integrator: bool = False,
    by: audit.Actor,
    now: datetime,
) -> User:
    """Create a staff account; without a password it cannot sign in until one is set by mail.

    An integrator also reads what partners' systems call (`roles.INTEGRATOR`), whatever the role.
    """
    user = User(
        institution=institution,
        username=username.strip(),
        name=name,
        role=role.value,
        email=email,
        is_integrator=is_integrator,
        created_at=now,
    )
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save(force_insert=True)
    audit.record(
        "accounts:staff:created",
        institution_id=institution.id,
        by=by,
        now=now,
        subject_type="user",
        subject_id=user.id,
        detail={"role": role.value} | ({"integrator": True} if is_integrator else {}),
    )
    return user


def create_person(
    *,
    institution: Institution,
    user_id: UUID,
    username: str,
    name: str,
    role: Role,
    email: str,
    password: str | None,
    language: str,
    by: audit.Actor,
    now: datetime,
) -> User:
    """Create the account of a student or guardian; without a password they sign in by passkey alone."""
    user = User(
        id=user_id, institution=institution, username=username, name=name, role=role.value, email=email,
        language=language, created_at=now,
    )  # fmt: skip
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save(force_insert=True)
    record_person(user, password=password is not None, by=by, now=now)
    return user


def record_person(user: User, *, password: bool, by: audit.Actor, now: datetime) -> None:
    """Note in the audit trail that the account of a student or guardian was made, with or without a password."""
    audit.record(
        "accounts:person:created", institution_id=user.institution_id, by=by, now=now, subject_type="user",
        subject_id=user.id, detail={"role": user.role, "password": password},
    )  # fmt: skip


_SEEN = """
    update accounts_user set last_login = %(now)s where institution_id = %(institution)s and id = %(id)s returning 1
"""


def note_sign_in(*, user: User, now: datetime) -> None:
    """Keep when somebody signed in last: a link for a new password that was mailed before is good no more."""
    if user.last_login != now:
        user.last_login = now
        run_prepared(_SEEN, {"institution": user.institution_id, "id": user.id, "now": now})


def set_first_password(*, user: User, password: str, by: audit.Actor, now: datetime) -> None:
    """Give somebody who signed in otherwise so far a password as well; sessions elsewhere end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(
        "accounts:person:password_set", institution_id=user.institution_id, by=by, now=now, subject_type="user",
        subject_id=user.id,
    )  # fmt: skip


def set_language(*, user: User, language: str, by: audit.Actor, now: datetime) -> None:
    """Keep the language that somebody chose, so that it holds on every device and in mails."""
    if user.language == language:
        return
    user.language = language
    user.save(update_fields=["language"])
    audit.record(
        "accounts:language:chosen", institution_id=user.institution_id, by=by, now=now, subject_type="user",
        subject_id=user.id, detail={"language": language},
    )  # fmt: skip


def end_sessions(*, user: User, password: str | None, by: audit.Actor, now: datetime) -> bool:
    """Sign somebody out everywhere; False if `password`, the present one, is wrong.

    A session holds a digest of the password's hash. The same password with a fresh salt has another hash, and so has
    the unusable one of an account with passkeys alone (`password` is not asked for then).
    """
    if not user.has_usable_password():
        user.set_unusable_password()
    elif password is not None and user.check_password(password):
        user.set_password(password)
    else:
        return False
    user.save(update_fields=["password"])
    audit.record(
        "accounts:sessions:ended", institution_id=user.institution_id, by=by, now=now, subject_type="user",
        subject_id=user.id,
    )  # fmt: skip
    return True
