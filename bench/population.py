"""A school of N students for the benchmarks: made by set-based SQL, always the same, in a database to throw
away.

The cluster lives in `var/bench` and never meets the one of `make run`. A finished population is kept as a
template, so that each benchmark starts from a fresh copy of it within seconds.

    import population
    school = population.prepared(50_000)      # Django is set up and connected to the copy, as the application's role
"""

import hashlib
import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import fasteners
import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
os.environ["PRATIQUE_VAR"] = str(ROOT / "var" / "bench")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pratique.config.settings")
os.environ.setdefault("PRATIQUE_LOG_LEVEL", "WARNING")
for _name in ("DATABASE_URL", "DATABASE_OWNER_URL", "PRATIQUE_SMTP_HOST", "PRATIQUE_BASE_URL"):
    os.environ.pop(_name, None)

INSTITUTION = uuid.UUID("0b000000-0000-7000-8000-000000000001")
SLUG = "bench"
PACKAGE_CODE = "BENCH26"
GROUPS = ("Undergraduate", "Graduate", "Nursing", "International")
TERMS = (("Fall 2026", "2026-08-24", "2026-08-10"), ("Spring 2027", "2027-01-11", "2026-12-18"))
REQUIREMENTS = (
    ("mmr", "MMR"), ("varicella", "Varicella"), ("hepatitis-b", "Hepatitis B"), ("tdap", "Tdap"),
    ("meningococcal", "Meningococcal ACWY"), ("covid-19", "COVID-19"), ("tb-screening", "TB screening"),
    ("physical-exam", "Physical exam"),
)  # fmt: skip
# A child process of a benchmark finds the parent's copy under this name.
_DATABASE = "PRATIQUE_BENCH_DATABASE"


@dataclass(frozen=True)
class School:
    """Where the population is: `database` in the bench cluster, reached as the owner or as the
    application.
    """

    n: int
    database: str
    institution_id: uuid.UUID
    slug: str

    def url(self, role: str = "pratique") -> str:
        """Return the address of the database for `pratique` (row security binds it) or `postgres` (the
        owner).
        """
        return _cluster().url(role, self.database)

    @property
    def psql(self) -> Path:
        """Return the psql of the wheel, for the floors."""
        return _cluster().bin() / "psql"


def prepared(n: int, *, name: str = "population") -> School:
    """Return a fresh copy of the school of `n` students, with Django set up and pointed at it.

    In a child process of a benchmark it returns the copy that the parent made.
    """
    _set_up_django()
    database = os.environ.get(_DATABASE)
    if not database:
        _cluster().start()
        database = f"bench_{name}_{n}"
        _copy(_template(n), database)
        os.environ[_DATABASE] = database
    _use(database)
    return School(n, database, INSTITUTION, SLUG)


def throw_away(school: School) -> None:
    """Drop the copy and let this process prepare another one; the template stays."""
    from django.db import connections

    for alias in connections:
        connections[alias].close()
        connections[alias].close_pool()
    with _admin() as admin:
        admin.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(school.database))
        )
    os.environ.pop(_DATABASE, None)


def _set_up_django() -> None:
    sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "src")) if path not in sys.path]
    import django

    from pratique.config import environment

    environment.embedded(Path(os.environ["PRATIQUE_VAR"])).start()
    django.setup()


def _cluster():  # noqa: ANN202  (its class may be imported only once the environment is set)
    from django.conf import settings

    return settings.EMBEDDED_POSTGRES


def _admin() -> psycopg.Connection:
    return psycopg.connect(_cluster().url("postgres", "postgres"), autocommit=True)


def _use(database: str) -> None:
    from django.conf import settings
    from django.db import connections

    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = database
        connections[alias].settings_dict["NAME"] = database


def _copy(template: str, database: str) -> None:
    with _admin() as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )


def _template(n: int) -> str:
    """Return the name of the finished population, made once for each state of the migrations and of this
    file.
    """
    sources = sorted((ROOT / "src").rglob("migrations/*.py"))
    sources += [Path(__file__), ROOT / "src/pratique/foundation/tenancy/operations.py"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:10]
    name = f"bench_template_{n}_{digest}"
    making = f"{name}_making"
    with fasteners.InterProcessLock(Path(os.environ["PRATIQUE_VAR"]) / ".population.lock"), _admin() as admin:
        if admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return name
        _drop_older_templates(admin, n)
        print(f"Making the population of {n:,} students once ...", file=sys.stderr)
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(making)))
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(making)))
        _migrate(making)
        with psycopg.connect(_cluster().url("postgres", making), autocommit=True) as owner:
            populate(owner, n)
            owner.execute("vacuum (analyze, freeze)")
        admin.execute(
            sql.SQL("alter database {} rename to {}").format(sql.Identifier(making), sql.Identifier(name))
        )
    return name


