"""Who signs in and who does not, with real clients against a running server; and what is kept of each refusal."""

import base64
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from django.utils import timezone

from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions.accounts import close_account, suspend
from pratique.transfers.actions.keys import add_key, revoke_key
from pratique.transfers.models import TransferKey, TransferSession
from tests.integration.sftp.conftest import Place
from tests.schools import BY
from tests.sftp_clients import Done
from tests.sftp_server import HOST, SftpServer, wait_until
from tests.transfers import a_private_key, kept_private_key, public_line

DENIED = "Permission denied (publickey)"


def made(folder: Path, *kind: str, name: str = "other") -> Path:
    """Make a key with ssh-keygen; return its private half."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-N", "", *kind, "-f", str(path)], check=True, capture_output=True)
    return path


def smuggle(place: Place, key: Path) -> None:
    """Store a key for the account that no action would take, as an older version or a mistake might have."""
    data = base64.b64decode(key.with_suffix(".pub").read_text().split()[1])
    with institution_scope(place.institution.id):
        TransferKey.objects.create(
            institution_id=place.institution.id, account_id=place.account.id, username=place.account.username,
            label="Smuggled", algorithm="any", bits=1, public_data=data, fingerprint=f"SHA256:{key.name}",
            created_at=timezone.now(), created_by=BY,
        )  # fmt: skip


def sign_in(place: Place, key: Path | None = None, *options: str, username: str = "") -> Done:
    """Sign in by OpenSSH's sftp and ask where we are. Without -q, which would keep from us what the server says."""
    command = [word for word in place.clients.sftp_command(*options) if word != "-q"]
    given = [str(key or place.clients.key) if word == str(place.clients.key) else word for word in command]
    return place.clients.run([*given[:-1], f"{username or place.account.username}@{HOST}"], "pwd\n")


def sign_in_with_all(place: Place, keys: Sequence[Path]) -> Done:
    """Sign in by a client that offers every key it has."""
    return sign_in(place, keys[0], *(word for key in keys[1:] for word in ("-o", f"IdentityFile={key}")))


def refusals(place: Place, *codes: str, many: int | None = None) -> list[TransferSession]:
    """Wait until refusals of exactly these kinds are kept, and if said so `many` of them, and return them."""

    def look() -> list[TransferSession]:
        found = [session for session in place.sessions() if session.refused]
        kinds = {session.refused for session in found}
        return found if kinds == set(codes) and (many is None or len(found) == many) else []

    return wait_until(look, told=place.server.said)


def ends(place: Place) -> list[str]:
    """Wait until no session of the account is open, and return why those that there were ended."""

    def look() -> bool:
        sessions = place.sessions()
        return bool(sessions) and all(session.ended_at for session in sessions)

    wait_until(look, told=place.server.said)
    return [session.end for session in place.sessions() if not session.refused]


def test_a_good_key_signs_in_and_what_is_kept_of_the_session(place: Place) -> None:
    done = sign_in(place)
    assert done.status == 0, done.said
    assert "Remote working directory: /" in done.said
    assert ends(place) == ["client"]
    (session,) = place.sessions()
    assert session.address == HOST
    assert session.client.startswith("SSH-2.0-OpenSSH")
    assert session.server
    assert session.started_at <= session.ended_at
    with institution_scope(place.institution.id):
        (key,) = TransferKey.objects.all()
    assert session.fingerprint == key.fingerprint
    assert key.last_used_at


@pytest.mark.parametrize("bits", [2048, 3072])
def test_rsa_of_2048_bits_and_more(place: Place, bits: int) -> None:
    key = kept_private_key(a_private_key(5, bits), place.folder)
    with institution_scope(place.institution.id):
        add_key(
            account=place.account,
            label="Second",
            text=public_line(key.read_text()),
            by=BY,
            now=timezone.now(),
        )
    done = sign_in(place, key)
    assert done.status == 0, done.said


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        pytest.param(("-t", "rsa", "-b", "1024"), "key_too_short", id="RSA of 1024 bits"),
        pytest.param(("-t", "dsa"), "key_type", id="DSA"),
        pytest.param(("-t", "ecdsa"), "key_type", id="ECDSA"),
        pytest.param(("-t", "ed25519"), "key_type", id="Ed25519 while it is off"),
    ],
)
def test_keys_that_never_sign_in_even_if_they_are_stored(
    place: Place, kind: tuple[str, ...], code: str
) -> None:
    key = made(place.folder, *kind)
    smuggle(place, key)
    done = sign_in(
        place, key, "-o", "PubkeyAcceptedAlgorithms=+ssh-dss,ssh-rsa", "-o", "RequiredRSASize=1024"
    )
    assert done.status != 0
    assert DENIED in done.said
    (refused,) = refusals(place, code)
    assert refused.fingerprint.startswith("SHA256:")
    assert refused.client.startswith("SSH-2.0-OpenSSH")
    assert refused.ended_at


