"""The database goes away and comes back while the SFTP server runs: nothing is lost, and nobody has to do anything."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections

from tests.database_proxy import DatabaseProxy
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_sign_in import ends, sign_in
from tests.settings import CLUSTER
from tests.sftp_server import SftpServer, wait_until

pytestmark = pytest.mark.kill


@pytest.fixture(scope="module")
def proxy(committed_for_module: None) -> Iterator[DatabaseProxy]:
    with DatabaseProxy(Path(CLUSTER.socket_directory)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def apart(proxy: DatabaseProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server whose way to the database is `proxy`."""
    url = CLUSTER.url("pratique", connections["default"].settings_dict["NAME"])
    server = SftpServer.in_folder(tmp_path_factory.mktemp("apart"), DATABASE_URL=proxy.url(url))
    server.start()
    yield server
    server.stop()


def test_who_signs_in_is_told_and_who_is_signed_in_goes_on(
    proxy: DatabaseProxy, apart: SftpServer, make_place: Callable[..., Place]
) -> None:
    place = make_place(server=apart)
    with place.clients.paramiko() as there:
        there.put(str(place.roster("before.csv")), "/inbound/before.csv")
        place.claimed("before.csv")
        proxy.cut()
        try:
            # Uploads go on: open, write, close, stat, rename.
            there.put(str(place.roster("during.csv", prefix="d")), "/inbound/during.tmp", confirm=True)
            there.rename("/inbound/during.tmp", "/inbound/during.csv")
            done = sign_in(place)
            assert done.status != 0
            assert "Sign-in is not possible at the moment" in done.said
            assert "Nothing is wrong with your key" in done.said
            # Those after it need not wait, and the server goes on.
            assert "Sign-in is not possible at the moment" in sign_in(place).said
            assert apart.answers()
            there.put(str(place.roster("also.csv", prefix="a")), "/inbound/also.csv", confirm=True)
        finally:
            proxy.mend()
        # By itself, and in the order of nobody's doing.
        for name in ("during.csv", "also.csv"):
            place.claimed(name)
        wait_until(lambda: sign_in(place).status == 0, told=apart.said)
        assert there.stat("/inbound/during.csv").st_size
    for name in ("before.csv", "during.csv", "also.csv"):
        assert place.processed(name).state == "processed"
    assert set(ends(place)) <= {"client", "lost"}, "nobody was sent away"
    uploaded = [path for kind, path, _reason in place.events() if kind == "uploaded"]
    assert {"/inbound/before.csv", "/inbound/also.csv"} <= set(uploaded)
    assert len(uploaded) == 3, "the journal kept them while the database was away"
