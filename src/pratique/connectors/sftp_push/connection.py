"""Reaching a server by SSH: each step with its own time-out and its own failure, and only pinned host keys believed.

A host key is trusted because somebody pinned it, never because it came first. Before that nothing is sent that
proves who we are: a test that finds no pinned key ends with the key that was shown.
"""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address, ip_network
from typing import Any, TypeVar

import asyncssh
import structlog

from pratique.connectors.sftp_push.types import HostKey, PushError, Server, Step, Waits

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Below warnings the library logs twenty lines a connection, with texts that the other end chose.
asyncssh.set_log_level("WARNING")

# A server whose machine is gone says nothing: two minutes of silence to keep-alives end the connection.
_KEEPALIVE_SECONDS, _KEEPALIVES = 30, 4
# asyncssh's own lists, without what rests on SHA-1 and the names that nobody but one maker used.
_MODERN = {
    "kex_algs": "-gss-*,*-sha1,*@ssh.com,rsa*",
    "encryption_algs": ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                        "aes256-ctr", "aes192-ctr", "aes128-ctr"],
    "mac_algs": ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
    "signature_algs": ["ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512"],
}  # fmt: skip
_OLD = {
    "kex_algs": "+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "encryption_algs": [*_MODERN["encryption_algs"], "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"],
    "mac_algs": [*_MODERN["mac_algs"], "hmac-sha1-etm@openssh.com", "hmac-sha1"],
    "signature_algs": [*_MODERN["signature_algs"], "ssh-rsa"],
}
_HOST_KEYS = (
    "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
)  # fmt: skip


class _Watch(asyncssh.SSHClient):
    """Decides about the host key, and remembers how far the conversation came."""

    def __init__(self, pinned: set[bytes]) -> None:
        self._pinned = pinned
        self.shown: HostKey | None = None
        self.believed = False
        self._connection: asyncssh.SSHClientConnection | None = None

    @property
    def offered(self) -> bool:
        """Whether the server has said which algorithms it speaks (RFC 4253, section 7.1).

        asyncssh finds that none are ours, and in the same moment that a server which found the same has hung up; it
        raises whichever comes first. What it received is the one sure sign, and no public name gives it.
        """
        return bool(getattr(self._connection, "_server_kexinit", b""))

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = HostKey.of(key.get_algorithm(), key.public_data)
        self.believed = key.public_data in self._pinned
        return self.believed