def test_a_certificate_does_not_sign_in(place: Place) -> None:
    authority = made(place.folder, "-t", "rsa", "-b", "2048", name="authority")
    key = made(place.folder, "-t", "rsa", "-b", "2048")
    smuggle(place, authority)
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "id", "-n", place.account.username, f"{key}.pub"],
        check=True, capture_output=True,
    )  # fmt: skip
    done = sign_in(place, key, "-o", f"CertificateFile={key}-cert.pub")
    assert done.status != 0
    refusals(place, "key_type", "key_unknown")


def test_a_key_of_nobody_is_refused_and_named_by_its_fingerprint(place: Place) -> None:
    key = made(place.folder, "-t", "rsa", "-b", "2048")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True)
    assert DENIED in sign_in(place, key).said
    (refused,) = refusals(place, "key_unknown")
    assert refused.fingerprint == shown.stdout.split()[1]


def test_a_key_that_was_revoked(place: Place) -> None:
    with institution_scope(place.institution.id):
        revoke_key(key=TransferKey.objects.get(), by=BY, now=timezone.now())
    assert DENIED in sign_in(place).said
    refusals(place, "key_revoked")


@pytest.mark.parametrize(
    "method", ["password", "keyboard-interactive", "none", "gssapi-with-mic", "hostbased"]
)
def test_nothing_but_public_keys_is_offered(place: Place, method: str) -> None:
    options = [
        "-o",
        f"PreferredAuthentications={method}",
        "-o",
        "BatchMode=no",
        "-o",
        "NumberOfPasswordPrompts=1",
    ]
    done = sign_in(place, None, *options)
    assert done.status != 0
    assert DENIED in done.said, "the server names what it offers"
    assert not place.sessions()


def test_a_password_does_not_sign_in_even_if_a_client_sends_one(place: Place) -> None:
    with greeted(place) as transport:
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_password(place.account.username, "correct horse")
        assert refused.value.allowed_types == ["publickey"]
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_none(place.account.username)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_interactive(place.account.username, lambda *_: ["x"])


def test_a_sha1_signature_is_refused_with_a_key_that_is_good(place: Place) -> None:
    with greeted(place) as transport, pytest.raises(paramiko.AuthenticationException):
        transport.auth_publickey(place.account.username, SignsWithSha1(place.clients.key))
    refusals(place, "signature_sha1")
    assert sign_in(place).status == 0


def test_openssh_that_is_told_to_sign_with_sha1_does_not_get_in(place: Place) -> None:
    done = sign_in(place, None, "-o", "PubkeyAcceptedAlgorithms=ssh-rsa")
    assert done.status != 0
    assert DENIED in done.said or "no mutual signature" in done.said


def test_an_unknown_username_is_answered_like_a_wrong_key_and_never_logged(place: Place) -> None:
    known = sign_in(place, made(place.folder, "-t", "rsa", "-b", "2048"))
    unknown = sign_in(place, username="summer2026-Passw0rd")
    assert unknown.status == known.status
    assert unknown.said.replace("summer2026-Passw0rd", place.account.username) == known.said
    wait_until(lambda: "account=unknown" in place.server.said(), told=place.server.said)
    assert "Passw0rd" not in place.server.said()


def test_seven_keys_are_too_many_and_the_client_is_told_what_to_do(place: Place) -> None:
    keys = [made(place.folder, "-t", "rsa", "-b", "2048", name=f"key{number}") for number in range(7)]
    done = sign_in_with_all(place, keys)
    assert done.status != 0
    assert "IdentitiesOnly=yes" in done.said
    refusals(place, "key_unknown", "too_many_keys")


def test_the_sixth_key_still_signs_in_and_the_others_are_not_held_against_the_account(place: Place) -> None:
    keys = [made(place.folder, "-t", "rsa", "-b", "2048", name=f"key{number}") for number in range(5)]
    done = sign_in_with_all(place, [*keys, place.clients.key])
    assert done.status == 0, done.said
    assert ends(place) == ["client"]
    assert not [session for session in place.sessions() if session.refused]


def test_three_hundred_keys_on_one_connection_are_cut_off_at_six(place: Place) -> None:
    offered = 0
    with greeted(place) as transport:
        while transport.is_active() and offered < 300:
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.auth_publickey(place.account.username, Another(place.clients.key, offered))
            offered += 1
    assert offered == 7
    refusals(place, "key_unknown", "too_many_keys")


