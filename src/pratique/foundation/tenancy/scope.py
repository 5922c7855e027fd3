"""Naming the institution of a transaction.

The name lives in the transaction-local setting `pratique.institution`, which PostgreSQL forgets at commit and at
rollback: a pooled connection can never carry it to the next request.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

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


def run_with(settings: Mapping[str, str], statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement with these settings (names without `pratique.`) in force, in one round trip; return its rows.

    For what a machine asks thousands of times a minute. Outside a transaction the settings end, and what is written
    is committed, with the statement; inside one they end with the transaction, as in `enter_institution`.
    """
    with connection.cursor() as cursor:
        prologue, named = _prologue(settings)
        cursor.execute(f"{prologue}; {statement}", {**named, **values})
        cursor.nextset()
        return cursor.fetchall() if cursor.description else []


def run_prepared(
    settings: Mapping[str, str], name: str, statement: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Do as `run_with` does, with a statement that each connection plans only once, under a name of its own.

    For a look-up whose planning under row security costs more than the look-up itself. `values` are its $1, $2, ...
    """
    connection.ensure_connection()
    ready = _prepared.setdefault(connection.connection, set())
    with connection.cursor() as cursor:
        if name not in ready:
            cursor.execute(f"prepare {name} as {statement}")
            ready.add(name)
        prologue, named = _prologue(settings)
        given = {f"_given_{number}": value for number, value in enumerate(values)}
        places = ", ".join(f"%({place})s" for place in given)
        cursor.execute(f"{prologue}; execute {name}({places})", {**named, **given})
        cursor.nextset()
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows


# By connection of the driver: what it has planned ends with it. (A pooler must be in session mode, .env.example.)
_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def _prologue(settings: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the statement that puts settings in force, and its values."""
    named = {f"_name_{number}": f"pratique.{name}" for number, name in enumerate(settings)}
    given = {f"_value_{number}": value for number, value in enumerate(settings.values())}
    calls = ", ".join(
        f"set_config(%(_name_{number})s, %(_value_{number})s, true)" for number in range(len(settings))
    )
    return f"select {calls}", named | given


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [name, value])
