"""A proxy on loopback that does something when so many bytes went up: a connection that is cut at a chosen place.

with CuttingProxy(server.port, after=500_000, deed=client.kill) as proxy:
    connect to proxy.port
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class CuttingProxy:
    """Serves one connection; `deed` is called once, before the byte after the first `after` ones goes up."""

    def __init__(self, port: int, *, after: int, deed: Callable[[], object]) -> None:
        self._to, self._after, self._deed = port, after, deed
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                down = threading.Thread(target=self._pass, args=(server, client), daemon=True)
                self._threads.append(down)
                down.start()
                self._up(client, server)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                down.join(10)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        room = self._after
        with suppress(OSError):
            while data := client.recv(16384):
                server.sendall(data[:room])
                room -= len(data)
                if room <= 0:
                    # What the client's machine still holds is not passed on: the place of the cut is the chosen one.
                    self._deed()
                    self.done.set()
                    return

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)
