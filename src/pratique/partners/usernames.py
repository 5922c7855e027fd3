"""A username for a new student: the one that was suggested, or the next free number after it.

Contract: partner-api.md, createUser. Usernames are compared by `students.folding.username_key`; a member of staff's is
never given to a student.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection

from pratique.accounts.roles import STAFF_ROLES
from pratique.students.folding import username_key

LONGEST = 254
_FIRST_CHUNK = 10
_LARGEST_CHUNK = 5_120

# PostgreSQL's lower() and Python's casefold() agree on ASCII, so those in other letters all come and are folded here.
STAFF_USERNAMES = f"""
    select u.username from accounts_user u
    where u.institution_id = %(institution)s and u.role in ({", ".join(f"'{role.value}'" for role in STAFF_ROLES)})
        and (lower(u.username) = any(%(keys)s) or octet_length(u.username) <> char_length(u.username))
"""  # noqa: S608  (constants only)
_TAKEN = f"""
    select username from students_student where institution_id = %(institution)s and username_key = any(%(keys)s)
    union all {STAFF_USERNAMES}
"""  # noqa: S608  (constants only)


def numbered(suggested: str, number: int) -> str:
    """Return `suggested` with a number after it, shortened as far as both need to fit. PURE."""
    digits = str(number)
    return suggested[: LONGEST - len(digits)] + digits


def first_free(candidates: Mapping[str, str], taken: Iterable[str]) -> str | None:
    """Return the first candidate (a username by its key, in order) that no taken username is, or None. PURE."""
    keys = {username_key(username) for username in taken}
    return next((username for key, username in candidates.items() if key not in keys), None)


def next_free(institution_id: UUID, suggested: str) -> str:
    """Return `suggested` with the smallest number from 1 that is free now; each look asks for four times as many."""
    first, count = 1, _FIRST_CHUNK
    while True:
        candidates = {username_key(name): name for name in _candidates(suggested, first, count)}
        found = first_free(candidates, _taken(institution_id, list(candidates)))
        if found is not None:
            return found
        first, count = first + count, min(4 * count, _LARGEST_CHUNK)


def _candidates(suggested: str, first: int, count: int) -> Iterable[str]:
    return (numbered(suggested, number) for number in range(first, first + count))


def _taken(institution_id: UUID, keys: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, {"institution": institution_id, "keys": keys})
        return [username for (username,) in cursor.fetchall()]


def wait_for_turn(institution_id: UUID, suggested: str) -> None:
    """Until the end of the transaction, let nobody else look for a number after the same username."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"username:{institution_id}:{username_key(suggested)}"],
        )
