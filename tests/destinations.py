"""Destinations in a named state, made through the actions that real ones are made through."""

from typing import Any

from pratique.connectors.sftp_push.fake import FakeServer
from pratique.delivery.actions import destinations as actions
from pratique.delivery.models import Destination
from pratique.foundation.ids import new_id
from pratique.institutions.models import Institution
from tests.schools import BY, NOW

PASSWORD = "correct horse"


def a_destination(
    institution: Institution, *, pinned: str = "", password: str = PASSWORD, **fields: Any
) -> Destination:
    """A destination that signs in with a password; with `pinned` (a host key's base64) it can deliver."""
    values = {
        "name": f"Registrar {new_id().hex[-6:]}",
        "host": "sftp.example.edu",
        "username": "pratique",
        **fields,
    }
    destination = actions.create_destination(institution=institution, by=BY, now=NOW, **values)
    if password:
        destination = actions.set_password(destination=destination, password=password, by=BY, now=NOW)
    if pinned:
        destination = actions.pin_host_key(destination=destination, host_key=pinned, by=BY, now=NOW)
    return destination


def a_destination_at(fake: FakeServer, institution: Institution, **fields: Any) -> Destination:
    """A destination that can deliver to a played server."""
    return a_destination(
        institution,
        host="127.0.0.1",
        port=fake.port,
        password=fake.password,
        pinned=fake.host_key_public,
        **fields,
    )
