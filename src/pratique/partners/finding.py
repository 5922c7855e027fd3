"""Whom and what a call is about: one query for each. Rows of other institutions are never found."""

import hmac
import unicodedata
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pratique.foundation.tenancy import run_prepared
from pratique.institutions.models import Institution
from pratique.partners.types import Refusal
from pratique.partners.usernames import STAFF_USERNAMES
from pratique.students.folding import username_key


class Known(NamedTuple):
    """A student who has the vendor key of a call."""

    id: UUID
    account_token: str
    username: str


class Naming(NamedTuple):
    """What the names in a createUser call name. `institution` holds the settings that the call needs, no others."""

    institution: Institution
    package_id: UUID | None
    known: Known | None
    username_taken: bool
    is_staff: bool


# Whoever is known is called as they are: what else the name could clash with is asked for the others alone.
_NAMING = f"""
    select i.time_zone, i.membership_months, i.secure_token_minutes, p.id, s.id, s.account_token, s.username,
        s.id is null and exists (
            select from students_student t where t.institution_id = i.id and t.username_key = %(key)s
        ),
        case when s.id is null then array({STAFF_USERNAMES}) else '{{}}' end
    from institutions_institution i
    left join institutions_package p on p.institution_id = i.id and p.code = %(code)s
    left join students_student s
        on s.institution_id = i.id and s.student_id = %(vendor_key)s and s.student_id <> ''
    where i.id = %(institution)s
"""  # noqa: S608  (constants only)


def naming(institution_id: UUID, *, vendor_key: str, username: str, code: str) -> Naming:
    """Look up all that a createUser call names; an empty name names nothing."""
    key = username_key(username)
    # A colleague's name in letters of another width, or in ligatures, would be read as theirs.
    keys = [key] if username.isascii() else [key, username_key(unicodedata.normalize("NFKC", username))]
    values: dict[str, Any] = {
        "institution": institution_id, "vendor_key": vendor_key, "code": code, "key": key, "keys": keys,
    }  # fmt: skip
    ((time_zone, months, minutes, package_id, *student, taken, staff),) = run_prepared(_NAMING, values)
    institution = Institution(
        id=institution_id, time_zone=time_zone, membership_months=months, secure_token_minutes=minutes
    )
    known = Known(*student) if student[0] is not None else None
    return Naming(institution, package_id, known, taken, not set(keys).isdisjoint(map(username_key, staff)))


class OnPackage(NamedTuple):
    """A student's membership of a package, with its tracker."""

    package_id: UUID
    membership_id: UUID
    state: str
    tracker_id: UUID | None
    tracker_name: str | None
    tracker_due_on: date | None


class About(NamedTuple):
    """Whom a call names by account token and vendor key, on the package that it names, if it names one."""

    institution: Institution
    student_id: UUID
    on_package: OnPackage | None
    # The tracker of the package that has exactly the name that the call gives.
    named_tracker_id: UUID | None


_ABOUT = """
    select i.time_zone, i.secure_token_minutes, s.id, s.student_id, w.id,
        p.id, m.id, m.state, m.tracker_id, t.name, t.due_on
    from institutions_institution i
    left join students_student s on s.institution_id = i.id and s.account_token = %(account_token)s
    left join institutions_package p on p.institution_id = i.id and p.code = %(code)s
    left join students_membership m
        on m.institution_id = i.id and m.student_id = s.id and m.package_id = p.id
    left join institutions_tracker t on t.institution_id = i.id and t.id = m.tracker_id
    left join institutions_tracker w
        on w.institution_id = i.id and w.package_id = p.id and lower(w.name) = lower(%(tracker_name)s)
        and w.name = %(tracker_name)s
    where i.id = %(institution)s
"""


def about(
    institution_id: UUID,
    *,
    account_token: str,
    vendor_key: str,
    code: str | None = None,
    tracker_name: str = "",
) -> About:
    """Look up whom a call is about; without `code`, on no package.

    Raises Refusal: STUDENT_UNKNOWN unless token and key name the same student of the institution, whichever is
    wrong; then PACKAGE_UNKNOWN, NOT_ON_PACKAGE.
    """
    values: dict[str, Any] = {
        "institution": institution_id, "account_token": account_token, "code": code or "",
        "tracker_name": tracker_name,
    }  # fmt: skip
    ((time_zone, minutes, student_id, stored_key, named_tracker_id, *found),) = run_prepared(_ABOUT, values)
    institution = Institution(id=institution_id, time_zone=time_zone, secure_token_minutes=minutes)
    # How long the comparison takes must not tell how much of a key was right.
    same = hmac.compare_digest((stored_key or "").encode(), vendor_key.encode())
    if student_id is None or not stored_key or not same:
        raise Refusal("STUDENT_UNKNOWN")
    on_package = OnPackage(*found)
    if code is None:
        return About(institution, student_id, None, None)
    if on_package.package_id is None:
        raise Refusal("PACKAGE_UNKNOWN", field="code")
    if on_package.membership_id is None:
        raise Refusal("NOT_ON_PACKAGE", field="code")
    return About(institution, student_id, on_package, named_tracker_id)
