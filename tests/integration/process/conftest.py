"""Installations of real processes, stopped whatever happens."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import fasteners
import pytest

from tests.conftest import migrated_template
from tests.integration.process.running import ROOT, Running
from tests.settings import CLUSTER


@pytest.fixture
def installation() -> Iterator[Running]:
    """An installation that was not started yet.

    Not in `tmp_path`: whenever another run of pytest begins, it shuts that to the user that PostgreSQL has.
    """
    with TemporaryDirectory(prefix="pratique-running-", ignore_cleanup_errors=True) as folder:
        running = Running.in_folder(Path(folder))
        yield running
        running.stop()


@pytest.fixture(scope="session")
def prepared(django_db_setup: None) -> Path:
    """The folder of an installation whose database is migrated, made once for all workers; nothing runs there."""
    template = migrated_template()
    folder = ROOT / "var" / "test" / "installations" / template
    folder.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(folder / ".lock"):
        if not (folder / "made").exists():
            _prepare(Running.in_folder(folder), template)
            (folder / "made").touch()
    return folder / "var"


def _prepare(first: Running, template: str) -> None:
    """Make the database of `first` a copy of the tests' own, which was migrated already."""
    subprocess.run(["rm", "-rf", first.var], check=True)
    first.var.mkdir()
    first.cluster.start()
    try:
        there, here = first.cluster.url("postgres"), CLUSTER.url("postgres", template)
        binaries, dump = first.cluster.bin(), first.var.parent / "dump"
        subprocess.run([binaries / "pg_dump", "-Fc", "-Z0", "-f", dump, here], check=True)
        subprocess.run([binaries / "pg_restore", "--exit-on-error", "-1", "-d", there, dump], check=True)
        dump.unlink()
    finally:
        first.cluster.stop()


@pytest.fixture
def running(prepared: Path, installation: Running) -> Running:
    """An installation with its embedded database, started and healthy, without the demo.

    Where a first start from nothing is the story, `installation` is: its migrations take longer than most of these
    tests.
    """
    # With owners: PostgreSQL refuses to run as root, and has a user of its own then.
    subprocess.run(["cp", "-a", prepared, installation.var], check=True)
    installation.start()
    return installation
