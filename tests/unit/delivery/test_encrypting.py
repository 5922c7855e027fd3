"""What is pasted for an OpenPGP key cannot take the machine's memory."""

import base64
import subprocess
import sys
import zlib
from collections.abc import Iterable

# 400 MB may be taken besides what the program itself takes.
_READS = """
import resource, sys
from django.conf import settings
settings.configure(USE_I18N=False)
from pratique.delivery.encrypting import read_key
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 400_000_000,) * 2)
print(len(read_key(sys.stdin.read()).problems))
"""


def packed(chunks: Iterable[bytes]) -> bytes:
    """A packet of OpenPGP that holds compressed data."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    content = b"\x01" + b"".join(packer.compress(one) for one in chunks) + packer.flush()
    return b"\xc8\xff" + len(content).to_bytes(4, "big") + content


def test_a_key_of_few_letters_that_unpacks_to_a_gigabyte_is_refused():
    zeros = bytes(2**20)
    literal = b"\xcb\xff" + (2**30 + 6).to_bytes(4, "big") + b"b" + bytes(5)
    bomb = base64.encodebytes(packed([packed([literal, *[zeros] * 1024])])).decode()
    pasted = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{bomb}-----END PGP PUBLIC KEY BLOCK-----\n"
    assert len(pasted) < 200_000
    ended = subprocess.run(
        [sys.executable, "-c", _READS], input=pasted, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "1")
