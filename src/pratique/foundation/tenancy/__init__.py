"""Tenancy: every tenant-owned row belongs to one institution, and PostgreSQL itself keeps it so.

`institution_scope` names the institution for one transaction; row-level security does the rest. The application's
role has no BYPASSRLS, so a query that forgets its filter still sees one institution, and with none set it sees
nothing. Models get their protection from `fields` and `operations`.
"""

from pratique.foundation.tenancy.prepared import in_batches, run_later, run_prepared, settle
from pratique.foundation.tenancy.scope import (
    OtherInstitutionError,
    capability,
    current_institution,
    enter_institution,
    institution_scope,
)

__all__ = [
    "OtherInstitutionError",
    "capability",
    "current_institution",
    "enter_institution",
    "in_batches",
    "institution_scope",
    "run_later",
    "run_prepared",
    "settle",
]
