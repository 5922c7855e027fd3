"""What lies in /outbound is taken and deleted by each client."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pratique.foundation import clock
from pratique.transfers.actions import outbound
from pratique.transfers.types import AccountRef
from tests import asynchronous, sftp_raw
from tests.integration.sftp.conftest import Place, sizes_of
from tests.schools import BY
from tests.sftp_clients import Done, needs
from tests.sftp_raw import raw
from tests.sftp_server import wait_until

# More than one answer of the protocol and one chunk of the storage holds, and no multiple of either.
CONTENT = os.urandom(700_001)
Download = Callable[[Place, Path], Done | None]


def lies(place: Place, name: str = "report.csv", content: bytes = CONTENT, folder: str = "") -> None:
    """Put a file into the account's /outbound."""
    outbound.put(
        account=AccountRef(place.institution.id, place.account.id, place.account.username),
        folder=folder, name=name, content=iter([content]), source="test", by=BY, now=clock.now(),
    )  # fmt: skip


def openssh(place: Place, to: Path) -> Done:
    return place.clients.openssh(f"get outbound/report.csv {to}", "rm outbound/report.csv")


def openssh_continues(place: Place, to: Path) -> Done:
    to.write_bytes(CONTENT[:300_000])
    return place.clients.openssh(f"reget outbound/report.csv {to}", "rm outbound/report.csv")


def scp(place: Place, to: Path) -> Done:
    done = place.clients.scp(":/outbound/report.csv", str(to))
    place.clients.openssh("rm outbound/report.csv")
    return done


def lftp(place: Place, to: Path) -> Done:
    return place.clients.lftp(f"get -E /outbound/report.csv -o {to}")


def lftp_in_parts(place: Place, to: Path) -> Done:
    return place.clients.lftp(f"pget -n 4 /outbound/report.csv -o {to}", "rm /outbound/report.csv")


def rclone(place: Place, to: Path) -> Done:
    return place.clients.rclone("moveto", "THERE:/outbound/report.csv", str(to))


def psftp(place: Place, to: Path) -> Done:
    return place.clients.psftp(f"get outbound/report.csv {to.name}", "del outbound/report.csv")


def paramiko(place: Place, to: Path) -> None:
    with place.clients.paramiko() as there:
        there.get("/outbound/report.csv", str(to))
        there.remove("/outbound/report.csv")


def asyncssh(place: Place, to: Path) -> None:
    async def get() -> None:
        async with place.clients.asyncssh() as connection, connection.start_sftp_client() as there:
            await there.get("/outbound/report.csv", str(to), preserve=True)
            await there.remove("/outbound/report.csv")

    asynchronous.run(get())


@pytest.mark.parametrize(
    "download",
    [
        pytest.param(openssh, marks=needs("sftp"), id="OpenSSH"),
        pytest.param(openssh_continues, marks=needs("sftp"), id="OpenSSH continues with reget"),
        pytest.param(scp, marks=needs("scp"), id="scp"),
        pytest.param(lftp, marks=needs("lftp"), id="lftp"),
        pytest.param(lftp_in_parts, marks=needs("lftp"), id="lftp in four parts at once"),
        pytest.param(rclone, marks=needs("rclone"), id="rclone moves it"),
        pytest.param(psftp, marks=needs("psftp"), id="psftp"),
        pytest.param(paramiko, id="paramiko"),
        pytest.param(asyncssh, id="asyncssh"),
    ],
)
def test_a_file_is_taken_whole_and_deleted(place: Place, download: Download) -> None:
    lies(place)
    to = place.folder / "taken.csv"
    done = download(place, to)
    assert done is None or done.status == 0, done.said
    assert to.read_bytes() == CONTENT
    assert place.outbound() == []
    assert place.listed("/outbound") == {"results": 0}
    wait_until(lambda: ("downloaded", "/outbound/report.csv", "") in place.events())


def test_a_file_appears_while_a_session_looks(place: Place) -> None:
    with place.clients.paramiko() as there:
        assert there.listdir("/outbound") == ["results"]
        lies(place, "now.csv", b"x")
        lies(place, "results.csv", b"yy", "results")
        wait_until(lambda: sorted(there.listdir("/outbound")) == ["now.csv", "results"])
        assert there.listdir("/outbound/results") == ["results.csv"]
        assert there.stat("/outbound/now.csv").st_size == 1


def test_ranges_are_read_in_any_order(place: Place) -> None:
    lies(place)
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/outbound/report.csv", sftp_raw.TO_READ).handle
        for start, length in ((699_990, 100), (0, 1), (65_530, 20), (131_072, 65_536), (3, 200_000)):
            answer = there.read(handle, start, length)
            assert answer.kind == sftp_raw.DATA
            assert answer.body[4:] == CONTENT[start : start + length][: len(answer.body) - 4]
            assert len(answer.body) > 4
        assert there.read(handle, len(CONTENT), 10).status == sftp_raw.EOF
        assert there.read(handle, 2**63, 10).status in {sftp_raw.EOF, sftp_raw.FAILURE, sftp_raw.BAD_MESSAGE}


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end_or_refused(place: Place) -> None:
    lies(place)
    with place.clients.transport() as transport, raw(transport) as there, raw(transport) as other:
        handle = there.open("/outbound/report.csv", sftp_raw.TO_READ).handle
        assert there.read(handle, 0, 1000).body[4:] == CONTENT[:1000]
        assert other.ask(sftp_raw.REMOVE, sftp_raw.string("/outbound/report.csv")).status == sftp_raw.OK
        answer = there.read(handle, 600_000, 1000)
        assert answer.status or answer.body[4:] == CONTENT[600_000:601_000]
    assert place.listed("/outbound") == {"results": 0}


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(lambda there: there.open("/outbound/new.csv", "wb"), id="write a new file"),
        pytest.param(lambda there: there.open("/outbound/report.csv", "ab"), id="append to one"),
        pytest.param(lambda there: there.truncate("/outbound/report.csv", 0), id="truncate one"),
        pytest.param(
            lambda there: there.rename("/outbound/report.csv", "/outbound/other.csv"), id="rename one"
        ),
        pytest.param(lambda there: there.rename("/outbound/report.csv", "/inbound/other.csv"), id="move one"),
        pytest.param(lambda there: there.mkdir("/outbound/sub"), id="make a folder"),
        pytest.param(lambda there: there.rmdir("/outbound/results"), id="remove the folder of results"),
        pytest.param(lambda there: there.symlink("/outbound/report.csv", "/outbound/link"), id="make a link"),
    ],
)
def test_the_outbound_folder_takes_nothing(place: Place, deed: Callable[..., object]) -> None:
    lies(place, content=b"abc")
    with place.clients.paramiko() as there:
        with pytest.raises(OSError):
            deed(there)
        assert sizes_of(there.listdir_attr("/outbound")) == {"results": 0, "report.csv": 3}
