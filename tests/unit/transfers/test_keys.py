"""Public keys as people paste them: real files of ssh-keygen and openssl, and what is no public key."""

import base64
import shutil
import struct
import subprocess
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from pratique.transfers.errors import TransferError
from pratique.transfers.keys import read_public_key, text_of_file
from tests.transfers import a_private_key, public_line

LINE = public_line(a_private_key())
DATA = base64.b64decode(LINE.split()[1])
OTHER = public_line(a_private_key(1))


def _openssh(key) -> str:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _pem(key, form=PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_bytes(Encoding.PEM, form).decode()


def _rsa_of(bits: int) -> str:
    """A public key of a size that would take minutes to find: nobody here asks whether it has factors."""
    n = (1 << (bits - 1)) | 1
    parts = (b"ssh-rsa", b"\x01\x00\x01", n.to_bytes(bits // 8 + 1, "big"))
    data = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return "ssh-rsa " + base64.b64encode(data).decode()


def _data(*parts: bytes) -> str:
    return base64.b64encode(b"".join(struct.pack(">I", len(part)) + part for part in parts)).decode()


PUBLIC = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
ED25519 = ed25519.Ed25519PrivateKey.generate().public_key()
BODY = LINE.split()[1]
FOLDED = "\n".join(BODY[at : at + 70] for at in range(0, len(BODY), 70))
RFC4716 = (
    f'---- BEGIN SSH2 PUBLIC KEY ----\nComment: "rsa-key-20260803"\n{FOLDED}\n---- END SSH2 PUBLIC KEY ----\n'
)
LONG_HEADER = RFC4716.replace('"rsa-key-20260803"', '"rsa-key\\\n-20260803"\nX-More: a:b')

TAKEN = {
    "OpenSSH line": (LINE, "ssh-rsa", 2048, ""),
    "with a comment": (f"{LINE} it@sis  host", "ssh-rsa", 2048, "it@sis host"),
    "with blank lines, a remark and Windows line ends": (
        f"\r\n# ours\r\n  {LINE} x\r\n\r\n",
        "ssh-rsa",
        2048,
        "x",
    ),
    "broken into lines by a mail program": (
        LINE[:80] + "\n" + LINE[80:150] + "\n" + LINE[150:],
        "ssh-rsa",
        2048,
        "",
    ),
    "broken after its type": (LINE.replace(" ", "\n", 1), "ssh-rsa", 2048, ""),
    "with a byte order mark": ("\ufeff" + LINE, "ssh-rsa", 2048, ""),
    "with a NUL": (LINE + "\0", "ssh-rsa", 2048, ""),
    "of 2048 bits to the bit": (_rsa_of(2048), "ssh-rsa", 2048, ""),
    "of 16384 bits": (_rsa_of(16_384), "ssh-rsa", 16_384, ""),
    "as PuTTYgen saves it": (RFC4716, "ssh-rsa", 2048, "rsa-key-20260803"),
    "RFC 4716 with a header that goes on": (LONG_HEADER, "ssh-rsa", 2048, "rsa-key-20260803"),
    "PEM, PKCS#8": (_pem(PUBLIC), "ssh-rsa", 2048, ""),
    "PEM, PKCS#1": (_pem(PUBLIC, PublicFormat.PKCS1), "ssh-rsa", 2048, ""),
    "Ed25519 where it is switched on": (_openssh(ED25519), "ssh-ed25519", 256, ""),
    "Ed25519 as PEM": (_pem(ED25519), "ssh-ed25519", 256, ""),
}
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
REFUSED = {
    "nothing": ("", "blank"),
    "only blanks": (" \r\n\t\n\0", "blank"),
    "only a remark": ("# no key here", "unreadable"),
    "a private key of OpenSSH": (a_private_key(), "private"),
    "a private key, PKCS#1": (
        PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(), "private",
    ),
    "a private key, PKCS#8": (
        PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), "private",
    ),
    "a pair, the private half below": (f"{LINE}\n{a_private_key()}", "private"),
    "a private key hidden in marks nobody sees": (a_private_key().replace("PRIVATE", "PRI\u200bVATE"), "private"),
    "PuTTY's file": ("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 6\n", "putty"),
    "RSA of 2047 bits": (_rsa_of(2047 + 1).replace("AAAA", "AAAA", 1), None),
    "RSA of 1024 bits": (_rsa_of(1024), "too_short"),
    "RSA of 2040 bits": (_rsa_of(2040), "too_short"),
    "RSA of 16392 bits": (_rsa_of(16_392), "too_big"),
    "DSA": ("ssh-dss " + _data(b"ssh-dss", b"p" * 128, b"q" * 20, b"g" * 128, b"y" * 128), "dsa"),
    "DSA as PEM": (_pem(dsa.generate_private_key(1024).public_key()), "dsa"),
    "ECDSA": (_openssh(ec.generate_private_key(ec.SECP256R1()).public_key()), "ecdsa"),
    "ECDSA as PEM": (_pem(ec.generate_private_key(ec.SECP256R1()).public_key()), "ecdsa"),
    "a security key": (
        "sk-ssh-ed25519@openssh.com " + _data(b"sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"), "security_key",
    ),
    "a security key, ECDSA": (
        "sk-ecdsa-sha2-nistp256@openssh.com " + _data(b"sk-ecdsa-sha2-nistp256@openssh.com", b"k"), "security_key",
    ),
    "a certificate of SSH": (
        "ssh-rsa-cert-v01@openssh.com " + _data(b"ssh-rsa-cert-v01@openssh.com", b"n" * 32), "certificate",
    ),
    "a certificate of the web": ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "certificate"),
    "two keys": (f"{LINE}\n{OTHER}", "several"),
    "the same key twice": (f"{LINE}\n{LINE}", "several"),
    "two keys of PuTTYgen": (RFC4716 * 2, "several"),
    "two keys as PEM": (_pem(PUBLIC) * 2, "several"),
    "options in front": (f'from="10.0.0.1",no-pty {LINE}', "options"),
    "options with blanks in front": (f'command="run this" {LINE}', "options"),
    "base64 that is cut": (LINE[:-9], "unreadable"),
    "base64 with a foreign character": (LINE[:100] + "*" + LINE[101:], "unreadable"),
    "a type and nothing": ("ssh-rsa", "unreadable"),
    "a type that differs from the key's": (f"ssh-ed25519 {BODY}", "unreadable"),
    "bytes after the key": (f"ssh-rsa {base64.b64encode(DATA + b'x').decode()}", "unreadable"),
    "a negative modulus": ("ssh-rsa " + _data(b"ssh-rsa", b"\x03", b"\xff" * 256), "unreadable"),
    "an even exponent": ("ssh-rsa " + _data(b"ssh-rsa", b"\x04", b"\0" + b"\xff" * 256), "unreadable"),
    "an exponent of one": ("ssh-rsa " + _data(b"ssh-rsa", b"\x01", b"\0" + b"\xff" * 256), "unreadable"),
    "Ed25519 of 31 bytes": ("ssh-ed25519 " + _data(b"ssh-ed25519", b"k" * 31), "unreadable"),
    "RFC 4716 that is cut": (RFC4716.split("---- END")[0], "unreadable"),
    "PEM that is broken": ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "unreadable"),
    "a fingerprint": ("SHA256:uNiVztksCsDhcc0u9e8BrxOkrHIHVBrWkbM7eWoRf3A", "fingerprint"),
    "a password": ("correct horse battery staple", "unreadable"),
    "a whole book": ("x" * 40_000, "too_long"),
}  # fmt: skip
del REFUSED["RSA of 2047 bits"]


