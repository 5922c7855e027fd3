"""Whose files the vault keeps, as commands name them: institutions by slug, transfer accounts by username."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from pratique.delivery.models import Destination
from pratique.foundation.storage import BlobStore
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.actions.rotating import SealedColumn
from pratique.foundation.vault.keys import ACCOUNT
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids
from pratique.partners.actions.keys import sealed_name
from pratique.partners.models import PartnerKey
from pratique.transfers.models import TransferAccount

# What is sealed with an institution's data key and lies in rows rather than in the storage.
COLUMNS = (
    SealedColumn(PartnerKey, "sealed", sealed_name),
    SealedColumn(Destination, "secret", lambda row: f"destination/{row.id}"),
)


@dataclass(frozen=True)
class Owner:
    """Somebody with data keys: an institution, or one of its transfer accounts."""

    institution_id: UUID
    id: UUID
    name: str

    @property
    def is_account(self) -> bool:
        return self.id != self.institution_id

    def names(self, store: BlobStore) -> list[str]:
        """Return the names of the owner's stored files, sorted."""
        if self.is_account:
            return sorted(store.names(institution_id=self.institution_id, prefix=f"{ACCOUNT}{self.id}/"))
        every = store.names(institution_id=self.institution_id)
        return sorted(name for name in every if not name.startswith(ACCOUNT))


def schools() -> list[Institution]:
    """Return every institution, by slug."""
    return [_school(institution_id) for institution_id in all_institution_ids()]


def owners_in(school: Institution) -> list[Owner]:
    """Return an institution and its transfer accounts, closed ones too: their files may still be there."""
    with institution_scope(school.id):
        accounts = TransferAccount.objects.order_by("username").values_list("id", "username")
        return [Owner(school.id, school.id, school.slug)] + [
            Owner(school.id, account_id, username) for account_id, username in accounts
        ]


def find_owner(*, account: str, institution: str) -> Owner | None:
    """Return the owner that a command names, by the one of the two that is not empty."""
    for owner in _all():
        if owner.is_account and owner.name == account:
            return owner
        if not owner.is_account and owner.name == institution:
            return owner
    return None


def _all() -> Iterator[Owner]:
    for school in schools():
        yield from owners_in(school)


def _school(institution_id: UUID) -> Institution:
    with institution_scope(institution_id):
        return Institution.objects.get(id=institution_id)