def _drop_older_templates(admin: psycopg.Connection, n: int) -> None:
    found = admin.execute("select datname from pg_database where datname like %s", [f"bench_template_{n}_%"])
    for (old,) in found.fetchall():
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(old)))


def _migrate(database: str) -> None:
    from django.db import connections

    from pratique.foundation.migrate import migrate

    _use(database)
    migrate()
    for alias in connections:
        connections[alias].close()
        connections[alias].close_pool()


def populate(owner: psycopg.Connection, n: int) -> None:
    """Fill the migrated, empty database behind `owner` (a superuser) with the school of `n` students."""
    with owner.transaction():
        # No triggers and no checks of references: what is written here is consistent by construction.
        owner.execute("set local session_replication_role = replica")
        _institution(owner)
        _requirements(owner)
        _students(owner, n)
        _memberships_and_items(owner, n)


# Keys that sort as they were made, as the application's own UUIDv7 do: `k(kind, number)`.
_KEYS = """
create or replace function pg_temp.k(kind int, number bigint) returns uuid immutable language sql as
$$ select (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid $$;
create or replace function pg_temp.spread(number bigint, salt int) returns int immutable language sql as
$$ select abs(hashint8(number * 31 + salt)) $$;
"""


def _institution(owner: psycopg.Connection) -> None:
    owner.execute(_KEYS)
    owner.execute(
        "insert into institutions_institution (id, slug, name, time_zone, student_id_required, roster_mapping, "
        "secure_token_minutes, repeated_file, is_demo, created_at) "
        "values (%s, %s, 'Bench University', 'America/New_York', true, '{}', 10, 'suspend', false, '2026-01-01')",
        [INSTITUTION, SLUG],
    )
    owner.execute(
        "insert into institutions_package (id, institution_id, code, name, is_default) "
        "values (pg_temp.k(1, 1), %s, %s, 'Bench 2026', true)",
        [INSTITUTION, PACKAGE_CODE],
    )
    for number, group in enumerate(GROUPS, 1):
        owner.execute(
            "insert into institutions_requirementgroup (id, institution_id, name) values (pg_temp.k(2, %s), %s, %s)",
            [number, INSTITUTION, group],
        )
    for number, (term, starts, due) in enumerate(TERMS, 1):
        owner.execute(
            "insert into institutions_term (id, institution_id, name, starts_on, due_on) "
            "values (pg_temp.k(3, %s), %s, %s, %s, %s)",
            [number, INSTITUTION, term, starts, due],
        )
    owner.execute(
        "insert into institutions_tracker "
        "(id, institution_id, package_id, requirement_group_id, term_id, name, due_on) "
        "select pg_temp.k(4, row_number() over (order by g.id, t.id)), g.institution_id, pg_temp.k(1, 1), g.id, t.id, "
        "g.name || ' - ' || t.name, t.due_on "
        "from institutions_requirementgroup g cross join institutions_term t"
    )


def _requirements(owner: psycopg.Connection) -> None:
    owner.execute(
        "insert into requirements_requirementset "
        "(id, institution_id, requirement_group_id, version, state, applies_from, published_at, published_by) "
        "select pg_temp.k(5, row_number() over (order by id)), institution_id, id, 1, 'published', '2026-01-01', "
        "'2026-01-01', 'system' from institutions_requirementgroup"
    )
    for position, (key, name) in enumerate(REQUIREMENTS, 1):
        owner.execute(
            "insert into requirements_requirement "
            "(id, institution_id, requirement_set_id, key, name, position, rule) "
            "select pg_temp.k(6, %s * 100 + row_number() over (order by id)), institution_id, id, %s, %s, %s, '{}' "
            "from requirements_requirementset",
            [position, key, name, position],
        )


