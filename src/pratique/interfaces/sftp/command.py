"""`pratique sftp`: serves files over SFTP, by one process or several; and the host keys that schools' clients know."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from django.conf import settings

from pratique.foundation import processes as system_processes
from pratique.foundation.run_state import RunFolder
from pratique.foundation.supervisor import PARENT, Program, Supervisor
from pratique.interfaces.sftp.host_keys import KINDS, HostKeyError, HostKeys

if TYPE_CHECKING:
    from pratique.interfaces.sftp import metrics

app = typer.Typer(help="Serve files over SFTP; manage the host keys.")
host_key = typer.Typer(no_args_is_help=True, help="The keys by which clients know this server.")
app.add_typer(host_key, name="host-key")

_LOOK_EVERY = 0.1
_READY_WITHIN = 60.0


@app.callback(invoke_without_command=True)
def sftp(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where it listens; 0: a free port. [default: 2222]")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=0, help="How many processes serve; 0: by the number of cores.")
    ] = None,
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    """Serve files over SFTP until stopped."""
    if context.invoked_subcommand is not None:
        return
    if parent := os.environ.get(PARENT):
        system_processes.die_with_parent(int(parent))
    folder = Path(settings.VAR) / "run" / "sftp"
    folder.mkdir(parents=True, exist_ok=True)
    host = settings.SFTP_ADDRESS
    wanted = settings.SFTP_PORT if port is None else port
    try:
        if child:
            _serve(host, wanted, folder, shared=True, ready=lambda host, port: None)
            return
        count = settings.SFTP_PROCESSES if processes is None else processes
        count = count or processes_of_sftp(os.cpu_count() or 1)
        if count == 1:
            _serve(host, wanted, folder, shared=False, ready=_say_ready)
        else:
            _look_after(host, wanted, folder, count)
    except OSError as error:
        typer.echo(f"Error: {host}:{wanted} cannot be listened on: {error.strerror}.", err=True)
        raise typer.Exit(1) from None


def processes_of_sftp(cores: int) -> int:
    """Return how many processes serve by default: web, workers and database need cores too."""
    return 1 if cores <= 2 else min(8, cores // 2)


@host_key.command(name="list")
def list_keys() -> None:
    """Show the host keys, and the lines that clients' known_hosts files need."""
    keys = HostKeys(settings.SFTP_HOST_KEYS)
    keys.ensure()
    for key in keys.listed():
        typer.echo(f"{key.name:<12} {'in use' if key.signs else 'offered':<8} {key.fingerprint}")
    typer.echo("\nFor known_hosts:")
    for key in keys.listed():
        typer.echo(key.known_hosts(settings.SFTP_PUBLIC_HOST, _public_port()))


def _public_port() -> int:
    """Return the port that schools use: `up` takes another one than the usual if that is taken."""
    running = RunFolder(Path(settings.VAR)).running()
    if running and running.sftp_port and "PRATIQUE_SFTP_PUBLIC_PORT" not in os.environ:
        return running.sftp_port
    return int(settings.SFTP_PUBLIC_PORT)


@host_key.command()
def add(kind: Annotated[str, typer.Argument(help="rsa or ed25519")]) -> None:
    """Make another key, offered beside the one in use: OpenSSH learns it by itself (UpdateHostKeys)."""
    if kind not in KINDS:
        raise typer.BadParameter(f"There are {' and '.join(KINDS)}.")
    keys = HostKeys(settings.SFTP_HOST_KEYS)
    keys.ensure()
    name = keys.add(kind)
    typer.echo(
        f"{name} is offered to new connections. Tell schools, then: pratique sftp host-key promote {name}"
    )


@host_key.command()
def promote(name: str) -> None:
    """Use a key from now on; the one in use until now is still offered beside it."""
    _change(lambda keys: keys.promote(name))
    typer.echo(f"{name} is in use for new connections.")


@host_key.command()
def retire(name: str) -> None:
    """Forget a key that is not in use. It cannot be brought back."""
    _change(lambda keys: keys.retire(name))
    typer.echo(f"{name} is gone.")


def _change(what: Callable[[HostKeys], None]) -> None:
    try:
        what(HostKeys(settings.SFTP_HOST_KEYS))
    except HostKeyError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


def _serve(host: str, port: int, folder: Path, *, shared: bool, ready: Callable[[str, int], None]) -> None:
    # Only here: the figures' library looks at the environment when it is imported.
    from pratique.interfaces.sftp import metrics
    from pratique.interfaces.sftp.server import serve

    if settings.SFTP_METRICS_PORT and not shared:
        _show(metrics.show)
    asyncio.run(serve(host, port, folder=folder, reuse_port=shared, ready=ready))


def _say_ready(host: str, port: int) -> None:
    typer.echo(f"SFTP is ready: {host} {port}")
    sys.stdout.flush()
    (Path(settings.VAR) / "run" / "sftp" / "port").write_text(f"{port}\n")


def _look_after(host: str, port: int, folder: Path, count: int) -> None:
    """Run so many processes on one port, and start again what dies."""
    HostKeys(settings.SFTP_HOST_KEYS).ensure()
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: stopping.append(number))
    with _held(host, port) as port:
        living = _figures_of_several(folder / "figures") if settings.SFTP_METRICS_PORT else None
        command = (sys.executable, "-m", "pratique.config.command", "sftp", "--child", "--port", str(port))
        logs = Path(settings.VAR) / "log"
        children = Supervisor(
            [
                Program(f"sftp-{number}", command, logs / f"sftp-{number}.log")
                for number in range(1, count + 1)
            ],
            environment=dict(os.environ),
            say=typer.echo,
            on_change=lambda pids: living.are(pids.values()) if living else None,
        )
        try:
            children.start()
            said, until = False, time.monotonic() + _READY_WITHIN
            while not stopping:
                children.step()
                if not said and _answers(host, port):
                    said = True
                    _say_ready(host, port)
                if not said and time.monotonic() > until:
                    typer.echo(f"Error: not ready within {_READY_WITHIN:.0f} seconds; see {logs}.", err=True)
                    raise typer.Exit(1)
                time.sleep(_LOOK_EVERY)
        finally:
            children.stop()


def _figures_of_several(folder: Path) -> "metrics.Living":
    """Show the figures of all processes together, each of which writes its own into the folder."""
    shutil.rmtree(folder, ignore_errors=True)  # the figures of an earlier run are over
    folder.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # Only here: the figures' library looks at environment and folder when it is imported.
    from pratique.interfaces.sftp import metrics

    _show(metrics.show)
    return metrics.Living()


def _show(show: Callable[[int], None]) -> None:
    port = settings.SFTP_METRICS_PORT
    try:
        show(port)
    except OSError as error:
        typer.echo(f"Error: figures cannot be shown on 127.0.0.1:{port}: {error.strerror}.", err=True)
        raise typer.Exit(1) from None


class _held:
    """A port that only these processes share: taken by nobody else now, and nobody's while they come and go."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def __enter__(self) -> int:
        with socket.socket(self._family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(self._address)
            port = int(probe.getsockname()[1])
        self._socket = socket.socket(self._family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind((self._address[0], port))  # never listened on: connections go to the children
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=2) as connection:
        return connection.recv(4) == b"SSH-"
    return False
