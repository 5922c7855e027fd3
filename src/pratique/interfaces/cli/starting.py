"""What must be true before web and workers start: database, role, schema, assets, static files, demo.

Each step is quick when there is nothing to do, and raises an error whose words say the remedy. `prepare`
is the list, and the functions below stand in its order.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psycopg
import typer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connections
from procrastinate.contrib.django.utils import connector_params

from pratique.foundation.migrate import check_application_role, migrate

Say = Callable[[str], None]

NEEDED_ASSETS = (
    "uswds/css/uswds.min.css",
    "uswds/js/uswds.min.js",
    "uswds/js/uswds-init.min.js",
    "uswds/img/sprite.svg",
    "htmx/htmx.min.js",
    "chart/chart.umd.js",
)


def prepare(say: Say, *, demo: bool) -> None:
    """Bring everything to where web and workers can start."""
    start_database(say)
    check_application_role()  # before migrations: an unsafe role must not even own the tables
    say("Migrations")
    migrate()
    check_assets()
    collect_static_files(say)
    if demo:
        load_demo(say)
    # Children open their own connections; ours would only hold places in the server.
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


def start_database(say: Say) -> None:
    """Start the embedded server, or see that DATABASE_URL answers."""
    if settings.DATABASE_IS_EMBEDDED:
        say(f"Database (embedded, {settings.EMBEDDED_POSTGRES.data})")
        settings.EMBEDDED_POSTGRES.start()
        return
    say("Database (DATABASE_URL)")
    for alias, name in (("default", "DATABASE_URL"), ("owner", "DATABASE_OWNER_URL")):
        try:
            connect_directly(alias).close()
        except psycopg.OperationalError as error:
            raise OperationalError(f"{name}: {error}") from error


def connect_directly(alias: str) -> psycopg.Connection:
    """Return a connection past Django's pool, which would try for a while and then hide the reason."""
    parameters = connector_params(alias)
    return psycopg.connect(**{**parameters, "connect_timeout": 10})


def check_assets() -> None:
    """Raise ImproperlyConfigured if the browser's libraries are not there."""
    if missing := missing_assets():
        raise ImproperlyConfigured(f"Assets are missing ({missing[0]}, ...). Get them with `make assets`.")


def missing_assets() -> list[str]:
    """Return which of the needed vendor files are absent."""
    folder = next(Path(entry[1]) for entry in settings.STATICFILES_DIRS if isinstance(entry, tuple))
    return [name for name in NEEDED_ASSETS if not (folder / name).exists()]


def collect_static_files(say: Say) -> None:
    """Collect, hash and compress the static files if any of them changed since the last time."""
    mark, now = _static_mark(), static_fingerprint()
    if mark.exists() and mark.read_text() == now and Path(settings.STATIC_ROOT).exists():
        return
    say("Static files")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(now)


def static_is_current() -> bool:
    """Return whether the collected files are those of the sources."""
    mark = _static_mark()
    return mark.exists() and mark.read_text() == static_fingerprint()


def static_fingerprint() -> str:
    """Return a digest that changes when a static source file does (seen by name, size and time)."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            about = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def has_institutions() -> bool:
    """Return whether the installation serves anybody yet (asked as the owner, who is not bound to one)."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("select exists (select 1 from institutions_institution)")
        return bool(cursor.fetchone()[0])


def load_demo(say: Say) -> None:
    """Load the demo institution, where this build has one; where it was loaded before, add what came since."""
    module = "pratique.interfaces.cli.demo"
    if find_spec(module) is None:
        return
    if has_institutions():
        import_module(module).complete_demo()
    elif settings.DATABASE_IS_EMBEDDED:
        say("Demo institution (once; this takes a moment)")
        import_module(module).load_demo_if_empty()


def to_terminal(line: str) -> None:
    """Say a line at once, also into a file."""
    typer.echo(line)


def _static_mark() -> Path:
    return Path(settings.STATIC_ROOT).parent / "run" / "static.sha256"
