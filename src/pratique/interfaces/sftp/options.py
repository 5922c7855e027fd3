"""What the server offers on the wire: algorithms, timings, and nothing but public keys."""

from collections.abc import Callable, Sequence

import asyncssh

# Post-quantum first; no SHA-1, no finite-field group of less than 2048 bits.
KEY_EXCHANGES = (
    "mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256",
)  # fmt: skip
# AES-GCM first: chacha20 nearly doubles what a download costs here (research/sftp.md).
CIPHERS = (
    "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com",
    "aes256-ctr", "aes192-ctr", "aes128-ctr",
)  # fmt: skip
# Those without -etm are for clients that know no other (JSch, older WinSCP), with the CTR ciphers alone.
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
HOST_KEY_ALGORITHMS = frozenset({b"ssh-ed25519", b"rsa-sha2-512", b"rsa-sha2-256"})
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")

LOGIN_GRACE = 30.0
# RFC 4253, section 9: new keys after a gigabyte or an hour.
REKEY_BYTES, REKEY_SECONDS = 1 << 30, 3600.0


def server_options(
    keys: Sequence[asyncssh.SSHKey], factory: Callable[[], asyncssh.SSHServer], *, ed25519: bool
) -> asyncssh.SSHServerConnectionOptions:
    """Return the options of connections. `keys`: those first of their kind sign; the others are only made known."""
    options = asyncssh.SSHServerConnectionOptions(
        server_factory=factory,
        server_host_keys=list(keys),
        send_server_host_keys=True,
        server_version="Pratique",
        kex_algs=KEY_EXCHANGES,
        encryption_algs=CIPHERS,
        mac_algs=MACS,
        compression_algs=("none",),
        signature_algs=(*RSA_SIGNATURES, "ssh-ed25519") if ed25519 else RSA_SIGNATURES,
        public_key_auth=True,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        allow_pty=False,
        x11_forwarding=False,
        agent_forwarding=False,
        line_editor=False,
        allow_scp=False,
        encoding=None,
        login_timeout=LOGIN_GRACE,
        rekey_bytes=REKEY_BYTES,
        rekey_seconds=REKEY_SECONDS,
    )
    # asyncssh offers SHA-1 and its own inventions for an RSA host key too.
    for algorithm in list(options.server_host_keys):
        if algorithm not in HOST_KEY_ALGORITHMS:
            del options.server_host_keys[algorithm]
    _sign_with_sha2(options, keys)
    return options


def _sign_with_sha2(options: asyncssh.SSHServerConnectionOptions, keys: Sequence[asyncssh.SSHKey]) -> None:
    """Let each RSA algorithm have a key object of its own, and proofs of further keys be of SHA-2.

    asyncssh keeps on a key object, which all connections share, with what it signs next: SHA-1 at first, then what the
    last client chose, even if another one's key exchange is under way.
    """
    for key in options.all_server_host_keys.values():
        if key.algorithm == b"ssh-rsa":
            key.set_sig_algorithm(b"rsa-sha2-512")
    signs = next(key for key in keys if key.get_algorithm() == "ssh-rsa")
    (other,) = asyncssh.load_keypairs([signs])
    other.set_sig_algorithm(b"rsa-sha2-256")
    options.server_host_keys[b"rsa-sha2-256"] = other
