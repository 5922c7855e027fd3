"""The embedded server's own log: our statements hold their values, so nothing of a statement may stand in it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pratique.foundation.embedded_postgres import EmbeddedPostgres

SECRET = "Albert Magnus, 919-599-2917"
pytestmark = pytest.mark.kill


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    cluster = EmbeddedPostgres(
        tmp_path_factory.mktemp("server") / "postgres", database="spare",
        settings=(("fsync", "off"), ("deadlock_timeout", "50ms")),
    )  # fmt: skip
    cluster.start()
    yield cluster
    cluster.stop()


def connected(server: EmbeddedPostgres) -> psycopg.Connection:
    """Connect as the program does: values are put into the statement here.

    A server of which a process died, which another test sees to, takes nobody in until it has recovered.
    """
    until = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(server.url(database="spare"), cursor_factory=psycopg.ClientCursor)
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def logged(log: Path, after: int) -> str:
    return log.read_text()[after:]


def test_two_statements_that_wait_for_each_other(server: EmbeddedPostgres) -> None:
    before = len(server.log.read_text())
    ended = []
    with connected(server) as one, connected(server) as other:
        one.execute("select pg_advisory_xact_lock(1)")
        other.execute("select pg_advisory_xact_lock(2)")

        def wait(connection: psycopg.Connection, lock: int) -> None:
            try:
                connection.execute("select pg_advisory_xact_lock(%s), %s", [lock, SECRET])
            except psycopg.errors.DeadlockDetected:
                ended.append(lock)
                connection.rollback()

        first = threading.Thread(target=wait, args=(one, 2))
        first.start()
        wait(other, 1)
        first.join()
    assert len(ended) == 1
    assert "deadlock detected" in logged(server.log, before)
    assert SECRET not in logged(server.log, before)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into student values (%s, null)",
        "insert into student values (%s, 'x'), (%s, 'y')",
        "select ('{{\"name\": ' || %s || '}}')::jsonb",
        "select %s from nowhere",
    ],
    ids=["an empty column", "a name that is taken", "no JSON", "no table"],
)
def test_a_statement_that_fails(server: EmbeddedPostgres, statement: str) -> None:
    before = len(server.log.read_text())
    with connected(server) as connection:
        connection.execute("create temporary table student (name text unique, first_name text not null)")
        values = [SECRET] * statement.count("%s")
        with pytest.raises(psycopg.Error):
            connection.execute(sql.SQL(statement).format(), values)
    assert "ERROR" in logged(server.log, before)
    assert "Magnus" not in logged(server.log, before)


def test_a_server_process_that_dies(server: EmbeddedPostgres) -> None:
    before = len(server.log.read_text())
    connection = connected(server)
    death = threading.Timer(0.3, os.kill, [connection.info.backend_pid, signal.SIGKILL])
    death.start()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select pg_sleep(30), %s", [SECRET])
    # The connection may break before its end is noted; the server notes it before it works again.
    until = time.monotonic() + 20
    while "signal 9" not in logged(server.log, before) and time.monotonic() < until:
        time.sleep(0.05)
    assert "signal 9" in logged(server.log, before)
    assert SECRET not in logged(server.log, before)
