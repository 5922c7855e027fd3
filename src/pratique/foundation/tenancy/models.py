"""Base classes for tenant-owned models.

Each tenant-owned table has the primary key (institution_id, id), and each reference between two of them is a
composite foreign key that carries the institution along. So a reference to another school's row is refused by the
database as if that row did not exist: its id cannot even be guessed at. (Foreign-key checks bypass row security;
a plain reference by id would tell "exists" from "does not".)
"""

from typing import Any
from uuid import UUID

from django.db import models

from pratique.foundation.ids import new_id


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]  # not subscriptable at run time
    """A reference to a row of the same institution; the composite constraint comes from `operations.Protect`."""

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **options: Any) -> None:
        options["db_constraint"] = False
        super().__init__(to, on_delete, **options)


class TenantModel(models.Model):
    """A row of one institution. `institution_id` leads its key, its unique constraints and its hot indexes."""

    # A field's type is Any: one model of ours counts instead (compliance.StatusChange).
    id: Any = models.UUIDField(primary_key=True, default=new_id, editable=False)
    institution_id: UUID

    class Meta:
        abstract = True
