"""Making and changing staff accounts."""

from datetime import datetime

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.institutions.models import Institution


def create_staff(
    *,
    institution: Institution,
    username: str,
    name: str,
    role: Role,
    password: str | None,
    email: str = "",
    by: audit.Actor,
    now: datetime,
) -> User:
    """Create a staff account; without a password it cannot sign in until one is set by mail."""
    user = User(
        institution=institution,
        username=username.strip(),
        name=name,
        role=role.value,
        email=email,
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
        detail={"role": role.value},
    )
    return user
