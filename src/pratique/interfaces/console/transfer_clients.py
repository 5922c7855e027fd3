"""Sample configurations of SFTP clients for one account, as people copy them.

They are templates (`templates/console/transfers/clients/`), so that tests run the very same text against a server.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from pratique.transfers.host_keys import PublicHostKey, public_host_keys

FOLDER = "console/transfers/clients/"


@dataclass(frozen=True)
class Facts:
    """What a client must know."""

    host: str
    port: int
    username: str
    host_keys: Sequence[PublicHostKey]
    key_path: str = "~/.ssh/pratique_key"
    file: str = "roster.csv"


@dataclass(frozen=True)
class Piece:
    """One text to copy: what it is, the file that it belongs into, and its template."""

    template: str
    says: str | Promise
    file: str = ""


@dataclass(frozen=True)
class Client:
    """A client and what its configuration consists of. `notes` says what people stumble over."""

    key: str
    name: str
    pieces: Sequence[Piece]
    notes: str | Promise = ""


@dataclass(frozen=True)
class Sample:
    """A piece with the account's own values."""

    id: str
    says: str | Promise
    file: str
    text: str


_KNOWN_HOSTS = Piece(
    "known_hosts.txt", _("Our host keys, so that no other server can pose as us."), "pratique_known_hosts"
)
CLIENTS: Sequence[Client] = (
    Client(
        "openssh", "OpenSSH (Linux, macOS)",
        [
            Piece("openssh.sh.txt", _("Send a file."), "send.sh"),
            Piece("openssh_results.sh.txt", _("Take the results."), "take.sh"),
        ],
    ),
    Client(
        "winscp", "WinSCP",
        [
            Piece("winscp.txt", _("A script that sends a file and takes the results."), "pratique.txt"),
            Piece("winscp_run.txt", _("Run it, from the Task Scheduler for instance.")),
        ],
        _("WinSCP wants its own key format: open your private key in PuTTYgen and save it as .ppk."),
    ),
    Client(
        "filezilla", "FileZilla",
        [Piece("filezilla.xml.txt", _("Import this file with File, Import."), "pratique.xml")],
        _(
            "At the first connection FileZilla shows a fingerprint. Compare it with ours before you accept it. In "
            "Transfer, Preserve timestamps may be on or off."
        ),
    ),
    Client(
        "lftp", "lftp",
        [_KNOWN_HOSTS, Piece("lftp.txt", _("Run it with lftp -f pratique.lftp"), "pratique.lftp")],
    ),
    Client(
        "rclone", "rclone",
        [
            _KNOWN_HOSTS,
            Piece("rclone.conf.txt", _("The connection."), "pratique.conf"),
            Piece("rclone_run.sh.txt", _("Send a file and take the results."), "send.sh"),
        ],
    ),
    Client(
        "powershell", "PowerShell (Windows)",
        [
            Piece("powershell.ps1.txt", _("With the sftp.exe that comes with Windows."), "send.ps1"),
            Piece("winscp_net.ps1.txt", _("With WinSCP’s .NET assembly."), "send-winscp.ps1"),
        ],
        _(
            "Nobody but you may be able to read the key file, or sftp.exe refuses it. This sees to it: "
            'icacls KEY /inheritance:r /grant:r "%USERNAME%:R"'
        ),
    ),
    Client(
        "python", "Python",
        [Piece("python.py.txt", _("With paramiko."), "send.py")],
    ),
)  # fmt: skip


def facts_of(username: str) -> Facts:
    """Return what the clients of an account must know of this installation."""
    return Facts(
        settings.SFTP_PUBLIC_HOST,
        settings.SFTP_PUBLIC_PORT,
        username,
        public_host_keys(settings.SFTP_HOST_KEYS),
    )


def samples(client: Client, facts: Facts) -> Sequence[Sample]:
    """Return a client's pieces with the account's own values."""
    return [
        Sample(f"{client.key}-{number}", piece.says, piece.file, rendered(piece.template, facts))
        for number, piece in enumerate(client.pieces, 1)
    ]


def rendered(template: str, facts: Facts) -> str:
    """Return one template with the account's own values."""
    return get_template(FOLDER + template).render(_values(facts)).strip() + "\n"


def _values(facts: Facts) -> dict[str, Any]:
    """Return the values of the templates. Nothing is escaped for HTML: a page does that when it shows the text."""
    values = {
        "host": facts.host,
        "username": facts.username,
        "key_path": facts.key_path,
        "windows_key_path": r"$env:USERPROFILE\.ssh\pratique_key",
        "ppk_path": r"C:\Keys\pratique.ppk",
        "winscp_host_keys": ";".join(map(_winscp, facts.host_keys)),
        "file": facts.file,
    }
    return {name: mark_safe(value) for name, value in values.items()} | {  # noqa: S308
        "port": str(facts.port),
        "host_keys": [mark_safe(key.known_hosts(facts.host, facts.port)) for key in facts.host_keys],  # noqa: S308
    }


def _winscp(key: PublicHostKey) -> str:
    """Return a host key as WinSCP names it: algorithm, bits, fingerprint without its prefix."""
    bits = 255 if key.algorithm == "ssh-ed25519" else key.bits
    return f"{key.algorithm} {bits} {key.fingerprint.removeprefix('SHA256:')}"
