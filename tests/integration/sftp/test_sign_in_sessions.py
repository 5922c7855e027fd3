"""What a session may not do, and when it ends: shells, forwarding, revoked keys, limits, restarts, host keys."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import paramiko
import psutil
import pytest
from django.test import override_settings
from django.utils import timezone

from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions.accounts import close_account, suspend
from pratique.transfers.actions.keys import add_key, revoke_key
from pratique.transfers.models import TransferKey
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_sign_in import ends, greeted, made, refusals, sign_in
from tests.schools import BY
from tests.sftp_clients import Done
from tests.sftp_server import HOST, SftpServer, wait_until

_PRATIQUE = [sys.executable, "-m", "pratique.config.command"]


def ssh(place: Place, *words: str, options: tuple[str, ...] = ()) -> Done:
    return place.clients.ssh(*words, options=options)


@pytest.mark.parametrize("command", [(), ("id",), ("scp", "-t", "/")], ids=["shell", "command", "old scp"])
def test_there_is_no_shell_and_no_command(place: Place, command: tuple[str, ...]) -> None:
    done = ssh(place, *command)
    assert done.status == 1
    assert "for files only (SFTP)" in done.said


def test_there_is_no_terminal(place: Place) -> None:
    done = ssh(place, options=("-tt",))
    assert "PTY allocation request failed" in done.said
    assert done.status != 0


def test_another_subsystem_is_refused(place: Place) -> None:
    done = ssh(place, "-s", "netconf")
    assert done.status != 0
    assert "subsystem request failed" in done.said


def test_nothing_is_forwarded_from_the_client(place: Place) -> None:
    with place.clients.transport() as transport, closing(socket.socket()) as inside:
        inside.bind((HOST, 0))
        inside.listen()
        with pytest.raises(paramiko.ChannelException) as refused:
            transport.open_channel("direct-tcpip", inside.getsockname(), (HOST, 1))
        assert refused.value.code == 1  # administratively prohibited
        for kind in ("direct-streamlocal@openssh.com", "tun@openssh.com", "x11", "auth-agent@openssh.com"):
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.open_channel(kind)


@pytest.mark.parametrize(
    "option", [("-R", "0:127.0.0.1:9"), ("-R", "/tmp/none:127.0.0.1:9")], ids=["port", "socket"]
)
def test_nothing_is_forwarded_to_the_client(place: Place, option: tuple[str, str]) -> None:
    done = ssh(place, "-N", options=("-o", "ExitOnForwardFailure=yes", *option))
    assert done.status == 255
    assert "remote port forwarding failed" in done.said or "remote forward" in done.said.lower()


def test_a_local_forward_and_a_proxy_reach_nothing(place: Place) -> None:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = ["ssh", *place.clients.ssh_options(), "-N", "-L", f"{port}:{HOST}:{place.server.port}", "-p",
               str(place.server.port), f"{place.account.username}@{HOST}"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as forward:
        try:

            def through() -> bytes | None:
                try:
                    with socket.create_connection((HOST, port), timeout=10) as connection:
                        return connection.recv(4)
                except ConnectionRefusedError:
                    return None

            wait_until(lambda: through() is not None)
            assert through() == b""
        finally:
            # Not asked to end: once it did not, and had said what it has to say before the connection closed.
            forward.kill()
        assert forward.stderr
        assert "nothing is forwarded" in forward.stderr.read()


def test_the_agent_is_not_forwarded(place: Place) -> None:
    with place.clients.transport() as transport:
        channel = transport.open_session()
        assert not channel.request_forward_agent(lambda _channel: None) or not transport.server_accepts
        channel.close()


def test_a_client_that_sets_variables_without_end_is_cut_off(place: Place) -> None:
    with place.clients.transport() as transport:
        channel = transport.open_session()
        for number in range(5000):
            try:
                channel.set_environment_variable(f"V{number}", "x" * 1000)
            except (OSError, EOFError, paramiko.SSHException):
                break
        wait_until(lambda: not transport.is_active())
    assert ends(place) == ["protocol"]


def test_a_connection_has_four_sessions_at_most(place: Place) -> None:
    with place.clients.transport() as transport:
        several = [transport.open_sftp_client() for _ in range(4)]
        assert all(client and client.normalize(".") == "/" for client in several)
        with pytest.raises(paramiko.ChannelException):
            transport.open_sftp_client()
        assert several[0]
        several[0].close()
        wait_until(lambda: _opens(transport))


def _opens(transport: paramiko.Transport) -> bool:
    try:
        return transport.open_sftp_client() is not None
    except paramiko.ChannelException:
        return False


def _revoke(place: Place) -> None:
    with institution_scope(place.institution.id):
        revoke_key(key=TransferKey.objects.get(), by=BY, now=timezone.now())


def _suspend(place: Place) -> None:
    suspend(account=place.account, reason="x", by=BY, now=timezone.now())


def _close(place: Place) -> None:
    close_account(account=place.account, by=BY, now=timezone.now())


@pytest.mark.parametrize(
    ("change", "end", "word"),
    [(_revoke, "revoked", "revoked"), (_suspend, "suspended", "suspended"), (_close, "closed", "closed")],
    ids=["the key is revoked", "the account is suspended", "the account is closed"],
)
def test_a_running_session_ends_when(
    place: Place, change: Callable[[Place], None], end: str, word: str
) -> None:
    command = [word for word in place.clients.sftp_command() if word != "-q"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as client:
        assert client.stdin
        assert client.stdout
        client.stdin.write("pwd\n")
        client.stdin.flush()
        said = client.stdout.readline() + client.stdout.readline()
        assert "Remote working directory" in said
        changed = timezone.now()
        change(place)
        assert ends(place) == [end]
        # The client waits for its next line, and finds out then.
        client.stdin.close()
        assert word in client.stdout.read()
    (session,) = place.sessions()
    assert session.ended_at - changed < timedelta(seconds=10)


@pytest.fixture
def own_server(committed_for_module: None, tmp_path: Path) -> Iterator[Callable[..., SftpServer]]:
    """Return a function that starts a server with settings of its own."""
    with ExitStack() as stack:

        def start(**environment: str) -> SftpServer:
            server = SftpServer.in_folder(
                tmp_path / f"server{len(list(tmp_path.glob('server*')))}", **environment
            )
            server.start()
            stack.callback(server.stop)
            return server

        yield start


def test_ed25519_where_the_installation_lets_it_and_a_session_that_does_nothing(
    own_server: Callable[..., SftpServer], make_place: Callable[..., Place]
) -> None:
    place = make_place(server=own_server(PRATIQUE_SFTP_ED25519="1", PRATIQUE_SFTP_IDLE_SECONDS="1"))
    key = made(place.folder, "-t", "ed25519")
    with institution_scope(place.institution.id):
        text = key.with_suffix(".pub").read_text()
        with override_settings(SFTP_ED25519=True):
            add_key(account=place.account, label="Second", text=text, by=BY, now=timezone.now())
    done = sign_in(place, key)
    assert done.status == 0, done.said
    with place.clients.transport() as transport:
        wait_until(lambda: not transport.is_active())
    assert sorted(ends(place)) == ["client", "idle"]


# The module's server knows 127.0.0.1 as its own: strangers come from other addresses of the loopback.


def test_idle_strangers_do_not_keep_a_good_client_out(place: Place) -> None:
    with ExitStack() as stack:
        for number in range(100):
            stranger = stack.enter_context(socket.socket())
            stranger.bind((f"127.0.1.{number % 20 + 1}", 0))
            stranger.connect((HOST, place.server.port))
        done = sign_in(place, None, "-o", "BindAddress=127.0.2.1")
        assert done.status == 0, done.said


def test_a_source_that_fails_again_and_again_is_kept_out_for_a_while_and_nobody_else(
    sftp: SftpServer, make_place: Callable[..., Place]
) -> None:
    place, listed = make_place(), make_place()
    wrong = made(place.folder, "-t", "rsa", "-b", "2048")
    bind = ("-o", "BindAddress=127.0.3.1")
    for _ in range(4):
        assert "Permission denied" in sign_in(place, wrong, *bind).said
    done = sign_in(place, None, *bind)
    assert done.status != 0
    assert "Permission denied" not in done.said, "it was turned away before it could offer a key"
    assert b"Not allowed at this time" in _greeting(sftp, "127.0.3.1")
    assert sign_in(place, None, "-o", "BindAddress=127.0.3.2").status == 0
    refusals(place, "key_unknown", many=4)
    # An account's own networks are never punished: the failures of others there do not lock it out.
    listed.account.networks = ["127.0.4.0/24"]
    with institution_scope(listed.institution.id):
        listed.account.save()
    for _ in range(6):
        assert "Permission denied" in sign_in(listed, wrong, "-o", "BindAddress=127.0.4.1").said
    assert sign_in(listed, None, "-o", "BindAddress=127.0.4.1").status == 0


def _greeting(server: SftpServer, source: str) -> bytes:
    with socket.socket() as connection:
        connection.bind((source, 0))
        connection.connect((HOST, server.port))
        connection.settimeout(20)
        return connection.recv(100)


def test_thirty_connections_a_minute_of_one_source(sftp: SftpServer) -> None:
    said = [_greeting(sftp, "127.0.5.1") for _ in range(60)]
    # Each only looks, which earns a second: the two limits meet. Those of another source notice nothing.
    assert said[0].startswith(b"SSH-2.0-Pratique")
    assert b"Not allowed at this time" in said[-1]
    assert _greeting(sftp, "127.0.5.2").startswith(b"SSH-2.0-Pratique")


def test_key_exchanges_without_end_are_cut_off_before_and_after_the_sign_in(place: Place) -> None:
    # Each costs the server milliseconds and a hostile client nothing: 109 of them went through before.
    with greeted(place) as stranger:
        assert _exchanges(stranger) <= 1
    with place.clients.transport() as transport:
        assert 20 < _exchanges(transport) < 100, "60, and one more for each second that it takes"
    assert "protocol" in ends(place)


def _exchanges(transport: paramiko.Transport) -> int:
    """Return how many key exchanges go through, of a hundred."""
    for number in range(100):
        try:
            transport.renegotiate_keys()
        except (paramiko.SSHException, OSError, EOFError):
            return number
    return 100


def test_more_before_signing_in_than_signing_in_takes(place: Place) -> None:
    with socket.create_connection((HOST, place.server.port), timeout=20) as connection:
        connection.recv(100)
        connection.sendall(b"SSH-2.0-flood\r\n")
        # Ignored packets without end, as RFC 4253 allows them before the key exchange.
        ignored = (1020).to_bytes(4, "big") + b"\x04\x02" + (1010).to_bytes(4, "big") + bytes(1014)
        with pytest.raises(OSError):
            connection.sendall(ignored * 20_000)


def test_openssh_learns_a_new_host_key_before_it_is_used(
    own_server: Callable[..., SftpServer], make_place: Callable[..., Place]
) -> None:
    place = make_place(server=own_server())
    server = place.server

    def host_key(*words: str) -> str:
        command = [*_PRATIQUE, "sftp", "host-key", *words]
        done = subprocess.run(command, env=server.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    before = server.known_hosts.read_text()
    listed = host_key("list")
    assert all(line.split()[2] in listed for line in before.splitlines())
    assert "no host key" not in listed
    for kind in ("ed25519", "rsa"):
        assert f"{kind}-2 is offered" in host_key("add", kind)
    done = sign_in(place, None, "-o", "UpdateHostKeys=yes")
    assert done.status == 0, done.said
    learned = {line.split()[2] for line in server.known_hosts.read_text().splitlines()}
    assert len(learned) == 4, "both new keys beside the old ones"
    for name in ("ed25519-2", "rsa-2"):
        host_key("promote", name)
    for name in ("ed25519-1", "rsa-1"):
        host_key("retire", name)
    for algorithm in ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"):
        done = sign_in(place, None, "-o", f"HostKeyAlgorithms={algorithm}")
        assert done.status == 0, f"{algorithm}: {done.said}"
    keys = Path(server.env["PRATIQUE_VAR"], "secrets", "ssh")
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}
    refused = subprocess.run(
        [*_PRATIQUE, "sftp", "host-key", "retire", "rsa-2"], env=server.env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "Promote another one first" in refused.stderr


def test_what_is_offered_on_the_wire(place: Place) -> None:
    """The whole of it: no SHA-1, no CBC, no 1024-bit group, no compression, no certificate."""
    with socket.create_connection((HOST, place.server.port), timeout=20) as connection:
        stream = connection.makefile("rb")
        assert stream.readline() == b"SSH-2.0-Pratique\r\n"
        connection.sendall(b"SSH-2.0-test\r\n")
        length = int.from_bytes(stream.read(4), "big")
        payload = stream.read(length)[18:]
    lists = []
    for _ in range(8):
        size = int.from_bytes(payload[:4], "big")
        lists.append(payload[4 : 4 + size].decode())
        payload = payload[4 + size :]
    kex, host, cipher, _, _, _, compression, _ = lists
    assert kex.split(",")[0] == "mlkem768x25519-sha256"
    assert set(host.split(",")) == {"rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"}
    assert cipher.startswith("aes256-gcm@openssh.com,aes128-gcm@openssh.com")
    assert compression == "none"
    assert not re.search(r"sha1|cbc|arcfour|3des|group1-|group14-sha1|md5|umac-64", ",".join(lists))


def test_a_restart_ends_sessions_with_a_word_and_a_kill_is_cleared_up_after(
    own_server: Callable[..., SftpServer], make_place: Callable[..., Place]
) -> None:
    place = make_place(server=own_server(PRATIQUE_SFTP_PROCESSES="2"))
    assert len(place.server.family()) == 3
    with ExitStack() as stack:
        # Which of the two accepts is the kernel's choice: as many connections as it takes to have some on both.
        first, second = place.server.family()[1:]
        opened = 0
        while not (_sessions_of(place, first.pid) and _sessions_of(place, second.pid)):
            stack.enter_context(place.clients.transport())
            opened += 1
        wait_until(lambda: len(place.sessions()) == opened)
        # One of the two is killed: the other serves on, and the one that takes its place clears up.
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: "unknown" in {session.end for session in place.sessions()}, seconds=40)
        assert sign_in(place).status == 0
        wait_until(lambda: "client" in {session.end for session in place.sessions()})
        os.kill(place.server.family()[0].pid, signal.SIGTERM)
        assert set(ends(place)) == {"unknown", "restart", "client"}


def _sessions_of(place: Place, pid: int) -> bool:
    return any(
        one.status == psutil.CONN_ESTABLISHED and one.laddr.port == place.server.port
        for one in psutil.Process(pid).net_connections("tcp")
    )