@asynccontextmanager
async def connected(
    server: Server, waits: Waits, steps: list[Step], shown: list[HostKey]
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Give a connection that is signed in, and end it. Raises PushError.

    `steps` collects the steps that went well, `shown` the host key, for whoever wants to tell of them.
    """
    watch = _Watch({base64.b64decode(one) for one in server.host_keys})
    handle = await _socket(server, waits, steps)
    try:
        connection = await _within(
            waits.sign_in,
            asyncssh.connect(
                sock=handle,
                host=server.host,
                port=server.port,
                client_factory=lambda: watch,
                # Lists and not None: None would believe every key. The watch decides, each time.
                known_hosts=([], [], []),
                server_host_key_algs=_host_key_algorithms(server),
                username=server.username,
                keepalive_interval=_KEEPALIVE_SECONDS,
                keepalive_count_max=_KEEPALIVES,
                # Nothing of the machine's own user: no configuration, keys, agent or tickets.
                config=None,
                agent_path=None,
                gss_host=None,
                host_based_auth=False,
                x509_trusted_certs=None,
                login_timeout=0,
                # A small packet of theirs must not become a large one in our memory.
                compression_algs=["none"],
                **_proof(server),
                **(_OLD if server.old_algorithms else _MODERN),
            ),
        )
    except BaseException as error:
        handle.close()
        shown.extend([watch.shown] if watch.shown else [])
        if isinstance(error, TimeoutError | OSError | asyncssh.Error | ValueError):
            raise _refused(error, watch, server) from None
        raise
    shown.extend([watch.shown] if watch.shown else [])
    steps += [Step.HOST_KEY, Step.SIGN_IN]
    try:
        yield connection
    finally:
        connection.close()
        try:
            await asyncio.wait_for(connection.wait_closed(), 5)
        except (TimeoutError, OSError, asyncssh.Error):
            connection.abort()


async def _socket(server: Server, waits: Waits, steps: list[Step]) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await _within(
            waits.connect, loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        raise PushError("host_unknown") from None
    steps.append(Step.RESOLVE)
    code = "connect_failed"
    for family, kind, protocol, _name, address in found:
        if not _may_be_reached(str(address[0]), server.networks):
            log.warning("a server of a customer lies in a network of ours", host=server.host)
            continue
        handle = socket.socket(family, kind, protocol)
        handle.setblocking(False)
        try:
            await _within(waits.connect, loop.sock_connect(handle, address))
        except ConnectionRefusedError:
            code = "connect_refused"
        except TimeoutError:
            code = "connect_timeout"
        except OSError:
            code = "connect_failed"
        else:
            steps.append(Step.CONNECT)
            return handle
        handle.close()
    raise PushError(code)


def _may_be_reached(address: str, networks: Sequence[str] | None) -> bool:
    """Return whether a customer may have us connect there: not to our own machines, whose ports it would learn of.

    Looked at after the name was resolved, and the connection goes to that very address.
    """
    if networks is None:
        return True
    found = ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_global and not found.is_multicast:
        return True
    return any(found in ip_network(network, strict=False) for network in networks)


def _proof(server: Server) -> dict[str, Any]:
    if server.private_key:
        return {
            "client_keys": [asyncssh.import_private_key(server.private_key)],
            "preferred_auth": "publickey",
        }
    # Many servers ask for the password by keyboard-interactive.
    return {
        "client_keys": None,
        "password": server.password,
        "preferred_auth": "password,keyboard-interactive",
    }


def _host_key_algorithms(server: Server) -> list[str]:
    """Return what we accept, the types of pinned keys first: a server with several shows one that we know."""
    known = [*_HOST_KEYS, "ssh-rsa"] if server.old_algorithms else list(_HOST_KEYS)
    pinned = {_key_type(base64.b64decode(one)) for one in server.host_keys}
    return sorted(known, key=lambda one: ("ssh-rsa" if one.startswith("rsa-") else one) not in pinned)


def _key_type(public_data: bytes) -> str:
    length = int.from_bytes(public_data[:4], "big")
    return public_data[4 : 4 + length].decode("ascii", "replace")


def _refused(error: Exception, watch: _Watch, server: Server) -> PushError:
    """Return what went wrong between the first byte and the sign-in."""
    if watch.shown and not watch.believed:
        return PushError("host_key_changed" if server.host_keys else "host_key_not_pinned", watch.shown)
    if isinstance(error, asyncssh.PermissionDenied):
        return PushError("sign_in_refused")
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return PushError("no_common_algorithm")
    if watch.offered and not watch.believed and isinstance(error, asyncssh.ConnectionLost | ConnectionError):
        return PushError("no_common_algorithm")
    if not watch.believed:
        # No host key yet: a port where something else listens, or nothing that answers.
        return PushError("connect_timeout" if isinstance(error, TimeoutError) else "not_ssh")
    if isinstance(error, TimeoutError):
        return PushError("sign_in_timeout")
    if isinstance(error, asyncssh.KeyImportError | ValueError):
        return PushError("sign_in_refused")
    return PushError("sign_in_lost")


async def _within(seconds: float, doing: Awaitable[T]) -> T:
    return await asyncio.wait_for(doing, seconds)


@contextmanager
def failing(step: Step) -> Iterator[None]:
    """Turn what goes wrong with SFTP inside the block into a PushError of this step."""
    try:
        yield
    except asyncssh.SFTPError as error:
        raise PushError(_code(step, error)) from None
    except TimeoutError:
        raise PushError("write_stalled" if step == Step.WRITE else f"{step}_lost") from None
    except (asyncssh.Error, ConnectionError) as error:
        lost = not isinstance(error, asyncssh.ChannelOpenError)
        raise PushError(f"{step}_lost" if lost else f"{step}_failed") from None


def _code(step: Step, error: asyncssh.SFTPError) -> str:
    if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
        return f"{step}_lost"
    if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPWriteProtect):
        return f"{step}_denied"
    if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
        return "write_no_room"
    if step == Step.FOLDER and isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return "folder_missing"
    if step == Step.WRITE and "space" in error.reason.lower():
        # SFTP version 3 has no code for a full disk; servers say it in words.
        return "write_no_room"
    return f"{step}_failed"
