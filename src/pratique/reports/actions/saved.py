"""Reports that people build: saved, changed, deleted. What they hold was checked here, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from pratique.accounts.roles import STAFF_ROLES, role_allows
from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import catalogue, filters, layouts, queries
from pratique.reports.models import SavedReport
from pratique.reports.statements import choosable, compiled
from pratique.reports.types import Layout, Parameters, ReportError

MAX_NAME = 120
MAX_DESCRIPTION = 300


class SavedReportError(ReportError):
    """A report cannot be saved as asked; `field` says what to mend: name, description or shared_with."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def save_report(
    *,
    institution: Institution,
    name: str,
    description: str = "",
    base: str,
    parameters: Parameters,
    layout: Layout,
    sort: str = "",
    shared_with: Sequence[str] = (),
    by: audit.Actor,
    now: datetime,
) -> SavedReport:
    """Save a report: the rows of the report `base`, with filters, columns and order of its own.

    `parameters` were checked (`queries.checked_parameters`); one that the report needs may be left to whoever opens
    it. Whether `by` may share is said by SHARE_REPORTS, and asked by whoever calls. Raises SavedReportError,
    LayoutError, UnknownReportError and UnknownSortError.
    """
    with institution_scope(institution.id):
        values = _checked(name, description, base, parameters, layout, sort, shared_with, now)
        _refuse_second(values["name"], str(by))
        saved = SavedReport.objects.create(
            institution=institution, base=base, created_at=now, created_by=str(by), changed_at=now, **values
        )
        _record("saved", saved, by, now)
    return saved


def change_report(
    *,
    saved: SavedReport,
    name: str,
    description: str = "",
    parameters: Parameters,
    layout: Layout,
    sort: str = "",
    shared_with: Sequence[str] = (),
    by: audit.Actor,
    now: datetime,
) -> SavedReport:
    """Change a saved report; its base stays. What is scheduled follows, but for filters of its own.

    Raises what `save_report` raises, and UnknownReportError if it was deleted meanwhile.
    """
    with institution_scope(saved.institution_id):
        kept = _kept(saved)
        values = _checked(name, description, kept.base, parameters, layout, sort, shared_with, now)
        _refuse_second(values["name"], kept.created_by, but=kept.id)
        for field, value in values.items():
            setattr(kept, field, value)
        kept.changed_at = now
        kept.save()
        _record("changed", kept, by, now)
    return kept


def delete_report(*, saved: SavedReport, by: audit.Actor, now: datetime) -> None:
    """Delete a saved report; what was made of it stays. Raises UnknownReportError if it is deleted already."""
    with institution_scope(saved.institution_id):
        kept = _kept(saved)
        kept.deleted_at, kept.deleted_by = now, str(by)
        kept.save()
        _record("deleted", kept, by, now)


def _kept(saved: SavedReport) -> SavedReport:
    kept = SavedReport.objects.select_for_update().filter(id=saved.id, deleted_at__isnull=True).first()
    if kept is None:
        raise catalogue.UnknownReportError(_("There is no such report. Somebody may have deleted it."))
    return kept


def _refuse_second(name: str, created_by: str, *, but: UUID | None = None) -> None:
    """Refuse a name that another report of the same person has, in any case: nobody could tell the two apart."""
    with connection.cursor() as cursor:
        # One after the other: a button pressed twice asks twice at the same moment.
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"report:{created_by}"])
    same = SavedReport.objects.filter(created_by=created_by, name__iexact=name, deleted_at__isnull=True)
    if but is not None:
        same = same.exclude(id=but)
    if same.exists():
        raise SavedReportError(
            _("A saved report of this name is there already. Choose another name."), "name"
        )


def _checked(
    name: str,
    description: str,
    base: str,
    parameters: Parameters,
    layout: Layout,
    sort: str,
    shared_with: Sequence[str],
    now: datetime,
) -> Mapping[str, Any]:
    definition = catalogue.definition(base)
    name, description = layouts.one_line(name), layouts.one_line(description)
    if not name:
        raise SavedReportError(_("Give the report a name."), "name")
    if len(name) > MAX_NAME:
        raise SavedReportError(_("A name has %(limit)d characters at most.") % {"limit": MAX_NAME}, "name")
    if len(description) > MAX_DESCRIPTION:
        raise SavedReportError(
            _("A description has %(limit)d characters at most.") % {"limit": MAX_DESCRIPTION}, "description"
        )
    roles = [role.value for role in STAFF_ROLES if role.value in set(shared_with)]
    if set(shared_with) - set(roles) or not all(role_allows(role, definition.permission) for role in roles):
        raise SavedReportError(_("Share it with roles that may see the report it is made of."), "shared_with")
    context = queries.context(now)
    layout = layouts.checked(layout, choosable(definition, parameters, context))
    if not filters.missing(definition.filters, parameters):
        compiled(definition, parameters, context, sort=sort, layout=layout)
    return {
        "name": name,
        "description": description,
        "parameters": dict(parameters),
        "layout": layouts.to_data(layout),
        "sort": sort,
        "shared_with": roles,
    }


def _record(deed: str, saved: SavedReport, by: audit.Actor, now: datetime) -> None:
    audit.record(
        f"reports:report:{deed}",
        institution_id=saved.institution_id,
        by=by,
        now=now,
        subject_type="saved_report",
        subject_id=saved.id,
        detail={"base": saved.base, "shared_with": saved.shared_with},
    )
