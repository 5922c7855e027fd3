"""A real PostgreSQL for every test: the embedded cluster, one migrated template, one copy of it a worker."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import fasteners
import hypothesis
import psycopg
import pytest
from psycopg import sql

from tests.settings import CLUSTER, ROOT

# On a busy machine any example may take long; what takes too long is a benchmark's to find.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    # Several runs side by side (two developers, two clones) must not share databases.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    config.stash[_DATABASE] = f"test_{os.getppid() if worker != 'main' else os.getpid()}_{worker}"


_DATABASE = pytest.StashKey[str]()


def migrated_template() -> str:
    """Return the name of a migrated database, made once for each state of the migrations."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in migration_sources())).hexdigest()[:12]
    name = f"template_{digest}"
    with fasteners.InterProcessLock(ROOT / "var" / "test" / ".template.lock"), _admin() as admin:
        if not admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            making = sql.Identifier(f"{name}_making")
            # What a run left behind that died in a migration.
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(making))
            admin.execute(sql.SQL("create database {}").format(making))
            _use(f"{name}_making")
            from django.db import connections

            from pratique.foundation.migrate import migrate

            migrate()
            connections.close_all()
            for alias in connections:
                connections[alias].close_pool() if hasattr(connections[alias], "close_pool") else None
            admin.execute(
                sql.SQL("alter database {} rename to {}").format(
                    sql.Identifier(f"{name}_making"), sql.Identifier(name)
                )
            )
    return name


def migration_sources() -> list[Path]:
    """Return the files that say what a migrated database is like."""
    sources = sorted((ROOT / "src").rglob("migrations/*.py"))
    sources += [ROOT / "requirements" / "base.txt", ROOT / "src/pratique/foundation/tenancy/operations.py"]
    return [*sources, ROOT / "src/pratique/foundation/migrate.py"]


def _admin() -> psycopg.Connection:
    return psycopg.connect(CLUSTER.url("postgres", "postgres"), autocommit=True)


def _use(database: str) -> None:
    from django.conf import settings
    from django.db import connections

    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = database
        connections[alias].settings_dict["NAME"] = database


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: object) -> Iterator[None]:
    """Replace pytest-django's database: the application's own role connects, so row security is tested always."""
    database = request.config.stash[_DATABASE]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        template = migrated_template()
        with _admin() as admin:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
            admin.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(database), sql.Identifier(template)
                )
            )
        _use(database)
    yield
    if owner := _OWNERS.pop(database, None):
        owner.close()
    with _admin() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """Let a test commit for real, across processes and connections, and empty the tables after it."""
    from django.db import connections

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        connections["default"].close()
        _empty_all_tables(connections["default"].settings_dict["NAME"])
        for alias in connections:
            connections[alias].close()


@pytest.fixture(autouse=True)
def no_language_left_over() -> Iterator[None]:
    """Undo what a request of this test activated: Django keeps a thread's language, and its tests share one thread."""
    from django.utils import translation

    yield
    translation.deactivate()


_KEPT = ("django_migrations", "django_content_type", "auth_permission")
_LARGE = 1 << 20


_OWNERS: dict[str, psycopg.Connection] = {}  # one a database: a new one would read the whole catalogue first


def _empty_all_tables(database: str) -> None:
    """Empty every table, again if a browser's last request still held a lock and PostgreSQL chose us to yield."""
    for _ in range(4):
        # A deadlock is one of these, and a connection that a test cut with all others.
        with suppress(psycopg.OperationalError):
            _empty(_owner(database))
            return
    _empty(_owner(database))


def _owner(database: str) -> psycopg.Connection:
    if database not in _OWNERS or _OWNERS[database].closed:
        _OWNERS[database] = psycopg.connect(CLUSTER.url("postgres", database), autocommit=True)
    return _OWNERS[database]


def _empty(owner: psycopg.Connection) -> None:
    """Empty what has rows, past triggers and references, and begin every sequence anew.

    Not all by `truncate`: that makes 500 new files, whatever the tables hold, and took longer than many a test.
    """
    found = owner.execute(
        "select relname, pg_relation_size(oid) > %s from pg_class "
        "where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> all(%s)",
        [_LARGE, list(_KEPT)],
    ).fetchall()
    tables = {name: sql.Identifier(name) for name, _ in found}
    rows = sql.SQL("select {} where exists (select from {})")
    with owner.transaction():
        # As `truncate` does: what writes at this moment ends first, and is seen.
        owner.execute(sql.SQL("lock table {} in exclusive mode").format(sql.SQL(", ").join(tables.values())))
        if large := [tables[name] for name, is_large in found if is_large]:
            owner.execute(sql.SQL("truncate {} cascade").format(sql.SQL(", ").join(large)))
        asked = [rows.format(sql.Literal(name), table) for name, table in tables.items()]
        filled = [name for (name,) in owner.execute(sql.SQL(" union all ").join(asked))]
        owner.execute("set local session_replication_role = replica")
        for name in filled:
            owner.execute(sql.SQL("delete from {}").format(tables[name]))
        # What a planner believes of a table that it saw empty makes 50,000 rows in one test take minutes.
        owner.execute(
            "update pg_class set relpages = 0, reltuples = -1 where relname = any(%s) and reltuples <> -1 "
            "and relkind = 'r' and relnamespace = 'public'::regnamespace",
            [list(tables)],
        )
        owner.execute(
            "select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) "
            "from pg_sequences where schemaname = 'public' and last_value is not null"
        )
