"""Installations of real processes, stopped whatever happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.process.running import Running


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Running]:
    """An installation that was not started yet."""
    running = Running.in_folder(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def running(installation: Running) -> Running:
    """An installation with its embedded database, started and healthy, without the demo."""
    installation.start()
    return installation
