"""Bringing the database to the present schema, and giving the application's role its rights, no more."""

from django.conf import settings
from django.core.management import call_command
from django.db import connections

# The application may never change or remove what it has told.
_APPEND_ONLY = ("foundation_auditevent", "foundation_auditseal", "compliance_statuschange")


class UnsafeRoleError(RuntimeError):
    """The application's role could look past row security."""


def migrate(*, verbosity: int = 0) -> None:
    """Apply all migrations as the owner, grant the application's role what it needs, and check that role.

    Raises UnsafeRoleError if the role is a superuser or has BYPASSRLS.
    """
    call_command("migrate", database="owner", interactive=False, verbosity=verbosity)
    grant_application_role()
    check_application_role()


def grant_application_role() -> None:
    """Let the application's role read and write rows; not create, truncate or alter tables."""
    role = settings.DATABASES["default"]["USER"]
    owner = connections["owner"]
    if not role or role == settings.DATABASES["owner"]["USER"]:
        return
    name = owner.ops.quote_name(role)
    with owner.cursor() as cursor:
        cursor.execute(f"grant usage on schema public to {name}")
        cursor.execute(f"grant select, insert, update, delete on all tables in schema public to {name}")
        cursor.execute(f"grant usage, select on all sequences in schema public to {name}")
        cursor.execute(f"grant execute on all functions in schema public to {name}")
        for table in _APPEND_ONLY:
            cursor.execute(f"revoke update, delete on {table} from {name}")


def check_application_role() -> None:
    """Raise UnsafeRoleError unless row security binds the role that the application connects as."""
    with connections["default"].cursor() as cursor:
        cursor.execute("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        (unsafe,) = cursor.fetchone()
    if unsafe:
        raise UnsafeRoleError(
            "The role in DATABASE_URL is a superuser or has BYPASSRLS, so row-level security would not hold. "
            "Connect as a plain role, and put the owner's address into DATABASE_OWNER_URL for migrations."
        )
