"""The configurations that the console shows work as they stand: each is run with a real client on a real server."""

import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from pratique.interfaces.console.transfer_clients import CLIENTS, Facts, rendered, samples
from pratique.transfers.host_keys import public_host_keys
from tests.sftp_server import HOST


@pytest.fixture
def facts(place) -> Facts:
    """What the console would know of this server, with the place of the private key filled in."""
    keys = public_host_keys(place.server.folder / "var" / "secrets" / "ssh")
    assert len(keys) == 2
    return Facts(HOST, place.server.port, place.account.username, keys, key_path=str(place.clients.key))


# By client: the samples that are written to files, and the commands that are run then.
RUNS = {
    "openssh": ({"openssh.sh.txt": "send.sh"}, ["sh send.sh"], ["openssh_results.sh.txt"]),
    "lftp": ({"known_hosts.txt": "pratique_known_hosts", "lftp.txt": "pratique.lftp"}, ["lftp -f pratique.lftp"], []),
    "rclone": (
        {"known_hosts.txt": "pratique_known_hosts", "rclone.conf.txt": "pratique.conf", "rclone_run.sh.txt": "send.sh"},
        ["sh send.sh"], [],
    ),
    "python": ({"python.py.txt": "send.py"}, [f"{sys.executable} send.py"], []),
}  # fmt: skip


@pytest.mark.parametrize(("files", "commands", "after"), RUNS.values(), ids=RUNS)
def test_a_sample_sends_a_file_and_takes_the_results(place, facts, files, commands, after):
    place.roster()
    for template, name in files.items():
        (place.folder / name).write_text(rendered(template, facts))
    for command in commands:
        _run(command, place)
    assert place.processed().state == "processed"
    for template in after:
        (place.folder / "after.sh").write_text(rendered(template, facts))
        commands = ["sh after.sh"]
    # The second run takes the results. The same file again is what suspends: so another one is sent with it.
    place.roster(students=4, prefix="t")
    for command in commands:
        _run(command, place)
    assert [path.name for path in (place.folder / "results").iterdir()]


def _run(command: str, place) -> None:
    program = command.split()[0]
    assert shutil.which(program), program
    done = subprocess.run(
        command.split(), cwd=place.folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{place.server.said()}"


def test_every_sample_is_filled_in(facts):
    for client in CLIENTS:
        for sample in samples(client, facts):
            assert "{{" not in sample.text
            assert "{%" not in sample.text
            assert "&quot;" not in sample.text


def test_filezillas_file_is_xml_and_powershell_is_quoted(facts):
    server = ElementTree.fromstring(rendered("filezilla.xml.txt", facts)).find("Servers/Server")
    assert (server.find("Host").text, server.find("Port").text) == (HOST, str(facts.port))
    for template in ("powershell.ps1.txt", "winscp_net.ps1.txt"):
        for line in rendered(template, facts).splitlines():
            assert line.count('"') % 2 == 0, line
