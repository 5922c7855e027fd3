"""The public halves of our host keys, for people who set up a client: what they pin, and what they compare.

`interfaces.sftp.host_keys` makes and changes them. Here only the public part of each file is read, which OpenSSH's
format (PROTOCOL.key) keeps in clear before the private one.
"""

import base64
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pratique.transfers.keys import fingerprint_of

_MAGIC = b"openssh-key-v1\0"
_ARMOR = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END OPENSSH PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True)
class PublicHostKey:
    """A host key as clients know it. `signs`: it is in use; another one of its kind is only made known."""

    algorithm: str
    public: str  # base64, as known_hosts has it
    fingerprint: str
    bits: int
    signs: bool

    def known_hosts(self, host: str, port: int) -> str:
        """Return the line that a client's known_hosts needs."""
        return f"{host if port == 22 else f'[{host}]:{port}'} {self.algorithm} {self.public}"


def public_host_keys(folder: Path) -> Sequence[PublicHostKey]:
    """Return the host keys in a folder, of each kind first the one that signs; empty before the first start."""
    try:
        names = orjson.loads((folder / "keys.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return []
    return [
        key
        for of_kind in names.values()
        for place, name in enumerate(of_kind)
        if (key := _read(folder / name, signs=place == 0)) is not None
    ]


def _read(path: Path, *, signs: bool) -> PublicHostKey | None:
    """Return a file's public key; None where there is none (it was retired just now)."""
    try:
        found = _ARMOR.search(path.read_text())
        data = base64.b64decode(found[1]) if found else b""
        public = _public_part(data)
        algorithm, *numbers = _strings(public)
    except (OSError, ValueError, struct.error):
        return None
    # RSA's last number is its modulus; the other kind has one length, which tools call 256.
    bits = int.from_bytes(numbers[-1], "big").bit_length() if algorithm == b"ssh-rsa" else 256
    return PublicHostKey(
        algorithm.decode("ascii"), base64.b64encode(public).decode(), fingerprint_of(public), bits, signs
    )


def _public_part(data: bytes) -> bytes:
    if not data.startswith(_MAGIC):
        raise ValueError("This is no key in OpenSSH's format.")
    at = len(_MAGIC)
    for _skipped in ("cipher", "kdf", "options of the kdf"):
        at += 4 + struct.unpack_from(">I", data, at)[0]
    at += 4  # how many keys
    (length,) = struct.unpack_from(">I", data, at)
    return data[at + 4 : at + 4 + length]


def _strings(data: bytes) -> Sequence[bytes]:
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return found
