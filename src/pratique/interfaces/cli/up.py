"""`pratique up`: everything on one machine, kept running by a small supervisor.

    lock → ports → prepare (database, schema, static files, demo) → web, workers, SFTP → healthy → look after them

Two workers, so that a 50,000-row import never delays a click: one has the queue `bulk`, one all the others.
With `--background` the same happens in a process of its own, whose words are shown here until it is healthy.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated

import typer

from pratique.foundation import processes, supervisor
from pratique.foundation.processes import Identity
from pratique.foundation.run_state import RunFolder, RunState
from pratique.foundation.supervisor import Follower, Program, Supervisor
from pratique.interfaces.cli import probe
from pratique.interfaces.cli.ports import DEFAULT_SFTP_PORT, PortBusyError, choose_port

app = typer.Typer()

_HEALTHY_WITHIN = 60.0
_BACKGROUND_WITHIN = 900.0  # the first start makes the database and the demo
_LOOK_EVERY = 0.1


@app.command()
def up(
    background: Annotated[
        bool, typer.Option("--background", help="Return as soon as all is healthy.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            envvar="PRATIQUE_PORT",
            min=1,
            max=65535,
            help="Where the web process listens. [default: 8000 or next]",
        ),
    ] = None,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Do not load the demo institution.")] = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Start database, web, workers and SFTP, and keep them running until stopped (Ctrl-C, or `pratique down`)."""
    folder = RunFolder(probe.var_folder())
    if background:
        raise typer.Exit(_in_background(folder, port, no_demo=no_demo))
    if not folder.claim():
        _say_already(folder)
        return
    try:
        chosen = choose_port(port)
        sftp_port = _choose_sftp_port()
    except PortBusyError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    if port is None and chosen != supervisor_default():
        typer.echo(f"Port {supervisor_default()} is taken; using {chosen}.")
    # Settings and children read the ports from here.
    os.environ.update(PRATIQUE_PORT=str(chosen), PRATIQUE_SFTP_PORT=str(sftp_port))
    raise typer.Exit(_run(folder, chosen, sftp_port, demo=not no_demo, follow=not detached))


def supervisor_default() -> int:
    """Return the port that is used if nothing was asked for."""
    from pratique.interfaces.cli.ports import DEFAULT_PORT

    return DEFAULT_PORT


def _choose_sftp_port() -> int:
    wanted = os.environ.get("PRATIQUE_SFTP_PORT")
    chosen = choose_port(
        int(wanted) if wanted else None, default=DEFAULT_SFTP_PORT, option="PRATIQUE_SFTP_PORT"
    )
    if not wanted and chosen != DEFAULT_SFTP_PORT:
        typer.echo(f"Port {DEFAULT_SFTP_PORT} is taken; SFTP uses {chosen}.")
    return chosen


@dataclass
class _Stop:
    """Becomes true with the first SIGTERM, SIGINT or SIGHUP."""

    wanted: bool = False

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: object) -> None:
        self.wanted = True


def _run(folder: RunFolder, port: int, sftp_port: int, *, demo: bool, follow: bool) -> int:
    import django

    django.setup()
    from django.conf import settings

    from pratique.interfaces.cli import starting

    say: Callable[[str], None] = starting.to_terminal
    stop = _Stop()
    stop.listen()
    # Before the database starts, so that it becomes our child too and is reaped at once when it dies.
    processes.adopt_orphans()
    me = Identity.of(os.getpid())
    folder.write(
        RunState(
            pid=me.pid, created=me.created, url=settings.BASE_URL, port=port, sftp_port=sftp_port,
            database="embedded" if settings.DATABASE_IS_EMBEDDED else "external",
            started_at=datetime.now(UTC).isoformat(timespec="seconds"), version=version("pratique"),
        )
    )  # fmt: skip
    try:
        starting.prepare(say, demo=demo)
        if stop.wanted:
            return 0
        return _look_after_children(folder, port, stop, say, follow=follow)
    finally:
        if settings.DATABASE_IS_EMBEDDED:
            settings.EMBEDDED_POSTGRES.stop()
            processes.reap(())
        folder.clear()


