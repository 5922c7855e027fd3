"""Destinations: made, changed, given a way to sign in, trusted by host key, tested, resumed, closed.

The secret is sealed the moment it comes and never shown again; where a key pair is made here, its private half has
never been anywhere else. Each raises DestinationError with a sentence for whoever tried.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from pratique.connectors.sftp_push import client
from pratique.connectors.sftp_push.keys import make_key_pair
from pratique.connectors.sftp_push.types import HostKey, Tested, Waits
from pratique.delivery.actions.pausing import pause_because
from pratique.delivery.models import Delivery, DeliveryState, Destination, SignInWith
from pratique.delivery.servers import (
    MOST_HOST_KEYS,
    checked_fields,
    read_host_key,
    secret_name,
    server_of,
)
from pratique.delivery.types import DestinationError
from pratique.foundation import audit, vault
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution

_LONGEST_PASSWORD = 1000


def create_destination(
    *,
    institution: Institution,
    name: str,
    host: str,
    username: str,
    port: int = 22,
    folder: str = "",
    contact_email: str = "",
    allow_old_algorithms: bool = False,
    sign_in_with: SignInWith = SignInWith.KEY,
    by: audit.Actor,
    now: datetime,
) -> Destination:
    """Create a destination that can do nothing yet: it wants `set_password` or `make_key`, and a pinned host key."""
    fields = checked_fields(
        name=name, host=host, port=port, username=username, folder=folder, contact_email=contact_email
    )
    destination = Destination(
        institution_id=institution.id,
        allow_old_algorithms=allow_old_algorithms,
        sign_in_with=sign_in_with,
        created_at=now,
        **fields,
    )
    with institution_scope(institution.id):
        _save(destination, force_insert=True)
        _record("created", destination, by, now, {"host": destination.host, "port": destination.port})
    return destination


def change_destination(
    *,
    destination: Destination,
    name: str,
    host: str,
    port: int,
    username: str,
    folder: str,
    contact_email: str,
    allow_old_algorithms: bool,
    by: audit.Actor,
    now: datetime,
) -> Destination:
    """Change a destination; the same as before changes nothing.

    With another host or port, no host key is trusted any more and a password is forgotten: whoever can change a host
    must not have a password sent to a server of their own.
    """
    given: dict[str, Any] = checked_fields(
        name=name, host=host, port=port, username=username, folder=folder, contact_email=contact_email
    )
    given["allow_old_algorithms"] = allow_old_algorithms
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        changed = [field for field, value in given.items() if getattr(kept, field) != value]
        for field in changed:
            setattr(kept, field, given[field])
        if {"host", "port"} & set(changed):
            kept.host_keys = []
            if kept.sign_in_with == SignInWith.PASSWORD:
                kept.secret = b""
        if changed:
            _save(kept)
            _record("changed", kept, by, now, {"fields": changed})
    return kept


def set_password(*, destination: Destination, password: str, by: audit.Actor, now: datetime) -> Destination:
    """Sign in with this password from now on. It is sealed and never shown again."""
    if not password or len(password) > _LONGEST_PASSWORD:
        raise DestinationError(_("A password has 1 to 1000 characters."), "password")
    return _set_secret(destination, SignInWith.PASSWORD, password, "", "password_set", by, now)


def make_key(
    *, destination: Destination, kind: str = "ed25519", by: audit.Actor, now: datetime
) -> Destination:
    """Make a new key pair and sign in with it from now on; `public_key` is for the customer to install.

    `kind` is `ed25519`, or `rsa` (3072 bits) for servers that know no other. The key before it is gone at once.
    """
    with institution_scope(destination.institution_id):
        slug = Institution.objects.values_list("slug", flat=True).get(id=destination.institution_id)
    try:
        private, public = make_key_pair(kind, comment=f"pratique-{slug}")
    except ValueError:
        raise DestinationError(_("A key is of kind ed25519 or rsa."), "kind") from None
    return _set_secret(destination, SignInWith.KEY, private, public, "key_made", by, now)


def try_connection(
    *, destination: Destination, by: audit.Actor, now: datetime, waits: Waits | None = None
) -> Tested:
    """Try everything that a delivery needs, and return what was found; call it outside any transaction.

    Without a trusted host key it ends when the server has shown one: nothing that proves who we are is sent to a
    server that nobody has vouched for. `host_key` is what to show, and to hand to `pin_host_key`. Raises VaultError.
    """
    with institution_scope(destination.institution_id):
        server = server_of(_open(destination.id, lock=False))
    tested = client.try_out(server, waits=waits)
    with institution_scope(destination.institution_id):
        _record("tested", destination, by, now, {"ready": tested.ready, "failure": tested.failure})
    return tested


def pin_host_key(
    *, destination: Destination, host_key: str | HostKey, by: audit.Actor, now: datetime
) -> Destination:
    """Trust a host key from now on, beside those that are trusted: theirs may rotate. Again changes nothing.

    `host_key` is what a test showed, or a line of known_hosts that the customer sent. Deliveries that were stopped
    go on with `resume`.
    """
    key = read_host_key(host_key.public if isinstance(host_key, HostKey) else host_key)
    entry = {"algorithm": key.algorithm, "fingerprint": key.fingerprint, "public": key.public}
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        if entry in kept.host_keys:
            return kept
        if len(kept.host_keys) >= MOST_HOST_KEYS:
            raise DestinationError(
                _("At most ten host keys are trusted. Remove one that is no longer used."), "host_key"
            )
        kept.host_keys = [*kept.host_keys, entry]
        _save(kept)
        _record("host_key_pinned", kept, by, now, {"fingerprint": key.fingerprint})
    return kept


def unpin_host_key(
    *, destination: Destination, fingerprint: str, by: audit.Actor, now: datetime
) -> Destination:
    """Stop trusting a host key; one that is not trusted changes nothing."""
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        rest = [one for one in kept.host_keys if one["fingerprint"] != fingerprint]
        if len(rest) != len(kept.host_keys):
            kept.host_keys = rest
            _save(kept)
            _record("host_key_unpinned", kept, by, now, {"fingerprint": fingerprint})
    return kept


def stop(*, destination: Destination, by: audit.Actor, now: datetime) -> Destination:
    """Let what is to go there wait until `resume`. One that is stopped stays as it is, with its first cause."""
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        if kept.stopped_at is None:
            kept.stopped_at, kept.stopped_for = now, "staff"
            _save(kept)
            _record("stopped", kept, by, now, {"stopped_for": "staff"})
    return kept


def resume(*, destination: Destination, by: audit.Actor, now: datetime) -> Destination:
    """Let deliveries go on: those that wait are tried at once, with all their tries before them."""
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        if not kept.secret or not kept.host_keys:
            raise DestinationError(
                _(
                    "Nothing can be delivered there yet: it needs a way to sign in, and a trusted host key. "
                    "Test the connection."
                )
            )
        kept.stopped_at, kept.stopped_for, kept.failures_in_row = None, "", 0
        _save(kept)
        waiting = Delivery.objects.filter(destination_id=kept.id, state=DeliveryState.WAITING)
        delivery_ids = list(waiting.order_by("requested_at", "id").values_list("id", flat=True))
        waiting.update(next_try_at=now, tries=0, failure="")
        for delivery_id in delivery_ids:
            ask_for_try(kept.institution_id, delivery_id, place_id=kept.id)
        _record("resumed", kept, by, now, {"deliveries": len(delivery_ids)})
    return kept


def close_destination(*, destination: Destination, by: audit.Actor, now: datetime) -> Destination:
    """Close a destination for good: its secret is forgotten, what waits for it is cancelled, its schedules pause."""
    with institution_scope(destination.institution_id):
        # Schedules first, as everybody who locks both does.
        pause_because(Q(destination_id=destination.id), "destination_closed", by=by, now=now)
        kept = _open(destination.id)
        kept.closed_at, kept.secret, kept.public_key = now, b"", ""
        _save(kept)
        waiting = Delivery.objects.filter(destination_id=kept.id, state=DeliveryState.WAITING)
        cancelled = waiting.update(state=DeliveryState.CANCELLED, finished_at=now, next_try_at=None)
        _record("closed", kept, by, now, {"cancelled": cancelled})
    return kept


def ask_for_try(institution_id: UUID, delivery_id: UUID, *, place_id: UUID) -> None:
    """Ask a worker to try a delivery. One place gets one file at a time: servers limit connections."""
    enqueue(
        "delivery.send",
        institution_id=institution_id,
        lock=f"delivery:{place_id}",
        once=f"delivery:{delivery_id}",
        delivery_id=str(delivery_id),
    )


def _set_secret(
    destination: Destination,
    sign_in_with: SignInWith,
    secret: str,
    public_key: str,
    action: str,
    by: audit.Actor,
    now: datetime,
) -> Destination:
    sealed = vault.seal(
        institution_id=destination.institution_id,
        name=secret_name(destination.id),
        content=secret.encode(),
    )
    with institution_scope(destination.institution_id):
        kept = _open(destination.id)
        kept.sign_in_with, kept.secret, kept.public_key = sign_in_with, sealed, public_key
        _save(kept)
        _record(action, kept, by, now, {"algorithm": public_key.partition(" ")[0]} if public_key else {})
    return kept


def _open(destination_id: UUID, *, lock: bool = True) -> Destination:
    found = Destination.objects.filter(id=destination_id, closed_at__isnull=True)
    destination = (found.select_for_update(no_key=True) if lock else found).first()
    if destination is None:
        raise DestinationError(_("This destination is closed."))
    return destination


def _save(destination: Destination, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            destination.save(force_insert=force_insert)
    except IntegrityError:
        raise DestinationError(_("Another destination has this name."), "name") from None


def _record(
    action: str, destination: Destination, by: audit.Actor, now: datetime, detail: Mapping[str, Any]
) -> None:
    audit.record(
        f"delivery:destination:{action}",
        institution_id=destination.institution_id,
        by=by,
        now=now,
        subject_type="destination",
        subject_id=destination.id,
        detail=detail,
    )
