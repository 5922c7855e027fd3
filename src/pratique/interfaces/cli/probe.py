"""Asking a running installation how it is, from outside: web process, database, workers, SFTP."""

import os
import socket
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict

from pratique.foundation.embedded_postgres import EmbeddedPostgres
from pratique.foundation.run_state import RunState
from pratique.foundation.worker_sql import LIVING_WORKERS

_SECONDS = 5


def var_folder() -> Path:
    """Return the data folder; `pratique.config.command` has put it into the environment."""
    return Path(os.environ["PRATIQUE_VAR"])


def embedded() -> EmbeddedPostgres:
    """Return the embedded cluster, without the settings: those would make it where there is none."""
    return EmbeddedPostgres(var_folder() / "postgres")


def database_address() -> str | None:
    """Return the application's connection address, or None if an embedded cluster was never made."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    cluster = embedded()
    return cluster.url() if (cluster.root / "pratique.password").exists() else None


def shown(address: str) -> str:
    """Return a connection address as people may see it: without the password."""
    parts = conninfo_to_dict(address)
    if not os.environ.get("DATABASE_URL"):
        return "embedded"
    host = f"{parts.get('host', '')}:{parts.get('port') or 5432}"
    return f"postgresql://{parts.get('user', '')}@{host}/{parts.get('dbname', '')}"


def web_answers(port: int, url: str) -> bool:
    """Return whether the web process on `port` says that it is healthy."""
    address = urlsplit(url)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/healthz",
        # As the proxy in front would send it: another host, or http where https is served, is refused.
        headers={"Host": address.netloc, "X-Forwarded-Proto": address.scheme},
    )
    # A proxy of the environment has no business on the loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return bool(answer.status == 200 and orjson.loads(answer.read())["healthy"])
    except (OSError, urllib.error.URLError, ValueError, KeyError):
        return False


def sftp_address(port: int) -> str:
    """Return `host:port` where SFTP is reached from this machine."""
    host = os.environ.get("PRATIQUE_SFTP_ADDRESS", "127.0.0.1")
    host = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  (compared, not bound)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def sftp_answers(port: int) -> bool:
    """Return whether the SFTP server on `port` greets who connects."""
    host = sftp_address(port).rpartition(":")[0].strip("[]")
    with suppress(OSError), socket.create_connection((host, port), timeout=_SECONDS) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def database_and_workers() -> tuple[str | None, int]:
    """Return the database's shown address (None if it does not answer) and how many workers live."""
    address = database_address()
    if address is None:
        return None, 0
    try:
        with psycopg.connect(address, connect_timeout=_SECONDS) as connection:
            try:
                row = connection.execute(LIVING_WORKERS.encode()).fetchone()
            except psycopg.errors.UndefinedTable:  # not migrated yet
                row = None
            return shown(address), int(row[0]) if row else 0
    except psycopg.Error:
        return None, 0


def report(state: RunState | None) -> dict[str, Any]:
    """Return what `pratique status --json` prints."""
    database, workers = database_and_workers()
    web = state.url if state and web_answers(state.port, state.url) else None
    sftp = sftp_address(state.sftp_port) if state and sftp_answers(state.sftp_port) else None
    wanted = sum(name.startswith("worker") for name in state.processes) if state else 0
    return {
        "web": web,
        "sftp": sftp,
        "database": database,
        "healthy": bool(web and sftp and database and workers >= max(1, wanted)),
        "workers": workers,
        "pid": state.pid if state else None,
        "version": state.version if state else None,
        "started_at": state.started_at if state else None,
    }
