"""Calls of the eight methods, as the wire hands them on: in one transaction of the institution acted for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, Tracker
from pratique.interfaces.partner.methods import answer
from pratique.partners.models import Environment
from pratique.partners.types import Caller, Refusal
from tests.schools import NOW

LATER = NOW + timedelta(hours=1)
CLIENT = "live_0123456789ABCDEFGHIJKL"
ALBERT = {
    "username": "amagnus", "vendorKey": "Azy834Itlw0", "firstName": "Albert", "lastName": "Magnus",
    "phone": "919-599-2917", "email": "albert.magnus@example.edu",
}  # fmt: skip
UNDERGRADUATE, NURSING = "Undergraduate - Fall 2026", "Nursing - Fall 2026"


def caller_of(institution: Institution) -> Caller:
    return Caller(
        client=new_id(), identifier=CLIENT, environment=Environment.PRODUCTION, institution_id=institution.id,
        acts_for=institution.id, key=new_id(), fingerprint="f" * 16, calls_per_minute=600,
    )  # fmt: skip


def code_of(institution: Institution) -> str:
    with institution_scope(institution.id):
        return Package.objects.get(is_default=True).code


def raw(institution: Institution, method: str, *, now: datetime = NOW, **values: Any) -> bytes:
    with institution_scope(institution.id):
        return answer(method, values, caller=caller_of(institution), now=now)


def ask(institution: Institution, method: str, *, now: datetime = NOW, **values: Any) -> dict[str, Any]:
    return orjson.loads(raw(institution, method, now=now, **values))


def refused(institution: Institution, method: str, **values: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        raw(institution, method, **values)
    return caught.value


def created(institution: Institution, *, now: datetime = NOW, **values: Any) -> dict[str, Any]:
    """Albert, or somebody else, on the school's package; what createUser answers."""
    return ask(
        institution, "createUser", now=now, **{**ALBERT, "registrationCode": code_of(institution), **values}
    )


def naming(institution: Institution, *, now: datetime = NOW, **values: Any) -> dict[str, str]:
    """A student made by createUser, as other calls name them, with the package."""
    made = created(institution, now=now, **values)
    return {
        "accountToken": made["accountToken"],
        "vendorKey": values.get("vendorKey", ALBERT["vendorKey"]),
        "code": values.get("registrationCode") or code_of(institution),
    }


def audited(institution: Institution, prefix: str = "partners:") -> list[tuple[str, str, Any]]:
    """(action, by, detail) of what partners did, in order."""
    with institution_scope(institution.id):
        found = AuditEvent.objects.filter(action__startswith=prefix).order_by("id")
        return list(found.values_list("action", "by", "detail"))


def named_tracker(institution: Institution, name: str, before: str = UNDERGRADUATE) -> None:
    """Give a tracker another name."""
    with institution_scope(institution.id):
        assert Tracker.objects.filter(name=before, package__is_default=True).update(name=name) == 1


def long(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
