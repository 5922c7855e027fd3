"""The worker process."""

import os
from typing import Annotated

import typer

from pratique.foundation import processes
from pratique.foundation.queue import QUEUES
from pratique.foundation.supervisor import PARENT
from pratique.foundation.worker import run_worker

app = typer.Typer()


@app.command()
def worker(
    queue: Annotated[
        list[str] | None, typer.Option(help="A queue to serve; may be repeated. Default: all.")
    ] = None,
    name: Annotated[str, typer.Option(help="The worker's name in logs.")] = "worker",
) -> None:
    """Run jobs until stopped. Jobs of a worker that dies are taken up by the others."""
    if parent := os.environ.get(PARENT):
        processes.die_with_parent(int(parent))
    if unknown := set(queue or ()) - set(QUEUES):
        raise typer.BadParameter(
            f"no such queue: {', '.join(sorted(unknown))}. There are: {', '.join(QUEUES)}."
        )
    run_worker(queues=queue or None, name=name)
