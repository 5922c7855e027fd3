"""What a client shows when its account is suspended: the reason and what to do, at sign-in and in a session."""

import logging
import os
import subprocess
from collections.abc import Callable

import paramiko
import pytest
from django.utils import timezone

from pratique.transfers.actions.accounts import suspend
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_sign_in import greeted, made, refusals
from tests.schools import BY
from tests.sftp_clients import Done, needs
from tests.sftp_server import wait_until

SENTENCE = "This account was suspended by the school."
REMEDY = "An administrator of the school lifts the suspension in Pratique's console"


def suspended(place: Place) -> None:
    suspend(account=place.account, reason="x", by=BY, now=timezone.now())


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda clients: clients.openssh("ls"), id="OpenSSH sftp", marks=needs("sftp")),
        pytest.param(lambda clients: clients.lftp("debug 5", "ls"), id="lftp", marks=needs("lftp")),
        pytest.param(lambda clients: clients.psftp("ls"), id="psftp", marks=needs("psftp")),
        pytest.param(lambda clients: clients.rclone("lsf", "THERE:/"), id="rclone", marks=needs("rclone")),
    ],
)
def test_a_client_shows_why_its_account_is_kept_out(place: Place, call: Callable[..., Done]) -> None:
    suspended(place)
    done = call(place.clients)
    assert done.status != 0
    assert SENTENCE in done.said
    assert REMEDY in done.said


def test_openssh_hears_it_by_the_banner_and_again_with_the_disconnect(place: Place) -> None:
    suspended(place)
    said = place.clients.openssh("ls").said
    banner, _, disconnect = said.partition("Received disconnect")
    assert SENTENCE in banner
    assert SENTENCE in disconnect


def test_paramiko_hears_it_by_the_banner_and_again_with_the_disconnect(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    suspended(place)
    with caplog.at_level(logging.INFO, "paramiko"), greeted(place) as transport:
        with pytest.raises(paramiko.SSHException):
            transport.auth_publickey(place.account.username, paramiko.PKey.from_path(place.clients.key))
        wait_until(lambda: "Disconnect (code 11)" in caplog.text, told=lambda: caplog.text)
    told = [line for line in caplog.messages if SENTENCE in line]
    assert [line.split(":")[0] for line in told] == ["Auth banner", "Disconnect (code 11)"]


def test_whoever_does_not_hold_the_key_hears_nothing_of_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither with another key, nor by asking about the right one without signing."""
    suspended(place)
    other = paramiko.PKey.from_path(made(place.folder, "-t", "rsa", "-b", "2048"))
    with caplog.at_level(logging.INFO, "paramiko"), greeted(place) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(place.account.username, other)
        assert transport.is_active()
    refusals(place, "key_unknown")
    assert "banner" not in caplog.text
    assert "suspended" not in caplog.text


@needs("sftp")
def test_a_client_in_the_middle_of_an_upload_hears_why_it_ends(place: Place) -> None:
    """What it was sending lies unread in the server's socket: a plain close would throw away the sentence."""
    large = place.folder / "large.csv"
    large.touch()
    os.truncate(large, 300_000_000)
    with subprocess.Popen(
        place.clients.sftp_command("-R", "256"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, cwd=place.folder,
    ) as client:  # fmt: skip
        assert client.stdin
        assert client.stdout
        client.stdin.write("put large.csv inbound/\n" * 9)
        client.stdin.close()
        wait_until(lambda: [one for one in place.sessions() if not one.ended_at], told=place.told)
        suspended(place)
        said = client.stdout.read()
        assert client.wait(30) != 0, said
    assert SENTENCE in said
    assert "Received disconnect" in said
