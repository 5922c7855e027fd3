"""Who can sign in to the demo institution, the key of its partner, its account for file transfer: a file that only
this installation's user reads.

Knows nothing of Django, so that `pratique up` may ask before the settings are read.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PARTNER = "partner"
SFTP = "sftp"
# What is no person: it has no page to sign in to.
MACHINES = (PARTNER, SFTP)
# Where the demo plays the school's own portal.
SCHOOL_PORTAL = "/demo/school-portal/"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def sign_ins(var: Path) -> list[dict[str, Any]]:
    """Return role, username and password of each person of the demo, and its partner; empty where there is no demo."""
    path = _file(var)
    return json.loads(path.read_text()) if path.exists() else []


def demo_partner(var: Path, *, base_url: str) -> dict[str, Any] | None:
    """Return how the demo's partner calls, or None where there is none.

    `base_url` is where the installation answers now: its port may be another one each time that it starts.
    """
    for one in sign_ins(var):
        if one["role"] == PARTNER:
            return {
                "role": PARTNER, "client_id": one["client_id"], "encryption_key": one["encryption_key"],
                "base_url": base_url, "package_code": one["package_code"], "tracker_names": one["tracker_names"],
            }  # fmt: skip
    return None


def sftp_key_path(var: Path) -> Path:
    """Return where the private half of the key lies that signs in to the demo's account for file transfer."""
    return var.absolute() / "secrets" / "demo-sftp-key"


def demo_sftp(var: Path, *, host: str, port: int, host_key: str) -> dict[str, Any] | None:
    """Return how files are brought to the demo institution, or None where it has no account for that.

    `host` and `port` are where the service answers now; `host_key` is `<algorithm> <base64>`.
    """
    for one in sign_ins(var):
        if one["role"] == SFTP:
            return {
                "role": SFTP, "host": host, "port": port, "username": one["username"],
                "private_key_path": str(sftp_key_path(var)), "host_key": host_key,
            }  # fmt: skip
    return None


def school_portal_address(var: Path, *, base_url: str) -> str | None:
    """Return where the school’s own portal is played; None without a demo, and where others than oneself come."""
    if urlsplit(base_url).hostname not in _LOOPBACK or demo_partner(var, base_url=base_url) is None:
        return None
    return base_url + SCHOOL_PORTAL


def keep_sign_ins(var: Path, people: Sequence[dict[str, Any]]) -> None:
    """Keep them, readable by the owner alone."""
    path = _file(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(list(people), file, indent=2)


def _file(var: Path) -> Path:
    return var / "secrets" / "demo-credentials.json"