def _students(owner: psycopg.Connection, n: int) -> None:
    owner.execute(
        """ insert into students_student (id, institution_id, username, username_key, student_id, first_name,
        last_name,
            email, telephone, date_of_birth, on_campus, attributes, account_token, search_text, created_at, updated_at)
        select pg_temp.k(7, i), %(institution)s, username, username, lpad(i::text, 9, '0'), first_name,
        last_name,
            username || '@bench.example', '555-' || lpad((i %% 10000)::text, 4, '0'),
            date '1996-01-01' + pg_temp.spread(i, 1) %% 4000,
            case when pg_temp.spread(i, 2) %% 20 = 0 then null else pg_temp.spread(i, 2) %% 3 > 0 end,
            '{}', lpad(i::text, 22, '0'),
            lower(last_name || ' ' || first_name || ' ' || last_name || ' ' || username || ' '
                || lpad(i::text, 9, '0')), timestamptz '2026-01-05', timestamptz '2026-01-05'
        from (
            select i, 'student' || i as username,
                (array['Ana', 'José', 'Mary Ann', 'Olu', 'Zoë', 'Nguyễn', 'D’Arcy', 'Li', 'Søren', 'Maximiliane'])
                    [1 + pg_temp.spread(i, 3) %% 10] as first_name,
                (array['Smith', 'O''Neill', 'García López', 'van der Berg', 'Müller', 'Okafor', 'Wu', 'Al-Sayed',
                    'Featherstonehaugh', 'Ó Súilleabháin'])[1 + pg_temp.spread(i, 4) %% 10]
                    || ' ' || (pg_temp.spread(i, 5) %% 977)::text as last_name
            from generate_series(1, %(n)s) i
        ) named
        """,
        {"institution": INSTITUTION, "n": n},
    )


def _memberships_and_items(owner: psycopg.Connection, n: int) -> None:
    owner.execute(
        """
        insert into compliance_item (institution_id, membership_id, requirement_key, status, next_action_on,
            administered_on, last_modified_at, status_changed_at, reasons, digest)
        select %(institution)s, pg_temp.k(8, i), key, status,
            case when status in ('expired', 'rejected') then date '2026-07-01' + pg_temp.spread(i, 7) %% 90 end,
            case when status in ('approved', 'expired') then date '2024-01-01' + pg_temp.spread(i, 8) %% 900 end,
            timestamptz '2026-03-01' + pg_temp.spread(i, 9) %% 90 * interval '1 day',
            timestamptz '2026-03-01' + pg_temp.spread(i, 9) %% 90 * interval '1 day',
            jsonb_build_array(jsonb_build_object('code', status, 'params', '{}'::jsonb)),
            pg_temp.spread(i, 10)
        from generate_series(1, %(n)s) i cross join lateral (
            select key, (array['approved', 'approved', 'approved', 'approved', 'approved', 'approved', 'approved',
                'pending', 'pending', 'incomplete', 'rejected', 'expired'])
                [1 + pg_temp.spread(i * 8 + position, 6) %% 12] as status
            from requirements_requirement where requirement_set_id = pg_temp.k(5, 1)
        ) judged
        where i %% 50 > 0
        order by i, key
        """,
        {"institution": INSTITUTION, "n": n},
    )
    owner.execute(
        """ insert into students_membership (id, institution_id, student_id, package_id, tracker_id, state,
        expires_on,
            created_at, num_items, num_complete, num_approved, user_complete, complete, next_action_on, changes_on,
            status_changed_at, evaluated_at, stale_since)
        select pg_temp.k(8, i), %(institution)s, pg_temp.k(7, i), pg_temp.k(1, 1),
            case when i %% 50 > 0 then pg_temp.k(4, 1 + pg_temp.spread(i, 11) %% 8) end,
            case when i %% 40 = 7 then 'archive' else 'active' end, date '2030-06-30', timestamptz '2026-01-05',
            coalesce(items, 0), coalesce(done, 0), coalesce(approved, 0), coalesce(done = items, false),
            coalesce(approved = items, false), next_action_on, next_action_on, changed_at, timestamptz '2026-06-01',
            null
        from generate_series(1, %(n)s) i left join (
            select membership_id, count(*) as items, count(*) filter (where status = 'approved') as approved,
                count(*) filter (where status in ('approved', 'pending')) as done,
                min(next_action_on) as next_action_on, max(status_changed_at) as changed_at
            from compliance_item group by membership_id
        ) progress on progress.membership_id = pg_temp.k(8, i)
        order by i
        """,
        {"institution": INSTITUTION, "n": n},
    )