@pytest.mark.parametrize(("text", "algorithm", "bits", "comment"), TAKEN.values(), ids=TAKEN)
def test_a_public_key_is_taken(text, algorithm, bits, comment):
    read = read_public_key(text, ed25519=True)
    assert (read.algorithm, read.bits, read.comment) == (algorithm, bits, comment)
    assert read_public_key(read.line, ed25519=True).public_data == read.public_data


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_gets_a_sentence(text, code):
    with pytest.raises(TransferError) as wrong:
        read_public_key(text, ed25519=True)
    assert wrong.value.code == code
    assert wrong.value.field == "text"
    assert wrong.value.sentence.endswith((".", "3072", ")"))


def test_a_private_key_is_to_be_thrown_away_and_is_not_repeated():
    with pytest.raises(TransferError) as wrong:
        read_public_key(a_private_key(), ed25519=False)
    assert "throw that key away" in wrong.value.sentence
    assert a_private_key().split("\n")[1][:20] not in repr(wrong.value) + wrong.value.sentence


def test_a_short_key_hears_its_size():
    with pytest.raises(TransferError) as wrong:
        read_public_key(_rsa_of(1024), ed25519=False)
    assert "1024 bits" in wrong.value.sentence


def test_ed25519_is_refused_where_it_is_switched_off():
    with pytest.raises(TransferError) as wrong:
        read_public_key(_openssh(ED25519), ed25519=False)
    assert wrong.value.code == "ed25519"


