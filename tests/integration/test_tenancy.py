"""Row-level security, for every tenant-owned table there is: none can be forgotten."""

import datetime
import uuid

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, models, transaction

from pratique.foundation.tenancy import OtherInstitutionError, current_institution, institution_scope
from pratique.foundation.tenancy.operations import tenant_references

pytestmark = pytest.mark.usefixtures("committed")

OURS, THEIRS = uuid.UUID(int=1), uuid.UUID(int=2)
TENANT_MODELS = [
    model
    for model in apps.get_models()
    if any(f.attname == "institution_id" for f in model._meta.local_fields)
]
every_tenant_table = pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.db_table)


# What a check constraint asks for beyond the columns that may not be empty.
NEEDED = {
    "delivery.Delivery": {"account_id": uuid.UUID(int=3)},
    "delivery.Schedule": {"account_id": uuid.UUID(int=3), "every_minutes": 5},
}


def a_row(model: type[models.Model], institution: uuid.UUID) -> models.Model:
    """A row of `institution` with some value in every column; what it refers to need not exist."""
    values = {}
    for field in model._meta.local_concrete_fields:
        if field.attname == "institution_id":
            values[field.attname] = institution
        elif field.has_default():
            values[field.attname] = field.get_default()
        elif field.null or isinstance(field, models.BigAutoField):
            continue
        else:
            values[field.attname] = _some_value(field)
    return model(**values, **NEEDED.get(model._meta.label, {}))


def _some_value(field: models.Field) -> object:
    kind = field.target_field.get_internal_type() if field.is_relation else field.get_internal_type()
    return {
        "UUIDField": uuid.uuid4(),
        "DateField": datetime.date(2026, 1, 2),
        "DateTimeField": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "BooleanField": False,
        "BinaryField": b"x",
        "JSONField": {},
    }.get(kind, 1 if "Integer" in kind else "" if field.blank else uuid.uuid4().hex[: field.max_length])


def insert_unchecked(*rows: models.Model) -> None:
    """Insert as the owner, past row security and foreign keys."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        for row in rows:
            row.save(using="owner", force_insert=True)


def count(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'select count(*) from "{model._meta.db_table}"')
        return cursor.fetchone()[0]


def rows_touched(statement: str) -> object:
    """How many rows a statement changes for us, or the error: append-only tables grant no change at all."""
    try:
        with institution_scope(OURS), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.rowcount
    except DatabaseError as error:
        return type(error.__cause__)


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


def test_the_application_role_is_bound_and_can_neither_truncate_nor_alter():
    with connection.cursor() as cursor:
        cursor.execute("select rolsuper, rolbypassrls, rolname from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (False, False, "pratique")
        cursor.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
            "and (has_table_privilege(oid, 'truncate') or pg_has_role(relowner, 'usage'))"
        )
        assert cursor.fetchall() == []


@every_tenant_table
def test_with_no_institution_nothing_is_seen(model):
    insert_unchecked(a_row(model, THEIRS))
    assert count(model) == 0


@every_tenant_table
def test_only_the_rows_of_the_set_institution_are_seen(model):
    insert_unchecked(a_row(model, OURS), a_row(model, THEIRS))
    with institution_scope(OURS), connection.cursor() as cursor:
        cursor.execute(f'select institution_id from "{model._meta.db_table}"')
        assert cursor.fetchall() == [(OURS,)]


@every_tenant_table
def test_another_institutions_rows_cannot_be_changed_or_deleted(model):
    insert_unchecked(a_row(model, THEIRS))
    table = model._meta.db_table
    for statement in (f'update "{table}" set institution_id = institution_id', f'delete from "{table}"'):
        assert rows_touched(statement) in (0, psycopg.errors.InsufficientPrivilege)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f'select count(*) from "{table}"')
        assert cursor.fetchone() == (1,)


@every_tenant_table
def test_a_row_cannot_be_written_for_another_institution(model):
    row = a_row(model, THEIRS)
    with pytest.raises(DatabaseError) as caught, institution_scope(OURS):
        row.save(force_insert=True)
    assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)


@every_tenant_table
def test_each_reference_carries_the_institution_so_that_no_id_can_be_guessed_at(model):
    """A foreign-key check bypasses row security: only a composite key hides whether another's row exists."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = %s::regclass",
            [model._meta.db_table],
        )
        definitions = [text for (text,) in cursor]
    for field in tenant_references(model):
        wanted = f"FOREIGN KEY (institution_id, {field.column})"
        assert any(text.startswith(wanted) for text in definitions), field.name
    plain = [text for text in definitions if not text.startswith("FOREIGN KEY (institution_id")]
    assert plain == []


@every_tenant_table
def test_unique_constraints_begin_with_the_institution_so_that_a_clash_tells_nothing(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_get_indexdef(indexrelid) from pg_index where indisunique and indrelid = %s::regclass",
            [model._meta.db_table],
        )
        definitions = [text for (text,) in cursor]
    told = {
        # contracts/domain.md: a package's code is unique across the installation.
        "institutions_package": "(code)",
        "transfers_transferaccount": "(username)",
        # A library's tables refer to users by id alone; ids are random.
        "accounts_user": "(id)",
    }
    for text in definitions:
        ours = "(institution_id" in text
        assert ours or text.endswith(told.get(model._meta.db_table, "never")), text


def test_a_reference_to_another_institutions_row_is_refused_like_one_that_never_was():
    from pratique.institutions.models import Institution
    from pratique.students.models import Membership

    answers = []
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    theirs = a_row(apps.get_model("students", "Student"), THEIRS)
    insert_unchecked(theirs, Institution(id=OURS, slug="ours", name="Ours", created_at=now))
    for student in (theirs.pk, uuid.uuid4()):
        with pytest.raises(DatabaseError) as caught, institution_scope(OURS):
            Membership.objects.create(
                institution_id=OURS, student_id=student, package_id=uuid.uuid4(), created_at=now
            )
        answers.append(type(caught.value.__cause__))
    assert answers == [psycopg.errors.ForeignKeyViolation] * 2


def test_the_institution_is_forgotten_when_the_transaction_ends():
    with institution_scope(OURS):
        assert current_institution() == OURS
    assert current_institution() is None


def test_the_institution_is_forgotten_after_an_error():
    with pytest.raises(ZeroDivisionError), institution_scope(OURS):
        raise ZeroDivisionError
    assert current_institution() is None


def test_one_transaction_cannot_act_for_two_institutions():
    with institution_scope(OURS):
        with institution_scope(OURS):
            assert current_institution() == OURS
        assert current_institution() == OURS
        with pytest.raises(OtherInstitutionError), institution_scope(THEIRS):
            pass
