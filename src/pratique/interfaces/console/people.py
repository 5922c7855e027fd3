"""Who did something, in words. The trail keeps `kind:id`; screens show a name."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.queries import display_names
from pratique.foundation.audit import Actor
from pratique.foundation.ids import read_id
from pratique.partners.queries import names_of_clients


def staff(request: HttpRequest) -> User:
    """Return the signed-in person. `middleware.RequirePermission` lets nobody else reach a view that asks."""
    user = request.user
    assert isinstance(user, User)
    return user


def actor(request: HttpRequest) -> Actor:
    """Return the signed-in person as an actor."""
    return Actor("staff", str(staff(request).id))


def names(actors: Iterable[str]) -> Mapping[str, str]:
    """Return a name to show for each actor, in a query for each kind that has names: staff and partners."""
    wanted = set(actors)
    keys = {text: key for text in wanted if (key := _staff_key(text))}
    known = display_names(list(keys.values())) if keys else {}
    clients = {text: text.partition(":")[2] for text in wanted if text.startswith("partner:")}
    partners = names_of_clients(clients.values()) if clients else {}
    return {
        text: known.get(keys[text], _("A former member of staff")) if text in keys
        else partners.get(clients[text], _("A partner’s system")) if text in clients
        else _kind(text)
        for text in wanted
    }  # fmt: skip


def _staff_key(text: str) -> UUID | None:
    kind, _separator, key = text.partition(":")
    return read_id(key) if kind == "staff" else None


def _kind(text: str) -> str:
    kind, _separator, name = text.partition(":")
    words = {
        "system": _("Pratique itself"),
        "command": _("The command line"),
        "student": _("The student"),
        "guardian": _("A parent or helper"),
        "link": _("Someone with a sign-in link"),
        "demo": _("The demonstration data"),
    }
    return words.get(kind, name or kind)
