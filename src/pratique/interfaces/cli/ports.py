"""Finding ports for the web process and for SFTP, and saying who has the one that was wanted."""

import socket
from contextlib import suppress

import psutil

DEFAULT_PORT, DEFAULT_SFTP_PORT = 8000, 2222
_TRIED = 100


class PortBusyError(RuntimeError):
    """Something else listens where we were told to."""


def choose_port(wanted: int | None, *, default: int = DEFAULT_PORT, option: str = "--port N") -> int:
    """Return `wanted`, or where nothing was asked for the first free port from `default` on.

    Raises PortBusyError if the wanted one is taken: a choice is not silently changed.
    """
    if wanted is not None:
        if not is_free(wanted):
            raise PortBusyError(
                f"Port {wanted} is taken by {holder(wanted)}. End that, or choose another with {option}."
            )
        return wanted
    for port in range(default, default + _TRIED):
        if is_free(port):
            return port
    raise PortBusyError(f"No port from {default} to {default + _TRIED - 1} is free. Choose one: {option}.")


def is_free(port: int) -> bool:
    """Return whether 127.0.0.1:`port` can be listened on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Return who listens on `port`, as far as this user may see."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"
