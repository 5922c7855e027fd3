"""Reading the environment. A missing or wrong value says what to do, and never shows the value."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from pratique.foundation.embedded_postgres import EmbeddedPostgres


def project_root() -> Path:
    """Return the folder that holds `var/`: PRATIQUE_HOME, or the checkout that this code runs from."""
    if home := os.environ.get("PRATIQUE_HOME"):
        return Path(home)
    checkout = Path(__file__).resolve().parents[3]
    return checkout if (checkout / "pyproject.toml").exists() else Path.cwd()


def load_env_file(path: Path) -> None:
    """Read KEY=value lines of `path` into the environment; what is set already wins."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.lstrip().startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def embedded(var: Path) -> EmbeddedPostgres:
    """Return the embedded cluster under `var`."""
    return EmbeddedPostgres(var / "postgres")


def database_url(var: Path, *, owner: bool = False) -> str:
    """Return DATABASE_URL (for `owner`, DATABASE_OWNER_URL or the same), or the embedded server's address."""
    url = os.environ.get("DATABASE_URL", "")
    if url:
        return (os.environ.get("DATABASE_OWNER_URL") or url) if owner else url
    cluster = embedded(var)
    role = "postgres" if owner else "pratique"
    if not (cluster.root / f"{role}.password").exists():
        cluster.start()
    return cluster.url(role)


def django_database(url: str, *, pool: bool) -> dict[str, Any]:
    """Return Django's settings for a postgresql:// address."""
    try:
        parts = conninfo_to_dict(url)
    except Exception as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL address. Write postgresql://role:password@host:5432/database."
        ) from error
    options: dict[str, Any] = {
        key: value
        for key, value in parts.items()
        if key not in {"user", "password", "host", "port", "dbname"}
    }
    if pool:
        # min_size 0: an idle process holds no connection, and a stopped database wakes nobody.
        # reconnect_timeout: the pool's own tries go on less and less often for 5 minutes, and nobody else may try then.
        options["pool"] = {
            "min_size": 0,
            "max_size": 12,
            "timeout": 10,
            "max_idle": 120,
            "reconnect_timeout": 4,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "pratique"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_HEALTH_CHECKS": pool,
        "OPTIONS": options,
    }


def persistent_secret(path: Path) -> str:
    """Return the secret kept in `path`, made on first use and readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes may start at once: the first to link its file in wins, and both read that one.
        mine = path.with_name(f"{path.name}.{os.getpid()}")
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(48))
        try:
            os.link(mine, path)
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return path.read_text().strip()
