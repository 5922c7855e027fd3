"""A destination as the pushing client wants it, its secret opened; and what may be typed into one. No writes."""

import base64
import binascii
import re
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from pratique.connectors.sftp_push.types import HostKey, Server
from pratique.delivery.models import Destination, SignInWith
from pratique.delivery.types import DestinationError
from pratique.foundation import vault

MOST_HOST_KEYS = 10
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?|::1")
_LARGEST_PORT = 65535
_ALGORITHM_BYTES = 64


def server_of(destination: Destination) -> Server:
    """Return whom to connect to, and as whom. Raises VaultError."""
    secret = ""
    if destination.secret:
        secret = vault.open(
            institution_id=destination.institution_id,
            name=secret_name(destination.id),
            sealed=bytes(destination.secret),
        ).decode()
    with_key = destination.sign_in_with == SignInWith.KEY
    return Server(
        host=destination.host,
        port=destination.port,
        username=destination.username,
        folder=destination.folder,
        password="" if with_key else secret,
        private_key=secret if with_key else "",
        host_keys=tuple(one["public"] for one in destination.host_keys),
        old_algorithms=destination.allow_old_algorithms,
        networks=tuple(settings.DELIVERY_NETWORKS),
    )


def secret_name(destination_id: UUID) -> str:
    """Return the name that a destination's secret is sealed under."""
    return f"destination/{destination_id}"


def read_host_key(text: str) -> HostKey:
    """Return the host key of a known_hosts or .pub line, or of its base64 alone. Raises DestinationError."""
    for word in text.split():
        try:
            public_data = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            continue
        length = int.from_bytes(public_data[:4], "big")
        algorithm = public_data[4 : 4 + length]
        if 0 < length <= _ALGORITHM_BYTES and len(public_data) > 4 + length and algorithm.isascii():
            return HostKey.of(algorithm.decode(), public_data)
    raise DestinationError(_("That is no SSH public key."), "host_key")


def pinned(destination: Destination) -> Sequence[HostKey]:
    """Return the host keys that are trusted."""
    return [HostKey(one["algorithm"], one["fingerprint"], one["public"]) for one in destination.host_keys]


def checked_fields(
    *, name: str, host: str, port: int, username: str, folder: str, contact_email: str
) -> dict[str, str | int]:
    """Return a destination's fields as they are kept; raises DestinationError with the field to mend."""
    name, host, username, folder, contact_email = (
        one.strip() for one in (name, host, username, folder, contact_email)
    )
    if not name or len(name) > 120 or not name.isprintable():
        raise DestinationError(_("A destination has a name of at most 120 characters."), "name")
    if not _HOST.fullmatch(host):
        raise DestinationError(
            _("A host is a name such as sftp.example.edu or an address, without sftp:// before it."), "host"
        )
    if not 1 <= port <= _LARGEST_PORT:
        raise DestinationError(_("A port is a number from 1 to 65535, usually 22."), "port")
    if not username or len(username) > 120 or not username.isprintable():
        raise DestinationError(_("A username has 1 to 120 characters."), "username")
    if len(folder) > 400 or not (folder.isprintable() or not folder):
        raise DestinationError(_("A folder is a path of at most 400 characters."), "folder")
    if contact_email:
        try:
            validate_email(contact_email)
        except ValidationError:
            raise DestinationError(_("That is no e-mail address."), "contact_email") from None
    return {
        "name": name, "host": host.lower(), "port": port, "username": username, "folder": folder,
        "contact_email": contact_email,
    }  # fmt: skip
