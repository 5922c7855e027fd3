"""OpenPGP: a customer's public key as it was pasted, and files encrypted to it (RFC 9580; the library is Sequoia's).

What is encrypted never touches a disk: it goes through a pipe to a small process of its own, for the library reads
and writes by file name and lets nothing else of its process run meanwhile. What comes out waits in a file without a
name.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _
from pysequoia import Cert, encrypt
from pysequoia.packet import Packet, PacketPile, PublicKeyAlgorithm, Tag

from pratique.delivery.types import ScheduleError
from pratique.foundation import clock

EXTENSION = ".pgp"
_LONGEST_KEY = 200_000
_LEAST_BITS = 2048
_BLOCK = 256 * 1024
_LENGTH_DIGITS = 10
_KEYS = (Tag.PublicKey, Tag.PublicSubkey)
_SECRETS = (Tag.SecretKey, Tag.SecretSubkey)
_RSA = (PublicKeyAlgorithm.RSAEncryptSign, PublicKeyAlgorithm.RSAEncrypt)
_ELGAMAL = (PublicKeyAlgorithm.ElGamalEncrypt, PublicKeyAlgorithm.ElGamalEncryptSign)
# Reads `<length of the key><key><content>`; the content's end is the end of the pipe. Writes to its standard output.
_CHILD = f"""
import os, sys
from pysequoia import Cert, encrypt_file
def read(length):
    found = b""
    while len(found) < length:
        found += os.read(0, length - len(found)) or sys.exit(2)
    return found
key = Cert.from_bytes(read(int(read({_LENGTH_DIGITS}))))
encrypt_file("/dev/fd/0", "/dev/fd/1", [key], armor=False)
"""


class KeyUnusableError(Exception):
    """The key that a file is to be encrypted to is no more fit for it."""


class EncryptingError(Exception):
    """A file could not be encrypted, through no fault of the key. Says nothing of what was in it."""


@dataclass(frozen=True)
class PgpKey:
    """A public key as people know it. `problems` are sentences; with one of them nothing can be encrypted to it."""

    fingerprint: str = ""
    user_ids: tuple[str, ...] = ()
    expires: datetime | None = None
    problems: tuple[str, ...] = ()


def read_key(text: str) -> PgpKey:
    """Return what a pasted key is, and what keeps it from being encrypted to now."""
    content = text.strip().encode()
    if not content or len(content) > _LONGEST_KEY:
        return PgpKey(problems=(_no_key(),))
    try:
        # First, because it refuses what is no key. The pile below would unpack compressed data, which a few kilobytes
        # can make as large as the machine's memory; the library then ends the whole process.
        certificates = Cert.split_bytes(content)
        packets = list(PacketPile.from_bytes(content))
        if any(one.tag in _SECRETS for one in packets):
            return PgpKey(problems=(_secret(),))
    except Exception:
        return PgpKey(problems=(_no_key(),))
    if len(certificates) != 1:
        return PgpKey(problems=(_("Paste one key, not several.") if certificates else _no_key(),))
    key = certificates[0]
    if any(_is_weak(one) for one in packets if one.tag in _KEYS):
        return PgpKey(key.fingerprint.upper(), problems=(_weak(),))
    try:
        user_ids, expires = tuple(str(one) for one in key.user_ids), key.expiration
    except RuntimeError:
        # The library's own judgement: hashes and curves that nobody should rely on.
        return PgpKey(key.fingerprint.upper(), problems=(_weak(),))
    problem = _problem(key, expires)
    return PgpKey(key.fingerprint.upper(), user_ids, expires, (problem,) if problem else ())


def check_key(text: str) -> PgpKey:
    """Return a key that files can be encrypted to, or raise ScheduleError with what is wrong with it."""
    key = read_key(text)
    if key.problems:
        raise ScheduleError(key.problems[0], "pgp_key")
    return key


def encrypted(blocks: Iterable[bytes], *, key: str) -> Iterator[bytes]:
    """Yield `blocks` encrypted to `key` (armored), as a binary message, after the last of them has been taken.

    Raises KeyUnusableError before the first is asked for, EncryptingError, and what `blocks` raise.
    """
    if read_key(key).problems:
        raise KeyUnusableError
    settings.REPORT_FILES.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=settings.REPORT_FILES) as file:
        _encrypt(blocks, key.encode(), file.fileno())
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block


def _encrypt(blocks: Iterable[bytes], key: bytes, output: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None, "it is a pipe"
        try:
            child.stdin.write(f"{len(key):0{_LENGTH_DIGITS}}".encode() + key)
            for block in blocks:
                child.stdin.write(block)
            child.stdin.close()
        except BrokenPipeError:
            child.kill()
            raise EncryptingError from None
        except BaseException:
            # Not the end of the content, but of the trouble: the process shall not take it for a whole file.
            child.kill()
            raise
        if child.wait():
            raise EncryptingError


def _problem(key: Cert, expires: datetime | None) -> str:
    """Return why nothing can be encrypted to a key now, or empty."""
    if key.is_revoked:
        return _("This key was revoked. Ask for the present one.")
    if expires and expires <= clock.now():
        return _("This key ended on %(day)s. Ask for one that is in force.") % {"day": expires.date()}
    try:
        encrypt(b"a trial", [key])
    except Exception:
        return _("This key can sign but not encrypt, or the part of it that encrypts ended or was revoked.")
    return ""


def _is_weak(packet: Packet) -> bool:
    if packet.key_algorithm in _ELGAMAL:
        return True
    # A version 4 key: version, four bytes of time, algorithm; then the modulus with its length in bits before it.
    return packet.key_algorithm in _RSA and int.from_bytes(packet.body[6:8], "big") < _LEAST_BITS


def _weak() -> str:
    return _("This key is too weak. Ask for an RSA key of 2048 bits or more, or one of Curve25519.")


def _no_key() -> str:
    return _("That is no OpenPGP public key. Paste it with its lines -----BEGIN PGP PUBLIC KEY BLOCK-----.")


def _secret() -> str:
    return _(
        "That is a private key. Nobody but its owner may have it: whoever sent it should make a new one, and send "
        "the public half."
    )