def test_a_key_that_is_signed_with_again_and_again_is_cut_off_too(place: Place) -> None:
    tries = 0
    with greeted(place) as transport:
        while transport.is_active() and tries < 300:
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.auth_publickey(place.account.username, SignsWrongly(place.clients.key))
            tries += 1
    assert tries < 30
    refusals(place, "signature_wrong", "too_many_keys")


def test_another_username_on_the_same_connection_is_the_end_of_it(place: Place) -> None:
    with greeted(place) as transport:
        with pytest.raises(paramiko.SSHException):
            transport.auth_publickey("somebody", Another(place.clients.key, 1))
        with pytest.raises(paramiko.SSHException):
            transport.auth_publickey(place.account.username, paramiko.PKey.from_path(place.clients.key))
        assert not transport.is_active()


@contextmanager
def greeted(place: Place) -> Iterator[paramiko.Transport]:
    """Connect by paramiko, and do not sign in yet."""
    with paramiko.Transport((HOST, place.server.port)) as transport:
        transport.start_client(timeout=20)
        yield transport


class SignsWrongly(paramiko.RSAKey):
    """A key that somebody only pretends to hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.public = paramiko.PKey.from_path(path).asbytes()
        self.public_blob = None

    def asbytes(self) -> bytes:
        return self.public

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        return self.signed(b"rsa-sha2-512", b"\x01" * 256)

    @staticmethod
    def signed(algorithm: bytes, signature: bytes) -> paramiko.Message:
        message = paramiko.Message()
        message.add_string(algorithm)
        message.add_string(signature)
        message.rewind()
        return message


class Another(SignsWrongly):
    """Keys that differ in their last digits."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(path)
        self.public = self.public[:-3] + (number * 2 + 1).to_bytes(3, "big")


class SignsWithSha1(SignsWrongly):
    """The right key, in a client that knows nothing newer than SHA-1."""

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        key = load_ssh_private_key(self.path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return self.signed(b"ssh-rsa", key.sign(data, padding.PKCS1v15(), hashes.SHA1()))


def test_a_signature_that_is_wrong(place: Place) -> None:
    with greeted(place) as transport, pytest.raises(paramiko.AuthenticationException):
        transport.auth_publickey(place.account.username, SignsWrongly(place.clients.key))
    refusals(place, "signature_wrong")


def test_an_account_that_is_suspended_is_told_why_and_what_to_do(place: Place) -> None:
    suspend(account=place.account, reason="The vendor asked for it", by=BY, now=timezone.now())
    done = sign_in(place)
    assert done.status != 0
    assert "suspended by the school" in done.said
    assert "console" in done.said
    assert "vendor" not in done.said, "what colleagues wrote is for colleagues"
    refusals(place, "suspended")


def test_only_who_holds_the_key_hears_that_the_account_is_suspended(place: Place) -> None:
    suspend(account=place.account, reason="x", by=BY, now=timezone.now())
    done = sign_in(place, made(place.folder, "-t", "rsa", "-b", "2048"))
    assert "suspended" not in done.said
    refusals(place, "key_unknown")


def test_an_account_that_is_closed(place: Place) -> None:
    close_account(account=place.account, by=BY, now=timezone.now())
    done = sign_in(place)
    assert done.status != 0
    assert "closed" in done.said
    refusals(place, "closed")


def test_an_account_may_come_from_its_networks_alone(place: Place) -> None:
    place.account.networks = ["127.0.9.0/24"]
    with institution_scope(place.institution.id):
        place.account.save()
    assert DENIED in sign_in(place).said
    (refused,) = refusals(place, "network")
    assert refused.address == HOST
    done = sign_in(place, None, "-o", "BindAddress=127.0.9.7")
    assert done.status == 0, done.said


def test_as_many_sessions_as_the_account_may_have(place: Place) -> None:
    place.account.most_sessions = 2
    with institution_scope(place.institution.id):
        place.account.save()
    with place.clients.transport(), place.clients.transport():
        done = sign_in(place)
        assert done.status != 0
        assert "as many sessions as it may have at once (2)" in done.said
        refusals(place, "too_many_sessions")

    def again() -> bool:
        return sign_in(place).status == 0

    wait_until(again, told=place.server.said)


def test_refusals_are_kept_for_the_own_account_alone(
    make_place: Callable[..., Place], sftp: SftpServer
) -> None:
    one, other = make_place(), make_place()
    key = kept_private_key(a_private_key(6), other.folder)
    with institution_scope(other.institution.id):
        add_key(
            account=other.account, label="Second", text=public_line(key.read_text()), by=BY, now=timezone.now()
        )  # fmt: skip
    assert DENIED in sign_in(one, key).said
    refusals(one, "key_unknown")
    assert not other.sessions()
