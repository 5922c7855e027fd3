"""A way to the tests' database that can be cut and mended, without harm to any other test.

with DatabaseProxy(CLUSTER.socket_directory) as proxy:
    a server is given proxy.url(CLUSTER.url(...)) as its DATABASE_URL
    proxy.cut()
    proxy.mend()
"""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

SOCKET = ".s.PGSQL.5432"


class DatabaseProxy:
    """Passes connections on to a PostgreSQL that listens on a socket in a folder."""

    def __init__(self, folder: Path) -> None:
        self._behind = folder / SOCKET
        # Names of sockets may not be longer than 107 bytes: not in tmp_path.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> "DatabaseProxy":
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, url: str) -> str:
        """Return an address of the database behind as one that leads through here."""
        here = url.replace(quote(str(self._behind.parent), safe=""), quote(str(self.folder), safe=""))
        here = here.replace(str(self._behind.parent), str(self.folder))
        assert here != url
        return here

    def mend(self) -> None:
        """Let connections through from now on."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / SOCKET))
        listener.listen(50)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection, and refuse others, as a server that was stopped does."""
        if self._listener is not None:
            (self.folder / SOCKET).unlink(missing_ok=True)
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            ending, self._open = self._open, set()
        for one in ending:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(str(self._behind))
                with self._lock:
                    self._open |= {client, behind}
                for source, to in ((client, behind), (behind, client)):
                    threading.Thread(target=self._pass, args=(source, to), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
        with suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()
