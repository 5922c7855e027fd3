"""Partners in a named state, made through the actions that real ones are made through."""

from dataclasses import dataclass

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.partners.actions.clients import create_client, create_partner
from pratique.partners.actions.keys import issue_key
from pratique.partners.models import PartnerClient, PartnerKey
from tests.schools import BY, NOW


@dataclass(frozen=True)
class TestPartner:
    """A partner that can call: its client id and key as its own system would keep them, and the rows."""

    __test__ = False  # pytest would take it for tests, by its name

    client_id: str
    encryption_key: str
    client: PartnerClient
    key: PartnerKey


def a_partner(
    institution: Institution,
    *,
    environment: str = "production",
    acts_for: Institution | None = None,
    name: str = "",
    calls_per_minute: int = 60_000,
    now=NOW,
) -> TestPartner:
    """A partner with one client and one key that works; it acts for the institution itself if not told otherwise."""
    with institution_scope(institution.id):
        partner = create_partner(
            institution=institution, name=name or f"Partner {new_id().hex[-8:]}",
            contact_email="it@partner.example", by=BY, now=now,
        )  # fmt: skip
        client = create_client(
            partner=partner, environment=environment, acts_for=(acts_for or institution).id,
            calls_per_minute=calls_per_minute, by=BY, now=now,
        )  # fmt: skip
        issued = issue_key(client=client, by=BY, now=now, ends_previous_at=None)
    return TestPartner(client.identifier, issued.encryption_key, client, issued.key)