def _look_after_children(
    folder: RunFolder, port: int, stop: _Stop, say: Callable[[str], None], *, follow: bool
) -> int:
    from django.conf import settings

    programs = _programs(port)
    children = Supervisor(
        programs,
        environment=os.environ,
        say=say,
        tend=_database_keeper(settings.EMBEDDED_POSTGRES) if settings.DATABASE_IS_EMBEDDED else lambda: None,
        on_change=lambda pids: folder.update(processes=pids),
    )
    follower = Follower({program.name: program.log for program in programs})
    follower.skip()
    say("Web, workers and SFTP")
    try:
        children.start()
        # A log file that appears only now is shown from its beginning.
        if not _wait_until_healthy(children, folder, stop):
            for program in programs:
                if end := supervisor.last_lines(program.log):
                    say(f"--- last lines of {program.log}\n{end}")
            say(f"Error: not healthy within {_HEALTHY_WITHIN:.0f} seconds. `pratique doctor` may know why.")
            return 1
        if not stop.wanted:
            say(f"\nPratique is ready: {settings.BASE_URL}")
            say(f"SFTP: {settings.SFTP_PUBLIC_HOST} port {settings.SFTP_PUBLIC_PORT}")
            if follow:
                _show_sign_ins(settings.BASE_URL)
            folder.update(ready=True)
        while not stop.wanted:
            children.step()
            if follow:
                for line in follower.lines():
                    say(line)
            time.sleep(_LOOK_EVERY)
        say("Stopping")
        return 0
    finally:
        children.stop()


def _programs(port: int) -> list[Program]:
    logs = probe.var_folder() / "log"
    command = (sys.executable, "-m", "pratique.config.command")
    quick = [part for queue in ("interactive", "mail", "timed") for part in ("--queue", queue)]
    return [
        Program("web", (*command, "web", "--port", str(port)), logs / "web.log"),
        Program("worker-quick", (*command, "worker", "--name", "quick", *quick), logs / "worker.log"),
        Program(
            "worker-bulk", (*command, "worker", "--name", "bulk", "--queue", "bulk"), logs / "worker-bulk.log"
        ),
        Program("sftp", (*command, "sftp"), logs / "sftp.log"),
    ]


def _database_keeper(cluster: object) -> Callable[[], None]:
    from pratique.foundation.embedded_postgres import EmbeddedPostgres

    assert isinstance(cluster, EmbeddedPostgres)
    seen: list[Identity] = []

    def tend() -> None:
        # Cheap while it lives: one look at one process. A full start only when that one is gone.
        if seen and seen[0].is_alive():
            return
        cluster.start()
        if pid := cluster.pid():
            seen[:] = [Identity.of(pid)]

    return tend


def _wait_until_healthy(children: Supervisor, folder: RunFolder, stop: _Stop) -> bool:
    deadline = time.monotonic() + _HEALTHY_WITHIN
    while time.monotonic() < deadline and not stop.wanted:
        children.step()
        if probe.report(folder.running())["healthy"]:
            return True
        time.sleep(_LOOK_EVERY)
    return stop.wanted


def _show_sign_ins(url: str) -> None:
    """Tell who can sign in to the demo, on the terminal alone: the log is no place for a password."""
    from pratique.foundation.demo_credentials import school_portal_address, sign_ins

    people = sign_ins(probe.var_folder())
    for person in people:
        if "password" in person and "state" not in person:
            typer.echo(
                f"  {person['role']:<14} sign in as {person['username']}, password {person['password']}"
            )
    if people:
        typer.echo("Students in every state: pratique demo credentials")
    if portal := school_portal_address(probe.var_folder(), base_url=url):
        typer.echo(f"The school's own portal, played, with its button Health records: {portal}")
    typer.echo("How it is: pratique status   Stop: pratique down")


def _say_already(folder: RunFolder) -> None:
    state = folder.running()
    where = f" at {state.url} (pid {state.pid})" if state else ""
    typer.echo(f"Pratique already runs{where}.")


def _in_background(folder: RunFolder, port: int | None, *, no_demo: bool) -> int:
    log = probe.var_folder() / "log" / "up.log"
    supervisor.rotate(log)
    arguments = [*(["--port", str(port)] if port is not None else []), *(["--no-demo"] if no_demo else [])]
    environment = dict(os.environ)
    environment.pop("PRATIQUE_PORT", None)  # said as an option where it was chosen
    follower = Follower({"": log})
    follower.skip()
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "pratique.config.command", "up", "--detached", *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + _BACKGROUND_WITHIN
    while time.monotonic() < deadline:
        code = child.poll()
        state = folder.running()
        _relay(follower)
        if code is not None:
            return code
        if state is not None and state.pid == child.pid and state.ready:
            _show_sign_ins(state.url)
            return 0
        time.sleep(_LOOK_EVERY)
    Identity.of(child.pid).terminate(seconds=30)
    typer.echo(f"Error: not ready within {_BACKGROUND_WITHIN:.0f} seconds; see {log}.", err=True)
    return 1


def _relay(follower: Follower) -> None:
    for line in follower.lines():
        typer.echo(line.strip())
