"""The demo institution's partner: the school's own portal, with a key in `demo credentials`, and who looks after it.

A demo that was loaded before there were partners gets them too: each step looks for what it would make.
"""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from pratique.accounts.actions import create_staff
from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.foundation.demo_credentials import PARTNER, keep_sign_ins, sign_ins
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, Tracker
from pratique.partners.actions.clients import create_client, create_partner
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.models import Environment, Partner, PartnerClient, PartnerKey

NAME = "Harbor State student portal"
INTEGRATOR = "integrator"
# A whole class clicks, and benchmarks call.
CALLS_PER_MINUTE = 6_000


def add_partner(institution: Institution, package_code: str, *, by: audit.Actor, now: datetime) -> bool:
    """Make what is missing of the partner, its client, its key and the integrator; return whether anything was.

    Does nothing while the school has no package: its own load was interrupted and makes it first.
    """
    var = Path(settings.VAR)
    people = sign_ins(var)
    with institution_scope(institution.id):
        if not Package.objects.filter(code=package_code).exists():
            return False
        added = [*_integrator(institution, by=by, now=now)]
        client = _client(institution, by=by, now=now)
        known = any(one["role"] == PARTNER and one["client_id"] == client.identifier for one in people)
        if not known:
            people = [one for one in people if one["role"] != PARTNER]
            added.append(_with_key(client, package_code, by=by, now=now))
    # After the commit: a file must not name a key that does not exist. Lost before this line, another one is made.
    if added:
        keep_sign_ins(var, [*people, *added])
    return bool(added)


def _integrator(institution: Institution, *, by: audit.Actor, now: datetime) -> list[dict[str, Any]]:
    if User.objects.filter(username=INTEGRATOR).exists():
        return []
    password = secrets.token_urlsafe(12)
    create_staff(
        institution=institution, username=INTEGRATOR, name="Ingrid Halvorsen", role=Role.COORDINATOR,
        is_integrator=True, password=password, email=f"{INTEGRATOR}@harbor.example.edu", by=by, now=now,
    )  # fmt: skip
    return [{"role": Role.COORDINATOR.value, "username": INTEGRATOR, "password": password}]


def _client(institution: Institution, *, by: audit.Actor, now: datetime) -> PartnerClient:
    partner = Partner.objects.filter(name=NAME).first() or create_partner(
        institution=institution, name=NAME, contact_email="portal@harbor.example.edu", by=by, now=now
    )
    found = PartnerClient.objects.filter(partner=partner, environment=Environment.PRODUCTION).first()
    return found or create_client(
        partner=partner, environment=Environment.PRODUCTION, acts_for=institution.id,
        calls_per_minute=CALLS_PER_MINUTE, by=by, now=now,
    )  # fmt: skip


def _with_key(client: PartnerClient, package_code: str, *, by: audit.Actor, now: datetime) -> dict[str, Any]:
    """Issue a key; older ones that nobody knows any more are revoked."""
    for key in PartnerKey.objects.filter(client=client, revoked_at__isnull=True):
        revoke_key(key=key, by=by, now=now)
    issued = issue_key(client=client, by=by, now=now)
    trackers = Tracker.objects.filter(package__code=package_code).order_by("name")
    return {
        "role": PARTNER, "client_id": client.identifier, "encryption_key": issued.encryption_key,
        "package_code": package_code, "tracker_names": list(trackers.values_list("name", flat=True)),
    }  # fmt: skip
