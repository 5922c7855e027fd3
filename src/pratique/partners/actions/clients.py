"""What happens to partners and to their clients: made, renamed, limited, suspended, resumed.

Keys are `actions.keys`. Each opens the scope of the institution that made the partner.
"""

import re
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.ids import new_account_token
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.partners.actions.withdrawal import withdraw_tokens
from pratique.partners.errors import PartnerError
from pratique.partners.models import Environment, Partner, PartnerClient

USUAL_CALLS_PER_MINUTE = 600
MOST_CALLS_PER_MINUTE = 60_000
LONGEST_NAME = 120
LONGEST_REASON = 200
_PREFIXES = {Environment.PRODUCTION: "live", Environment.DEMO: "demo"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\ufeff\u202a-\u202e\u2066-\u2069]")


def create_partner(
    *, institution: Institution, name: str, contact_email: str, by: audit.Actor, now: datetime
) -> Partner:
    """Create a partner without clients. Raises PartnerError (the name is empty, too long or taken; no address)."""
    partner = Partner(
        institution=institution, name=_name(name), contact_email=_address(contact_email), created_at=now
    )
    with institution_scope(institution.id):
        _keep(partner, force_insert=True)
        _record("partners:partner:created", partner, by=by, now=now)
    return partner


def change_partner(
    *, partner: Partner, name: str, contact_email: str, by: audit.Actor, now: datetime
) -> Partner:
    """Give a partner another name or address; the same as before changes nothing. Raises PartnerError."""
    with institution_scope(partner.institution_id):
        kept = Partner.objects.select_for_update().get(id=partner.id)
        given = {"name": _name(name), "contact_email": _address(contact_email)}
        changed = [field for field, value in given.items() if getattr(kept, field) != value]
        if changed:
            for field in changed:
                setattr(kept, field, given[field])
            _keep(kept, update_fields=changed)
            _record("partners:partner:changed", kept, by=by, now=now, fields=changed)
    return kept


def create_client(
    *,
    partner: Partner,
    environment: Environment,
    acts_for: UUID,
    calls_per_minute: int = USUAL_CALLS_PER_MINUTE,
    by: audit.Actor,
    now: datetime,
) -> PartnerClient:
    """Create the partner's client in an environment; it acts for the institution `acts_for`.

    Raises PartnerError if there is one already, or if the limit cannot be.
    """
    with institution_scope(partner.institution_id):
        # Whoever comes second waits here, and then finds the first one's client.
        Partner.objects.select_for_update().get(id=partner.id)
        if PartnerClient.objects.filter(partner=partner, environment=environment).exists():
            raise PartnerError("exists", _("This partner has a client for this environment already."))
        client = PartnerClient.objects.create(
            institution_id=partner.institution_id, partner=partner, environment=Environment(environment),
            identifier=f"{_PREFIXES[Environment(environment)]}_{new_account_token()}", acts_for=acts_for,
            calls_per_minute=_limit(calls_per_minute), created_at=now,
        )  # fmt: skip
        _record("partners:client:created", partner, client, by=by, now=now)
    return client


def change_limit(
    *, client: PartnerClient, calls_per_minute: int, by: audit.Actor, now: datetime
) -> PartnerClient:
    """Set how many calls a minute are let through; 0 lets none. Raises PartnerError."""
    wanted = _limit(calls_per_minute)
    with institution_scope(client.institution_id):
        kept = _locked(client)
        before = kept.calls_per_minute
        if before != wanted:
            kept.calls_per_minute = wanted
            kept.save(update_fields=["calls_per_minute"])
            _record(
                "partners:client:limited", kept.partner, kept, by=by, now=now, before=before, after=wanted
            )
    return kept


def suspend(*, client: PartnerClient, reason: str, by: audit.Actor, now: datetime) -> PartnerClient:
    """Let no call of a client through until it is resumed, and no token in. One that is suspended stays as it is.

    `reason` is what colleagues read later: raises PartnerError without one.
    """
    said = _line(reason)
    if not said:
        raise PartnerError("reason", _("Say why, for colleagues who look at this later."), "reason")
    if len(said) > LONGEST_REASON:
        raise PartnerError("reason", _("Use at most 200 characters."), "reason")
    with institution_scope(client.institution_id):
        kept = _locked(client)
        if kept.suspended_at is None:
            kept.suspended_at, kept.suspended_reason = now, said
            kept.save(update_fields=["suspended_at", "suspended_reason"])
            withdraw_tokens(client=kept, now=now)
            _record("partners:client:suspended", kept.partner, kept, by=by, now=now)
    return kept


def resume(*, client: PartnerClient, by: audit.Actor, now: datetime) -> PartnerClient:
    """Let calls of a suspended client through again; one that is not suspended stays as it is."""
    with institution_scope(client.institution_id):
        kept = _locked(client)
        if kept.suspended_at is not None:
            kept.suspended_at, kept.suspended_reason = None, ""
            kept.save(update_fields=["suspended_at", "suspended_reason"])
            _record("partners:client:resumed", kept.partner, kept, by=by, now=now)
    return kept


def _locked(client: PartnerClient) -> PartnerClient:
    return PartnerClient.objects.select_related("partner").select_for_update(of=("self",)).get(id=client.id)


def _keep(partner: Partner, **options: Any) -> None:
    try:
        with transaction.atomic():
            partner.save(**options)
    except IntegrityError:
        raise PartnerError("name_taken", _("There is a partner of this name already."), "name") from None


def _record(
    action: str,
    partner: Partner,
    client: PartnerClient | None = None,
    *,
    by: audit.Actor,
    now: datetime,
    **detail: Any,
) -> None:
    """Append an audit row about a partner; a client is named by its identifier, which is no secret."""
    named = {"environment": client.environment, "client": client.identifier} if client else {}
    audit.record(
        action, institution_id=partner.institution_id, by=by, now=now, subject_type="partner",
        subject_id=partner.id, detail=named | detail,
    )  # fmt: skip


def _name(text: str) -> str:
    name = _line(text)
    if not name:
        raise PartnerError("name", _("Give the partner a name."), "name")
    if len(name) > LONGEST_NAME:
        raise PartnerError("name", _("Use at most 120 characters."), "name")
    return name


def _address(text: str) -> str:
    address = text.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError:
            address = ""
        if not address or len(address) > 254:
            raise PartnerError(
                "email", _("Write an e-mail address such as name@example.edu."), "contact_email"
            )
    return address


def _limit(calls: int) -> int:
    if not 0 <= calls <= MOST_CALLS_PER_MINUTE:
        raise PartnerError("limit", _("Choose a number from 0 to 60,000."), "calls_per_minute")
    return calls


def _line(text: str) -> str:
    """Return text as it is kept: composed, trimmed, in one line, without what cannot be seen."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFC", text)).strip()
