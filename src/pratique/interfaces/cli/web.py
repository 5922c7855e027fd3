"""The web process: Granian over `pratique.config.wsgi`, a process a core, several threads each."""

import os
from typing import Annotated

import typer

from pratique.foundation import processes
from pratique.foundation.supervisor import PARENT

# Most of them wait for bodies of slow senders. How many requests are worked on at once says config.body_first.
THREADS = 64

app = typer.Typer()


@app.command()
def web(port: Annotated[int, typer.Option(envvar="PRATIQUE_PORT")] = 8000) -> None:
    """Serve the web application on 127.0.0.1 (put a TLS proxy in front to be reached from elsewhere)."""
    if parent := os.environ.get(PARENT):
        processes.die_with_parent(int(parent))
    # Granian forks the process that serves; Django is loaded there, by pratique.config.wsgi.
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "pratique.config.wsgi:application",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=processes_of_web(os.cpu_count() or 1),
        blocking_threads=THREADS,
        backlog=1024,
        websockets=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=10,
    ).serve()


def processes_of_web(cores: int) -> int:
    """Return how many processes serve: one Python process uses one core, and workers and database need some too."""
    return max(1, min(4, cores))
