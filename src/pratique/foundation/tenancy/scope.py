"""Naming the institution of a transaction.

The name lives in the transaction-local setting `pratique.institution`, which PostgreSQL forgets at commit and at
rollback: a pooled connection can never carry it to the next request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

SETTING = "pratique.institution"


class OtherInstitutionError(RuntimeError):
    """Code that acts for one institution tried to act for another inside the same transaction."""


@contextmanager
def institution_scope(institution_id: UUID) -> Iterator[None]:
    """Open a transaction (or a savepoint of the open one) in which the rows of one institution are visible.

    Nesting the same institution is free; nesting another raises OtherInstitutionError, because the outer code
    would come back to find that its rows had vanished.
    """
    with transaction.atomic():
        before = current_institution()
        if before is not None and before != institution_id:
            raise OtherInstitutionError("A transaction acts for one institution only.")
        if before is None:
            _set(SETTING, str(institution_id))
        yield
        if before is None and not connection.needs_rollback:
            # After an error the rollback undoes the setting by itself.
            _set(SETTING, "")


def enter_institution(institution_id: UUID) -> None:
    """Set the institution for the rest of the open transaction, as sign-in does once it knows who comes.

    Raises OtherInstitutionError if another one is set already.
    """
    before = current_institution()
    if before is not None and before != institution_id:
        raise OtherInstitutionError("A transaction acts for one institution only.")
    _set(SETTING, str(institution_id))


def current_institution() -> UUID | None:
    """Return the institution of the open transaction, or None."""
    with connection.cursor() as cursor:
        cursor.execute("select nullif(current_setting(%s, true), '')", [SETTING])
        (value,) = cursor.fetchone()
    return UUID(value) if value else None


@contextmanager
def capability(name: str, value: str) -> Iterator[None]:
    """Make visible the rows that a capability policy grants to whoever already knows `value`.

    Sign-in, a partner's client id and the scheduler must find a row before they know its institution. Each such
    look-up is one policy (`operations.AllowLookup`) that compares one column with one setting: knowing the value
    shows that row. Only the scheduler's shows more: every institution's own row, and nothing that belongs to it.
    """
    with transaction.atomic():
        _set(f"pratique.{name}", value)
        yield
        if not connection.needs_rollback:
            _set(f"pratique.{name}", "")


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [name, value])
