"""Row-level security, for every tenant-owned table there is: none can be forgotten."""

import uuid

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, connections, models, transaction

from pratique.foundation.tenancy import OtherInstitutionError, current_institution, institution_scope
from pratique.foundation.tenancy.operations import tenant_references

pytestmark = pytest.mark.django_db(databases=["default", "owner"], transaction=True)


def tenant_models() -> list[type[models.Model]]:
    return [m for m in apps.get_models() if any(f.attname == "institution_id" for f in m._meta.local_fields)]


def test_every_table_is_secured_or_known_to_hold_no_tenant_rows():
    free = {
        "auth_group", "auth_group_permissions", "auth_permission", "django_content_type", "django_migrations",
        "django_session",
        "procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers", "procrastinate_workers",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace "
            "and not (relrowsecurity and relforcerowsecurity)"
        )
        assert {name for (name,) in cursor} == free


def test_the_application_role_is_bound_by_row_security():
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper, rolbypassrls, rolname from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False, False, "pratique")
        cursor.execute("select has_table_privilege(c.oid, 'truncate') from pg_class c where relname ~ '^students_'")
        assert not any(granted for (granted,) in cursor)
