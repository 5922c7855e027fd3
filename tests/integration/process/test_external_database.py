"""A real server by DATABASE_URL: PostgreSQL 15 from the machine's packages, with two plain roles."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from pratique.foundation.embedded_postgres import EmbeddedPostgres
from tests.integration.process.running import Running

BINARIES = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "p@ss/word?"  # must be quoted in an address, and never be shown
pytestmark = [
    pytest.mark.kill,
    pytest.mark.skipif(not BINARIES.exists(), reason=f"PostgreSQL 15 is not installed in {BINARIES}"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A throwaway server with a plain owner role and a plain application role, as a campus has them."""
    cluster = EmbeddedPostgres(
        tmp_path_factory.mktemp("server") / "postgres", database="spare", settings=(("fsync", "off"),),
        binaries=BINARIES,
    )  # fmt: skip
    cluster.start()
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as admin:
        for role in ("campus_owner", "campus_app"):
            admin.execute(f"create role {role} login password '{PASSWORD}'".encode())
        admin.execute(f"create role campus_bypass login bypassrls password '{PASSWORD}'".encode())
        admin.execute("create database campus owner campus_owner")
    yield cluster
    cluster.stop()


@pytest.fixture
def campus(server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Running]:
    """An installation that uses the server with its two roles."""
    running = Running.in_folder(
        tmp_path,
        DATABASE_URL=address(server, "campus_app"),
        DATABASE_OWNER_URL=address(server, "campus_owner"),
    )
    yield running
    running.stop()


def address(server: EmbeddedPostgres, role: str) -> str:
    """Return the connection address of `role`."""
    return f"postgresql://{role}:{quote(PASSWORD, safe='')}@/campus?host={server.socket_directory}&port=5432"


def test_migrate_doctor_and_up_with_two_plain_roles(campus: Running, server: EmbeddedPostgres) -> None:
    migrated = campus.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    doctor = campus.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "PostgreSQL 15" in doctor.stdout
    campus.start()
    status = campus.status()
    assert status["healthy"] is True
    assert status["database"].startswith("postgresql://campus_app@")
    said = [campus.run("status").stdout, doctor.stdout, campus.logs(), campus.run("status", "--json").stdout]
    assert not [text for text in said if PASSWORD in text or quote(PASSWORD, safe="") in text]
    campus.stop()
    assert server.is_running(), "`down` stops only what is ours"
    assert not campus.cluster.data.exists(), "no embedded database may be made beside a real one"


@pytest.mark.parametrize("role", ["postgres", "campus_bypass"])
@pytest.mark.parametrize("command", [["migrate"], ["up", "--background"], ["doctor"]], ids=lambda c: c[0])
def test_a_role_that_row_security_does_not_bind_is_refused(
    campus: Running, server: EmbeddedPostgres, role: str, command: list[str]
) -> None:
    url = server.url("postgres", "campus") if role == "postgres" else address(server, role)
    done = campus.run(*command, DATABASE_URL=url)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "superuser or has BYPASSRLS" in said
    assert "DATABASE_OWNER_URL" in said
    assert "Traceback" not in said


def test_a_server_that_does_not_answer_is_told_in_a_sentence(campus: Running, tmp_path: Path) -> None:
    nowhere = f"postgresql://campus_app:{quote(PASSWORD, safe='')}@/campus?host={tmp_path}&port=1"
    for command in (["migrate"], ["up", "--background"], ["doctor"]):
        done = campus.run(*command, DATABASE_URL=nowhere)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "DATABASE_URL" in said
        assert "Traceback" not in said
        assert quote(PASSWORD, safe="") not in said
