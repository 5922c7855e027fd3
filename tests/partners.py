"""Partners in a named state, made through the actions that real ones are made through."""

from dataclasses import dataclass
from datetime import timedelta

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.partners.actions.clients import create_client, create_partner
from pratique.partners.actions.keys import issue_key
from pratique.partners.models import PartnerCall, PartnerClient, PartnerKey
from pratique.partners.types import ERRORS
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


CODES = ("OK", "OK", "OK", "OK", "NONCE_REPEATED", "STUDENT_UNKNOWN", "OK", "FIELD_INVALID")
DETAILS = {"FIELD_INVALID": "The date must be written as mm/dd/yyyy."}
METHODS = ("createUser", "getMembershipStatus", "getUser", "secureToken", "getPackageCounts")


def with_calls(held: TestPartner, number: int, *, until=NOW, apart=timedelta(minutes=1)) -> None:
    """Put `number` calls into the log of a client, the newest at `until`: five methods and four outcomes in turn."""
    institution = held.client.institution_id
    with institution_scope(institution):
        PartnerCall.objects.bulk_create(
            PartnerCall(
                institution_id=institution, client=held.client, at=until - count * apart,
                method=METHODS[count % len(METHODS)], code=CODES[count % len(CODES)],
                status=ERRORS[CODES[count % len(CODES)]].status if CODES[count % len(CODES)] != "OK" else 200,
                fingerprint=held.key.fingerprint, duration_ms=3 + count % 40, bytes_in=300 + count,
                bytes_out=120 + 7 * (count % 300), address=f"203.0.113.{count % 5}",
                detail=DETAILS.get(CODES[count % len(CODES)], ""),
            )
            for count in range(number)
        )  # fmt: skip
