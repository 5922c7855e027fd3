"""Public keys as people paste or upload them: which are taken, and what is wrong with the others. PURE.

Rules: contracts/file-transfer.md ("Authentication"): RSA of at least 2048 bits; Ed25519 where the installation says so.
Whatever is refused gets a sentence that says what to do instead.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from django.utils.translation import gettext as _

from pratique.transfers.errors import TransferError

SHORTEST_RSA = 2048
# What OpenSSH itself takes at most.
LONGEST_RSA = 16_384
# A key of the longest kind has about 3,000 characters; comments and line breaks come on top.
LONGEST_TEXT = 32_768
LONGEST_COMMENT = 120

_RSA, _ED25519 = "ssh-rsa", "ssh-ed25519"
_TYPE = r"(?:ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9-]+@openssh\.com)"
_TYPE = rf"(?:{_TYPE}(?:-cert-v0[01]@openssh\.com)?|(?:sk-)?[a-z0-9-]+-cert-v0[01]@openssh\.com)"
_LINE = re.compile(rf"(?:^|\s)({_TYPE})[ \t]+(AAAA[A-Za-z0-9+/]*={{0,2}})")
_BEGINS = re.compile(rf"(?:^|\s)({_TYPE})(?=\s|$)")
_SSH2_BEGIN, _SSH2_END = "---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----"
_PEM = re.compile(r"-----BEGIN (RSA |DSA |EC )?PUBLIC KEY-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class PublicKey:
    """A key that may sign in: `public_data` as SSH writes it on the wire, `fingerprint` as ssh-keygen -l shows it."""

    algorithm: str
    bits: int
    public_data: bytes
    fingerprint: str
    comment: str = ""

    @property
    def line(self) -> str:
        """The key as a line of `authorized_keys`, without its comment."""
        return f"{self.algorithm} {base64.b64encode(self.public_data).decode()}"


def read_public_key(text: str, *, ed25519: bool) -> PublicKey:
    """Return the key in a text: an OpenSSH line, RFC 4716 (PuTTYgen), or PEM (PKCS#8, PKCS#1).

    Raises TransferError with a sentence for whatever else it is: the private key, several keys, a kind that is not
    taken. The sentence never repeats the text.
    """
    text = _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise _wrong("blank", _("Paste the public key, or choose its file."))
    _refuse_what_is_no_public_key(text)
    if len(text) > LONGEST_TEXT:
        raise _wrong("too_long", _("This is much longer than a public key. Paste one public key alone."))
    if _SSH2_BEGIN in text:
        algorithm, data, comment = _read_ssh2(text)
    elif _PEM.search(text):
        algorithm, data, comment = _read_pem(text)
    else:
        algorithm, data, comment = _read_line(text)
    return _judged(algorithm, data, _shown(comment), ed25519=ed25519)


def text_of_file(content: bytes) -> str:
    """Return a key file's text: UTF-8, or UTF-16 as Windows PowerShell writes what is redirected into a file."""
    coding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return content.decode(coding, errors="replace")


def fingerprint_of(public_data: bytes) -> str:
    """Return `SHA256:...` as ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public_data).digest()).decode().rstrip("=")


def _wrong(code: str, sentence: str) -> TransferError:
    return TransferError(code, sentence, "text")


def _unreadable() -> TransferError:
    return _wrong(
        "unreadable",
        _(
            "This is not a public key that we can read. It should begin with ssh-rsa AAAA, or be the file that "
            "PuTTYgen saves as the public key. Copy the whole of it."
        ),
    )


def _refuse_what_is_no_public_key(text: str) -> None:
    if "PuTTY-User-Key-File" in text:
        raise _wrong(
            "putty",
            _(
                "This is a PuTTY key file (.ppk), and your private key is in it. Throw that key away: nobody but its "
                "owner may ever have it. Make a new one in PuTTYgen, and paste only its public key."
            ),
        )
    if "PRIVATE KEY" in text:
        raise _wrong(
            "private",
            _(
                "This is a private key. Nobody but its owner may ever have it: throw that key away, make a new pair, "
                "and paste only the public half (the file that ends in .pub). We have kept nothing of it."
            ),
        )
    if "BEGIN CERTIFICATE" in text:
        raise _certificate()
    if text.startswith(("SHA256:", "MD5:")):
        raise _wrong("fingerprint", _("This is a fingerprint. Paste the public key itself."))


def _read_ssh2(text: str) -> tuple[str, bytes, str]:
    """Read RFC 4716: headers that may go on after a backslash, then base64."""
    if text.count(_SSH2_BEGIN) > 1:
        raise _several()
    _before, _begin, rest = text.partition(_SSH2_BEGIN)
    inside, end, after = rest.partition(_SSH2_END)
    if not end or _before.strip() or after.strip():
        raise _unreadable()
    comment, body = "", []
    lines = iter(inside.strip().split("\n"))
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            body.append(line.strip())
            continue
        while value.endswith("\\"):
            value = value[:-1] + next(lines, "")
        if name.strip().casefold() == "comment":
            comment = value.strip().strip('"')
    data = _decoded("".join(body))
    return _type_of(data), data, comment


def _read_pem(text: str) -> tuple[str, bytes, str]:
    if len(_PEM.findall(text)) > 1:
        raise _several()
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise _unreadable() from None
    if isinstance(key, dsa.DSAPublicKey):
        raise _dsa()
    if isinstance(key, ec.EllipticCurvePublicKey):
        raise _ecdsa()
    if not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise _other_kind()
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return _RSA, _rsa_data(numbers.e, numbers.n), ""
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return _ED25519, base64.b64decode(line.split()[1]), ""


def _read_line(text: str) -> tuple[str, bytes, str]:
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if sum(bool(_BEGINS.search(line)) for line in lines) > 1:
        raise _several()
    if not lines:
        raise _unreadable()
    line = _without_breaks(lines)
    found = _LINE.search(line)
    if found is None:
        raise _unreadable()
    if found.start(1) > 0:
        raise _wrong(
            "options",
            _("There is something in front of the key. Paste it from its type on: ssh-rsa AAAA and so on."),
        )
    named, comment = found[1], line[found.end() :]
    if comment and not comment[0].isspace():
        raise _unreadable()
    data = _decoded(found[2])
    algorithm = _type_of(data)
    if algorithm != named:
        raise _unreadable()
    return algorithm, data, comment


def _without_breaks(lines: Sequence[str]) -> str:
    """Return one line of what a mail program broke into several."""
    joined = lines[0]
    for line in lines[1:]:
        if not _BASE64.fullmatch(line.split()[0]):
            return f"{joined} {line}"
        joined += line if _LINE.search(joined) else f" {line}"
    return joined


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable() from None


def _type_of(data: bytes) -> str:
    """Return the type that a key in SSH's form begins with."""
    try:
        return next(_strings(data)).decode("ascii")
    except (StopIteration, UnicodeDecodeError):
        raise _unreadable() from None


def _strings(data: bytes) -> Iterator[bytes]:
    """Yield the strings that SSH's form of a key consists of. Raises TransferError where it is cut or goes on."""
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise _unreadable()
        (length,) = struct.unpack_from(">I", data, at)
        if len(data) - at - 4 < length:
            raise _unreadable()
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def _judged(algorithm: str, data: bytes, comment: str, *, ed25519: bool) -> PublicKey:
    """Return the key if it is of a kind that signs in."""
    if "-cert-v0" in algorithm:
        raise _certificate()
    if algorithm.startswith("sk-"):
        raise _wrong(
            "security_key",
            _(
                "This key lives in a security key that somebody touches, so no system could sign in with it alone. "
                "Make an RSA key of 3072 bits."
            ),
        )
    if algorithm == "ssh-dss":
        raise _dsa()
    if algorithm.startswith("ecdsa-"):
        raise _ecdsa()
    if algorithm == _RSA:
        bits, data = _judged_rsa(data)
    elif algorithm == _ED25519:
        bits = _judged_ed25519(data, allowed=ed25519)
    else:
        raise _other_kind()
    return PublicKey(algorithm, bits, data, fingerprint_of(data), comment)


def _judged_rsa(data: bytes) -> tuple[int, bytes]:
    """Return bits and the data as everybody writes it, so that it can be compared with what a client offers."""
    parts = list(_strings(data))
    if len(parts) != 3 or not parts[1] or not parts[2] or parts[1][0] > 127 or parts[2][0] > 127:
        raise _unreadable()
    e, n = (int.from_bytes(part, "big") for part in parts[1:])
    bits = n.bit_length()
    if bits < SHORTEST_RSA:
        raise _wrong(
            "too_short",
            _("This RSA key has %(bits)s bits. At least 2048 are needed; make one of 3072.") % {"bits": bits},
        )
    if bits > LONGEST_RSA:
        raise _wrong(
            "too_big",
            _("This RSA key has %(bits)s bits. At most 16384 work; make one of 3072 or 4096.")
            % {"bits": bits},
        )
    if e < 3 or e % 2 == 0 or n % 2 == 0 or e.bit_length() > 64:
        raise _unreadable()
    return bits, _rsa_data(e, n)


def _judged_ed25519(data: bytes, *, allowed: bool) -> int:
    parts = list(_strings(data))
    if len(parts) != 2 or len(parts[1]) != 32:
        raise _unreadable()
    if not allowed:
        raise _wrong(
            "ed25519",
            _(
                "Ed25519 keys are not switched on here. Make an RSA key of 3072 bits: ssh-keygen -t rsa -b 3072"
            ),
        )
    return 256


def _rsa_data(e: int, n: int) -> bytes:
    parts = (_RSA.encode(), *(number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (e, n)))
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _shown(comment: str) -> str:
    return " ".join(comment.split())[:LONGEST_COMMENT]


def _several() -> TransferError:
    return _wrong("several", _("These are several keys. Add one at a time, each with a label of its own."))


def _certificate() -> TransferError:
    return _wrong(
        "certificate", _("This is a certificate. Paste the public key itself (ssh-rsa AAAA and so on).")
    )


def _dsa() -> TransferError:
    return _wrong("dsa", _("This is a DSA key; those are not safe any more. Make an RSA key of 3072 bits."))


def _ecdsa() -> TransferError:
    return _wrong("ecdsa", _("ECDSA keys are not taken. Make an RSA key: ssh-keygen -t rsa -b 3072"))


def _other_kind() -> TransferError:
    return _wrong(
        "other_kind", _("Keys of this kind are not taken. Make an RSA key: ssh-keygen -t rsa -b 3072")
    )
