"""Key pairs that we sign in with: the private half for us alone, the public half for the customer to install."""

import asyncssh

_RSA_BITS = 3072


def make_key_pair(kind: str, *, comment: str) -> tuple[str, str]:
    """Return a new private key (OpenSSH text) and its public line. `kind` is `ed25519`, or `rsa` for older servers."""
    if kind == "rsa":
        key = asyncssh.generate_private_key("ssh-rsa", comment=comment, key_size=_RSA_BITS)
    elif kind == "ed25519":
        key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    else:
        raise ValueError("Keys are of kind ed25519 or rsa.")
    return key.export_private_key("openssh").decode(), key.export_public_key("openssh").decode().strip()
