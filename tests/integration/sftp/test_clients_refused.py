"""Clients that are refused, and told why; the log says what support needs to help."""

from pratique.transfers.types import REFUSALS
from tests.integration.sftp.conftest import Place
from tests.sftp_clients import needs
from tests.sftp_server import wait_until


@needs("curl")
def test_curl_of_debian_12_signs_with_sha1_and_is_refused(place: Place) -> None:
    """libssh2 before 1.11 signs RSA by SHA-1 only; a newer one signs by SHA-2 and is let in."""
    done = place.clients.curl("THERE/inbound/")
    if done.status == 0:
        assert "libssh2/1.10" not in place.clients.run(["curl", "--version"]).said
        return
    assert done.status == 67, done.said  # the log-in was denied
    wait_until(lambda: [one.refused for one in place.sessions()] == ["signature_sha1"], told=place.told)
    (session,) = place.sessions()
    assert "libssh2" in session.client
    assert "Upgrade the client" in str(REFUSALS["signature_sha1"])


@needs("ssh")
def test_nothing_but_sftp_is_served(place: Place) -> None:
    for words in (["true"], ["scp", "-t", "/"], ["/usr/lib/openssh/sftp-server"], []):
        done = place.clients.ssh(*words, options=["-T"])
        assert done.status != 0, (words, done.said)
    assert place.clients.ssh("-s", "netconf").status != 0
    assert place.clients.scp(":/etc/passwd", "taken", options=["-O"]).status != 0
    assert not (place.folder / "taken").exists()
