"""Figures of the SFTP server for Prometheus, on 127.0.0.1 alone. No name of an account is ever a label.

Where several processes serve, each writes its figures into a folder (PROMETHEUS_MULTIPROC_DIR, which must be set and be
there before this module is imported), and their parent shows the sums.
"""

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

CONNECTIONS = Counter("pratique_sftp_connections_total", "Connections that were let near the key exchange")
TURNED_AWAY = Counter(
    "pratique_sftp_turned_away_total", "Connections closed before the key exchange", ["reason"]
)
REFUSED = Counter("pratique_sftp_refused_total", "Sign-ins that were refused", ["reason"])
SESSIONS = Gauge("pratique_sftp_open_sessions", "Sessions that are open", multiprocess_mode="livesum")
SESSIONS_BEGUN = Counter("pratique_sftp_sessions_begun_total", "Sessions that began")
SESSIONS_ENDED = Counter("pratique_sftp_sessions_ended_total", "Sessions that ended", ["reason"])
BYTES = Counter("pratique_sftp_bytes_total", "Bytes of files", ["direction"])
FILES = Counter("pratique_sftp_file_events_total", "What happened to files", ["kind"])
CLAIMS = Counter("pratique_sftp_claims_total", "Uploads that were claimed, by what they became", ["state"])
SIGN_IN = Histogram(
    "pratique_sftp_sign_in_seconds", "From the connection to the sign-in",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip


class Living:
    """Which processes write figures: the gauges of one that died are dropped, what it counted stays."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def are(self, pids: Iterable[int]) -> None:
        """Note who lives now."""
        now = set(pids)
        for pid in self._pids - now:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
        self._pids = now


def show(port: int) -> None:
    """Answer Prometheus on 127.0.0.1:`port`, from a thread."""
    if os.environ.get(FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        start_http_server(port, addr="127.0.0.1", registry=registry)
    else:
        start_http_server(port, addr="127.0.0.1")
