"""Migration operations that put a tenant-owned table under row-level security.

Protect("students", "student")                       # keys, composite references, policy, forced security
AllowLookup("accounts_user", "sign_in", "lower(username)")  # one row for whoever knows the value
ProtectThrough("account_emailaddress", "user_id", "accounts_user")  # a library's table, by its owner row
"""

from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation

from pratique.foundation.tenancy.models import TenantForeignKey

# `(select ...)` makes the planner read the setting once a query instead of once a row (architecture.md, Tenancy).
CURRENT = "(select nullif(current_setting('pratique.institution', true), '')::uuid)"


class Protect(Operation):
    """Give a model's table the key (institution_id, id), composite foreign keys, and a forced row policy."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, app: str, model: str, *, append_only: bool = False, keep_key: bool = False) -> None:
        self.app, self.model = app, model
        self.options = {"append_only": append_only, "keep_key": keep_key}

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.app, self.model], self.options

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Django's own state knows nothing of policies."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(self.app, self.model)
        for statement in protect_statements(model, **self.options):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(self.app, self.model)._meta.db_table
        schema_editor.execute(f'drop policy tenant on "{table}"')
        schema_editor.execute(
            f'alter table "{table}" no force row level security, disable row level security'
        )

    def describe(self) -> str:
        return f"Put {self.app}.{self.model} under row-level security"


def protect_statements(
    model: type[models.Model], *, append_only: bool = False, keep_key: bool = False
) -> list[str]:
    """Return the SQL that protects `model`'s table.

    `append_only`: rows can be read and added, never changed or deleted. `keep_key`: the key stays `id` alone, for
    a table that a library's tables refer to.
    """
    table = model._meta.db_table
    statements = []
    if model._meta.pk.attname == "id" and not keep_key:
        statements.append(
            f'alter table "{table}" drop constraint "{table}_pkey", '
            f'add constraint "{table}_pkey" primary key (institution_id, id)'
        )
    statements += [_composite_reference(table, field) for field in tenant_references(model)]
    statements += security_statements(table, f"institution_id = {CURRENT}", append_only=append_only)
    return statements


def security_statements(table: str, condition: str, *, append_only: bool = False) -> list[str]:
    """Return the SQL that forces row security on `table` with one policy `condition`."""
    statements = [f'alter table "{table}" enable row level security, force row level security']
    if append_only:
        statements.append(f'create policy tenant on "{table}" for select using ({condition})')
        statements.append(f'create policy tenant_insert on "{table}" for insert with check ({condition})')
    else:
        statements.append(f'create policy tenant on "{table}" using ({condition}) with check ({condition})')
    return statements


def tenant_references(model: type[models.Model]) -> list[TenantForeignKey]:
    """Return the model's foreign keys to other tenant-owned tables."""
    return [field for field in model._meta.local_fields if isinstance(field, TenantForeignKey)]


def _composite_reference(table: str, field: TenantForeignKey) -> str:
    target = field.remote_field.model._meta.db_table
    # Deferred to the commit, like Django's own, so that bulk writers may insert in any order.
    return (
        f'alter table "{table}" add constraint "{table}_{field.column}_tenant_fk" '
        f'foreign key (institution_id, "{field.column}") references "{target}" (institution_id, id) '
        "deferrable initially deferred"
    )


class _Statements(Operation):
    reversible = True
    reduces_to_sql = True
    forwards: list[str]
    backwards: list[str]

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Django's own state knows nothing of policies."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.forwards:
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self.backwards:
            schema_editor.execute(statement)


class AllowLookup(_Statements):
    """Let a row be read by whoever names its value of `column` in the setting `pratique.<name>`."""

    def __init__(self, table: str, name: str, column: str) -> None:
        self.arguments = [table, name, column]
        # No value set is the null of nullif, and nothing equals null.
        self.forwards = [
            f'create policy lookup_{name} on "{table}" for select '
            f"using ((select nullif(current_setting('pratique.{name}', true), '')) = {column})"
        ]
        self.backwards = [f'drop policy lookup_{name} on "{table}"']

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, self.arguments, {}

    def describe(self) -> str:
        return f"Allow the look-up {self.arguments[1]} on {self.arguments[0]}"


class ProtectReference(_Statements):
    """Bind a reference that a protected table gained later: it names a row of the same institution."""

    def __init__(self, table: str, column: str, target: str) -> None:
        self.arguments = [table, column, target]
        self.forwards = [
            f'alter table "{table}" add constraint "{table}_{column}_tenant_fk" '
            f'foreign key (institution_id, "{column}") references "{target}" (institution_id, id) '
            "deferrable initially deferred"
        ]
        self.backwards = [f'alter table "{table}" drop constraint "{table}_{column}_tenant_fk"']

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, self.arguments, {}

    def describe(self) -> str:
        return f"Bind {self.arguments[0]}.{self.arguments[1]} to its institution"


class ProtectInstitution(_Statements):
    """Put the table of institutions themselves under row security: each sees its own row."""

    def __init__(self) -> None:
        self.forwards = security_statements("institutions_institution", f"id = {CURRENT}")
        self.backwards = ["drop policy tenant on institutions_institution"]

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [], {}


class ProtectThrough(_Statements):
    """Put a library's table, which has no institution column, under the security of the row that owns it."""

    def __init__(self, table: str, column: str, owner_table: str) -> None:
        self.arguments = [table, column, owner_table]
        # The sub-select runs with the caller's rights: the owner table's own policy decides.
        condition = f'"{column}" in (select id from "{owner_table}")'  # noqa: S608  (names come from migrations)
        self.forwards = security_statements(table, condition)
        self.backwards = [
            f'drop policy tenant on "{table}"',
            f'alter table "{table}" no force row level security, disable row level security',
        ]

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, self.arguments, {}

    def describe(self) -> str:
        return f"Put {self.arguments[0]} under the row security of {self.arguments[2]}"