def test_a_number_with_needless_zeros_is_the_same_key():
    e, n = PUBLIC.public_numbers().e, PUBLIC.public_numbers().n
    padded = _data(b"ssh-rsa", b"\0\0" + e.to_bytes(3, "big"), b"\0\0\0" + n.to_bytes(256, "big"))
    assert read_public_key(f"ssh-rsa {padded}", ed25519=False).line == _openssh(PUBLIC)


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path):
    for name, text in (("line", LINE), ("ssh2", RFC4716), ("pem", _pem(PUBLIC))):
        read = read_public_key(text, ed25519=False)
        (tmp_path / name).write_text(read.line)
        said = subprocess.run(
            [shutil.which("ssh-keygen"), "-l", "-f", tmp_path / name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said.split()[:2] == [str(read.bits), read.fingerprint]


@pytest.mark.parametrize("form", ["RFC4716", "PKCS8", "PEM"])
def test_what_ssh_keygen_exports_is_read(tmp_path, form):
    (tmp_path / "key.pub").write_text(LINE)
    exported = subprocess.run(
        [shutil.which("ssh-keygen"), "-e", "-m", form, "-f", tmp_path / "key.pub"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert read_public_key(exported, ed25519=False).line == LINE


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_windows_is_read(coding):
    assert read_public_key(text_of_file(LINE.encode(coding)), ed25519=False).line == LINE


def test_a_file_that_is_no_text_is_refused():
    with pytest.raises(TransferError):
        read_public_key(text_of_file(bytes(range(256)) * 8), ed25519=False)


@given(st.one_of(
    st.text(max_size=300),
    st.binary(max_size=200).map(lambda data: f"ssh-rsa {base64.b64encode(data).decode()}"),
    st.binary(max_size=60).map(lambda data: "ssh-rsa " + base64.b64encode(DATA[:11] + data).decode()),
    st.tuples(st.integers(0, len(LINE)), st.integers(0, len(LINE)), st.text(max_size=5)).map(
        lambda cut: LINE[: min(cut[:2])] + cut[2] + LINE[max(cut[:2]) :]
    ),
    st.tuples(st.integers(0, len(RFC4716)), st.text(max_size=5)).map(
        lambda cut: RFC4716[: cut[0]] + cut[1] + RFC4716[cut[0] :]
    ),
))  # fmt: skip
@example("---- BEGIN SSH2 PUBLIC KEY ----\nComment: x\\")
@example("ssh-rsa AAAA")
@example("-----BEGIN PUBLIC KEY-----")
def test_junk_is_a_key_or_a_transfer_error(text):
    with suppress(TransferError):
        read = read_public_key(text, ed25519=True)
        assert read.fingerprint.startswith("SHA256:")
        assert read.bits >= 256
