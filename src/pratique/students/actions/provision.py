"""Students whom another system of the school puts on a package, and what it changes about them later.

Who calls records in the audit trail what was done: only they know on whose behalf.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pratique.foundation.ids import new_account_token, new_ids
from pratique.foundation.tenancy import run_prepared
from pratique.students.folding import search_text, username_key
from pratique.students.models import Membership, MembershipState, Student


class NewStudent(NamedTuple):
    """A student as they are to be stored, with the last day of their registration (None: it has none)."""

    username: str
    student_id: str
    first_name: str
    last_name: str
    email: str
    telephone: str
    date_of_birth: date | None
    expires_on: date | None


class Provisioned(NamedTuple):
    """A student who was just made."""

    student_id: UUID
    account_token: str


# Whoever inserts the same username or student id at this moment is waited for. Without a tracker nothing is asked, so
# the standing is 0 of 0 as the columns say, and there is nothing to evaluate.
_PROVISION = """
    with student as (
        insert into students_student (institution_id, id, username, username_key, student_id, last_name, first_name,
            email, telephone, date_of_birth, attributes, account_token, search_text, created_at, updated_at)
        values (%(institution)s, %(id)s, %(username)s, %(username_key)s, %(student_id)s, %(last_name)s,
            %(first_name)s, %(email)s, %(telephone)s, %(date_of_birth)s, '{}', %(account_token)s, %(search_text)s,
            %(now)s, %(now)s)
        on conflict do nothing
        returning institution_id, id
    )
    insert into students_membership (institution_id, id, student_id, package_id, state, expires_on, created_at,
        num_items, num_complete, num_approved, user_complete, complete, status_changed_at, evaluated_at)
    select institution_id, %(membership)s::uuid, id, %(package)s::uuid, 'active', %(expires_on)s::date, %(now)s,
        0, 0, 0, false, false, %(now)s, %(now)s
    from student returning 1
"""


def provision(
    *, institution_id: UUID, package_id: UUID, new: NewStudent, now: datetime
) -> Provisioned | None:
    """Store a student and put them on a package without a tracker, in one statement.

    None, and nothing is written, if the username or the student id is taken.
    """
    (id_, membership_id), account_token = new_ids(2), new_account_token()
    values = {
        **new._asdict(),
        "institution": institution_id, "id": id_, "membership": membership_id, "package": package_id,
        "username_key": username_key(new.username), "account_token": account_token, "now": now,
        "search_text": search_text(
            first_name=new.first_name, last_name=new.last_name, username=new.username,
            student_id=new.student_id, email=new.email,
        ),
    }  # fmt: skip
    return Provisioned(id_, account_token) if run_prepared(_PROVISION, values) else None


def give_account_token(*, student_id: UUID) -> str:
    """Return a student's account token, made now if they have none."""
    made = new_account_token()
    if Student.objects.filter(id=student_id, account_token="").update(account_token=made):
        return made
    return Student.objects.values_list("account_token", flat=True).get(id=student_id)


def put_on_tracker(*, membership_id: UUID, tracker_id: UUID, now: datetime) -> bool:
    """Put a membership on a tracker of its package and mark it; False, and nothing is written, if it is on it."""
    # The name of the tracker is part of what is reported of a student, so this is a change even where no item is.
    moved = Membership.objects.filter(id=membership_id).exclude(tracker_id=tracker_id, tracker__isnull=False)
    return bool(moved.update(tracker_id=tracker_id, stale_since=now, status_changed_at=now))


def set_state(*, membership_id: UUID, state: MembershipState, now: datetime) -> bool:
    """Archive a membership, or make it count again and mark it; False, and nothing is written, if it is so already."""
    shown_again = {"stale_since": now, "status_changed_at": now} if state is MembershipState.ACTIVE else {}
    changed = Membership.objects.filter(id=membership_id).exclude(state=state)
    return bool(changed.update(state=state, **shown_again))
