"""The figures for Prometheus: what happens moves them, several processes are one, and the dead leave no gauge."""

import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_sign_in import made, sign_in
from tests.sftp_server import HOST, SftpServer, free_port, wait_until


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two processes"])
def shown(
    request: pytest.FixtureRequest, committed_for_module: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SftpServer]:
    """A server that shows its figures."""
    server = SftpServer.in_folder(
        tmp_path_factory.mktemp("figures"), PRATIQUE_SFTP_PROCESSES=request.param,
        PRATIQUE_SFTP_METRICS_PORT=str(free_port()),
    )  # fmt: skip
    server.start()
    yield server
    server.stop()


def figure(server: SftpServer, name: str, **labels: str) -> float:
    """Return one figure; 0 if it is not there (yet)."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(page(server))
        for sample in family.samples
        if sample.name == f"pratique_sftp_{name}" and labels.items() <= sample.labels.items()
    )


def page(server: SftpServer) -> str:
    where = f"http://{HOST}:{server.env['PRATIQUE_SFTP_METRICS_PORT']}/metrics"
    with urllib.request.urlopen(where, timeout=20) as answer:
        return str(answer.read().decode())


def _since_now(server: SftpServer) -> Callable[..., float]:
    """Return what tells by how much a figure has grown since."""
    kinds: tuple[tuple[str, dict[str, str]], ...] = (
        ("bytes_total", {"direction": "in"}), ("claims_total", {"state": "claimed"}),
        ("file_events_total", {"kind": "uploaded"}), ("refused_total", {"reason": "key_unknown"}),
        ("refused_total", {"reason": "user_unknown"}),
    )  # fmt: skip
    then = {(name, *labels.values()): figure(server, name, **labels) for name, labels in kinds}
    return lambda name, **labels: figure(server, name, **labels) - then[name, *labels.values()]


def test_what_happens_moves_the_figures(shown: SftpServer, make_place: Callable[..., Place]) -> None:
    place = make_place(server=shown)
    names = ["connections_total", "sessions_begun_total", "sign_in_seconds_count", "sessions_ended_total"]
    # The server is the module's: another test may have been first.
    before = {name: figure(shown, name) for name in names}
    more = _since_now(shown)
    path = place.roster()
    with place.clients.paramiko() as there:
        wait_until(lambda: figure(shown, "open_sessions") == 1)
        there.put(str(path), "/inbound/roster.csv")
        # While the session is still open.
        wait_until(lambda: more("bytes_total", direction="in") == path.stat().st_size)
    place.claimed()
    wait_until(lambda: figure(shown, "open_sessions") == 0)
    wait_until(lambda: more("claims_total", state="claimed") == 1, told=lambda: page(shown))
    assert more("file_events_total", kind="uploaded") == 1
    assert more("bytes_total", direction="in") == path.stat().st_size
    assert {name: figure(shown, name) - before[name] for name in names[1:]} == dict.fromkeys(names[1:], 1)
    assert figure(shown, "connections_total") > before["connections_total"]
    sign_in(place, made(place.folder, "-t", "rsa", "-b", "2048"))
    sign_in(place, username="nobody-here")
    wait_until(lambda: more("refused_total", reason="key_unknown") == 1)
    wait_until(lambda: more("refused_total", reason="user_unknown") == 1)
    said = page(shown)
    assert place.account.username not in said
    assert "nobody-here" not in said


def test_a_killed_process_leaves_no_open_sessions_and_what_it_counted_stays(
    shown: SftpServer, make_place: Callable[..., Place]
) -> None:
    if shown.env["PRATIQUE_SFTP_PROCESSES"] == "1":
        pytest.skip("whoever is killed alone shows nothing any more")
    place = make_place(server=shown)
    begun = figure(shown, "sessions_begun_total")
    with place.clients.transport() as first, place.clients.transport() as second:
        wait_until(lambda: figure(shown, "open_sessions") == 2)
        for child in shown.family()[1:]:
            os.kill(child.pid, signal.SIGKILL)
        wait_until(lambda: not first.is_active() and not second.is_active())
        wait_until(lambda: figure(shown, "open_sessions") == 0, told=lambda: page(shown))
    assert figure(shown, "sessions_begun_total") == begun + 2
    wait_until(shown.answers)
    wait_until(lambda: sign_in(place).status == 0)
    wait_until(lambda: figure(shown, "sessions_begun_total") == begun + 3)


def test_a_port_that_is_taken_is_named(shown: SftpServer, tmp_path: Path) -> None:
    taken = shown.env["PRATIQUE_SFTP_METRICS_PORT"]
    other = SftpServer.in_folder(tmp_path / "other", PRATIQUE_SFTP_METRICS_PORT=taken)
    with pytest.raises(AssertionError, match=f"figures cannot be shown on 127.0.0.1:{taken}"):
        other.start()
