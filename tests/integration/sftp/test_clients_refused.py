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


@needs("sftp")
def test_openssh_shows_the_sentence_of_a_refusal_and_not_only_its_kind(place: Place) -> None:
    (place.folder / "roster.csv").write_text("x")
    said = place.clients.openssh(
        "-put roster.csv outbound/", "-put roster.csv", "-mkdir inbound/old", *(["-mkdir x"] * 30)
    ).said
    assert "Uploads go to /inbound." in said
    assert "Uploads go into /inbound itself" in said
    assert said.count("Folders cannot be made or removed here. Use /inbound.") == 18, "twenty in a session"


@needs("lftp")
def test_a_client_that_shows_sentences_itself_is_not_disturbed(place: Place) -> None:
    (place.folder / "roster.csv").write_text("x")
    done = place.clients.lftp("put -O /outbound roster.csv || echo refused", "ls /inbound")
    assert done.status == 0, done.said
    assert "Uploads go to /inbound." in done.said
