"""Who has come on one connection: what was offered, who it turned out to be, and its SFTP sessions to the last end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import asyncssh
import structlog

from pratique.foundation.clock import now
from pratique.foundation.ids import new_id
from pratique.interfaces.sftp import metrics, words
from pratique.interfaces.sftp.channel import PACKET, WINDOW, SftpSession
from pratique.interfaces.sftp.database import UnavailableError
from pratique.interfaces.sftp.offers import fingerprint_of, key_of, why_not
from pratique.interfaces.sftp.options import LOGIN_GRACE
from pratique.interfaces.sftp.penalties import Bucket
from pratique.transfers.actions.journal import KeyUse, SessionLine
from pratique.transfers.logins import is_within, narrow
from pratique.transfers.types import AccountRef, Login, LoginKey, SessionCounts

if TYPE_CHECKING:
    from pratique.interfaces.sftp.door import Connection
    from pratique.interfaces.sftp.server import Service

log = structlog.get_logger(__name__)

MOST_KEYS = 6
# A key may be asked about, and signed with, more than once.
_MOST_OFFERS = 24
# Twelve offers of the longest keys and a few key exchanges; more is no sign-in.
_MOST_BEFORE_SIGN_IN = 128 * 1024
# The first one, and one more for a client that wants other keys at once; nobody has moved a gigabyte by then.
_MOST_EXCHANGES_BEFORE_SIGN_IN = 2
# Far more than clients with the smallest limits ask for (RFC 4253, section 9: after a gigabyte or an hour).
_EXCHANGES_A_MINUTE = 60
_MOST_CHANNELS = 4
_MOST_VARIABLES = 32
# Every answer to a look-up or an offer takes at least this long, whoever it is about.
_FLOOR = 0.012


@dataclass
class Offers:
    """What a connection has offered so far."""

    keys: set[bytes] = field(default_factory=set)
    count: int = 0
    refused: dict[tuple[str, str], None] = field(default_factory=dict)  # (code, fingerprint), in their order


class Guest(asyncssh.SSHServer):
    """Who has come."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._bytes = self._exchanges = 0
        self._exchanges_left = Bucket(self._loop.time, _EXCHANGES_A_MINUTE, most=1)
        self._asked: str | None = None
        self._login: Login | None = None
        self._offers = Offers()
        self._offence = "no_sign_in"
        self._place: int | None = None
        self._sessions: list[tuple[asyncssh.SSHServerChannel[bytes], Session]] = []
        self._ends: list[str] = []
        self._end = ""
        self._gone = self._told = False
        self._quiet_since = self._began
        self._line: SessionLine | None = None
        self.key: LoginKey | None = None
        self.account: AccountRef | None = None
        self.counts = SessionCounts()
        self._counted = 0, 0
        self.address = ""

    # What asyncssh calls.

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = cast("Connection", conn)
        self._connection.guest = self
        self.address = str(conn.get_extra_info("peername")[0]).partition("%")[0]
        self._service.entered(self)

    async def begin_auth(self, username: str) -> bool:
        """Look the account up. Everybody has to sign in, known or not."""
        if self._asked is not None:
            self._turn_away(asyncssh.DISC_PROTOCOL_ERROR, words.ONE_USERNAME)
            return True
        self._asked = username
        begun = self._loop.time()
        try:
            self._login = await self._service.find_login(username)
        except UnavailableError:
            metrics.REFUSED.labels(reason="unavailable").inc()
            self._offence = ""
            self._turn_away(asyncssh.DISC_SERVICE_NOT_AVAILABLE, words.UNAVAILABLE)
            return True
        await self._not_before(begun)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """`judge` has said so already: it alone hands keys on to asyncssh."""
        return True

    def auth_completed(self) -> None:
        """Begin the session."""
        assert self.account
        assert self.key
        self._service.signed_in(self)
        metrics.SIGN_IN.observe(self._loop.time() - self._began)
        metrics.SESSIONS_BEGUN.inc()
        metrics.SESSIONS.inc()
        self._line = self._described(self.key.fingerprint)
        self._service.journal.session(self._line)
        self._service.journal.key_used(KeyUse(self.account, self.key.id, now()))

    def session_requested(
        self,
    ) -> "tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]":
        if len(self._sessions) >= _MOST_CHANNELS or not (self._line and self.account):
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, words.ONE_SESSION)
        channel = self._connection.create_server_channel(None, "strict", WINDOW, PACKET)
        session = Session(self, self._service)
        self._sessions.append((channel, session))
        return channel, session

    def connection_requested(self, *_: object) -> Any:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, words.NO_FORWARDING)

    def unix_connection_requested(self, *_: object) -> Any:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, words.NO_FORWARDING)

    def server_requested(self, *_: object) -> bool:
        return self._nothing_forwarded()

    def unix_server_requested(self, *_: object) -> bool:
        return self._nothing_forwarded()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._line is None:
            self._left_unknown()
            return
        if self._place is not None:
            self._service.places.give_back(self._place)
        # Its SFTP sessions, told by asyncssh before, end in threads: what they moved is known when the last one has.
        self._end = self._end or self._why_ended(exc)
        self._gone = True
        self._close_if_over()

    # What the server calls.

    def end(self, code: str, sentence: str) -> None:
        """End the connection from our side, for a reason of `transfers.types.ENDS`."""
        if self._end:
            return
        self._end = code
        for channel, session in self._sessions:
            # A client that sees its channel close may be gone before it reads the reason for the disconnect.
            with suppress(OSError):
                channel.write_stderr(f"{sentence}\r\n".encode())
            session.stop(code)
        self._connection.line.linger()
        self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, sentence)

    def evict(self) -> None:
        """Go without having signed in: somebody else needs the place."""
        self._connection.abort()

    @property
    def last_heard(self) -> float:
        """The loop's time at which bytes last came in a session (keepalives are none)."""
        return max((session.last_heard for _channel, session in self._sessions), default=self._quiet_since)

    def count_bytes(self) -> None:
        """Let the figures tell what was moved since the last call."""
        come, gone = self.counts.bytes_in, self.counts.bytes_out
        metrics.BYTES.labels(direction="in").inc(come - self._counted[0])
        metrics.BYTES.labels(direction="out").inc(gone - self._counted[1])
        self._counted = come, gone

    def hold(self, held: bool) -> None:
        """Have its sessions work nothing off while the socket takes nothing."""
        for _channel, session in list(self._sessions):
            session.hold(held)

    def session_ended(self, session: "Session", code: str) -> None:
        """Note that one of its SFTP sessions is over, as far as files are concerned."""
        self._sessions = [pair for pair in self._sessions if pair[1] is not session]
        self._ends.append(code)
        self._quiet_since = self._loop.time()
        self._close_if_over()

    # Signing in.

    @property
    def signing_in(self) -> bool:
        """Whether it has begun to sign in and has not done so yet."""
        return self._asked is not None and self._line is None

    def takes(self, size: int) -> bool:
        """Return whether more bytes are taken from the network."""
        if self._line is None:
            self._bytes += size
            if self._bytes > _MOST_BEFORE_SIGN_IN:
                self._offence = "nonsense"
                self._turn_away(asyncssh.DISC_PROTOCOL_ERROR, words.TOO_MUCH)
                return False
        for channel, _session in self._sessions:
            if len(channel.get_environment_bytes()) > _MOST_VARIABLES:
                self.end("protocol", words.NONSENSE)
                return False
        return True

    def may_exchange_keys(self) -> bool:
        """Return whether the client may ask for another key exchange; if not, the connection is being ended."""
        self._exchanges += 1
        if self._line is None and self._exchanges > _MOST_EXCHANGES_BEFORE_SIGN_IN:
            self._offence = "nonsense"
            self._turn_away(asyncssh.DISC_PROTOCOL_ERROR, words.TOO_MUCH)
            return False
        if not self._exchanges_left.take(""):
            self.end("protocol", words.TOO_MANY_EXCHANGES)
            return False
        return True

    async def judge(self, key_data: bytes, signature: bytes, verify: Callable[[], Awaitable[bool]]) -> bool:
        """Return whether an offered key signs in; if it has signed, the session may begin."""
        begun = self._loop.time()
        fingerprint = fingerprint_of(key_data)
        self._offers.keys.add(key_data)
        self._offers.count += 1
        if len(self._offers.keys) > MOST_KEYS or self._offers.count > _MOST_OFFERS:
            self._refused("too_many_keys", fingerprint)
            self._turn_away(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, words.TOO_MANY_KEYS)
            return False
        reason = why_not(self._login, key_data, signature, ed25519=self._service.ed25519)
        login = self._login
        if not reason and login and login.networks and not is_within(self.address, login.networks):
            reason = "network"
        if not reason and not await verify():
            reason = "signature_wrong" if signature else "key_type"
        if reason or login is None:
            self._refused(reason, fingerprint)
            await self._not_before(begun)
            return False
        return self._let_in(login, key_data) if signature else True

    def _let_in(self, login: Login, key_data: bytes) -> bool:
        """The client holds the key. Say what else may keep it out, in words: it is no stranger."""
        self._offence = ""
        self.key = key_of(login, key_data)
        assert self.key
        reason, sentence = "", ""
        if login.closed:
            reason, sentence = "closed", words.CLOSED
        elif login.suspended_for:
            reason, sentence = "suspended", words.SUSPENDED.get(login.suspended_for, words.SUSPENDED["staff"])
        else:
            self._place = self._service.places.take(login.account_id, login.most_sessions)
            if self._place is None:
                reason = "too_many_sessions"
                sentence = words.TOO_MANY_SESSIONS.format(most=login.most_sessions)
        if reason:
            self._offers.refused.clear()
            self._refused(reason, self.key.fingerprint)
            self._connection.line.linger()
            self._connection.send_auth_banner(f"{sentence}\r\n")
            self._turn_away(asyncssh.DISC_BY_APPLICATION, sentence)
            return False
        self.account = AccountRef(login.institution_id, login.account_id, login.username)
        return True

    def _turn_away(self, code: int, sentence: str) -> None:
        self._connection.disconnect(code, sentence)

    def _refused(self, reason: str, fingerprint: str) -> None:
        if self._offence == "no_sign_in":
            self._offence = "sign_in_failed" if self._login else "user_unknown"
        self._offers.refused[reason, fingerprint] = None

    async def _not_before(self, begun: float) -> None:
        """Let an answer take as long for an account that does not exist as for one that does."""
        await asyncio.sleep(max(0.0, begun + _FLOOR - self._loop.time()))

    def _left_unknown(self) -> None:
        """The connection is over and nobody signed in: tell the log, and remember what its source has earned."""
        if self._place is not None:
            self._service.places.give_back(self._place)
        if self._offence == "no_sign_in" and self._loop.time() - self._began > LOGIN_GRACE - 1:
            self._offence = "too_slow"
        exempt = bool(self._login and is_within(self.address, narrow(self._login.networks)))
        self._service.left(self, "" if exempt else self._offence)
        for reason, fingerprint in self._offers.refused:
            metrics.REFUSED.labels(reason=reason if self._login else "user_unknown").inc()
            if self._login is None:
                continue
            if self._service.may_tell(self._login.account_id):
                login = self._login
                self.account = AccountRef(login.institution_id, login.account_id, login.username)
                line = self._described(fingerprint)
                self._service.journal.session(
                    SessionLine(
                        id=line.id, account=line.account, started_at=line.started_at, server=None,
                        address=line.address, client=line.client, fingerprint=fingerprint, cipher=line.cipher,
                        ended_at=line.started_at, refused=reason,
                    )
                )  # fmt: skip
                log.info("a sign-in was refused", account=login.username, reason=reason, key=fingerprint)
        if self._offers.refused and self._login is None and self._service.may_tell(None):
            # Not under which name: people type passwords where names belong.
            log.info("a sign-in was refused", account="unknown", keys=len(self._offers.refused))

    # Ends.

    def _described(self, fingerprint: str) -> SessionLine:
        assert self.account
        client = str(self._connection.get_extra_info("client_version") or "")
        return SessionLine(
            id=new_id(), account=self.account, started_at=now(), server=self._service.id,
            address=self.address, client="".join(one if one.isprintable() else "?" for one in client),
            fingerprint=fingerprint, cipher=str(self._connection.get_extra_info("send_cipher") or ""),
        )  # fmt: skip

    def _why_ended(self, exc: Exception | None) -> str:
        if isinstance(exc, asyncssh.ProtocolError | asyncssh.MACError):
            return "protocol"
        if exc is None or (not self._sessions and self._ends and isinstance(exc, asyncssh.ConnectionLost)):
            return self._ends[-1] if self._ends and not self._sessions else "client"
        return "lost"

    def _close_if_over(self) -> None:
        line = self._line
        if line is None or not self._gone or self._sessions or self._told:
            return
        self._told = True
        end = next((code for code in self._ends if code == "protocol"), self._end)
        metrics.SESSIONS.dec()
        metrics.SESSIONS_ENDED.labels(reason=end).inc()
        self.count_bytes()
        self._service.journal.session(
            SessionLine(
                id=line.id, account=line.account, started_at=line.started_at, server=line.server,
                address=line.address, client=line.client, fingerprint=line.fingerprint, cipher=line.cipher,
                ended_at=now(), end=end, counts=self.counts,
            )
        )  # fmt: skip
        self._service.closed(self)

    def _nothing_forwarded(self) -> bool:
        # A refusal of this kind has no place for words; a debug message reaches who asks for it (-v).
        self._connection.send_debug(words.NO_FORWARDING)
        return False

    @property
    def session_id(self) -> UUID:
        assert self._line
        return self._line.id


class Session(SftpSession):
    """An SFTP session, or the sentence that whoever asks for a shell gets instead."""

    def __init__(self, guest: Guest, service: "Service") -> None:
        assert guest.account
        files = service.files_of(guest.account, guest.session_id, guest.counts)
        super().__init__(files, service.executor, lambda code: guest.session_ended(self, code))
        self._wants_no_files = False
        self._to: asyncssh.SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._to = chan
        self.says_refusals = "OpenSSH" in str(chan.get_extra_info("client_version") or "")
        super().connection_made(chan)

    def shell_requested(self) -> bool:
        self._wants_no_files = True
        return True

    def exec_requested(self, command: str) -> bool:
        self._wants_no_files = True
        return True

    def session_started(self) -> None:
        if self._wants_no_files and self._to is not None:
            self._to.write_stderr(f"{words.ONLY_SFTP}\r\n".encode())
            self._to.exit(1)
            self.stop("client")
        else:
            super().session_started()
