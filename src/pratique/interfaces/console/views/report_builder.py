"""Building a report: what a row is, its columns, filters and order, with the first rows beside; kept and shared."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import ROLES, STAFF_ROLES, Permission, Role, role_allows
from pratique.foundation import clock
from pratique.interfaces.console import (
    people,
    report_address,
    report_columns,
    report_draft,
    report_list,
    report_page,
    report_words,
)
from pratique.interfaces.console.report_draft import Draft
from pratique.reports import actions, policies, queries
from pratique.reports.models import SavedReport
from pratique.reports.statements import UnknownSortError
from pratique.reports.types import (
    Column,
    Layout,
    Parameters,
    ReportDefinition,
    ReportError,
    saved_key,
)
from pratique.screens.permissions import granted, requires

_PREVIEW_ROWS = 8
_ENDS = ("save", "show")  # the buttons that end the building
# Addresses longer than this are not kept: the work is, in the form.
_LONGEST_ADDRESS = 6000


@requires(Permission.VIEW_REPORTS)
@require_safe
def report_bases(request: HttpRequest) -> HttpResponse:
    """Choose what a row is."""
    definitions = {one.key: one for one in queries.catalogue_for(people.staff(request).role)}
    first = [(definitions[key], says) for key, says in report_words.ROWS.items() if key in definitions]
    return render(
        request,
        "console/reports/bases.html",
        {
            "bases": first,
            "others": [one for key, one in definitions.items() if key not in report_words.ROWS],
        },
    )


@requires(Permission.VIEW_REPORTS)
@require_http_methods(["GET", "HEAD", "POST"])
def report_build(request: HttpRequest, key: str) -> HttpResponse:
    """Build a report on another one: the columns, filters and order are those of the address, to begin with."""
    definition = report_list.find(request, key)
    return _builder(request, definition, None)


@requires(Permission.VIEW_REPORTS)
@require_http_methods(["GET", "HEAD", "POST"])
def report_change(request: HttpRequest, key: str) -> HttpResponse:
    """Change a report of one's own; an administrator changes any."""
    saved = _own(request, key)
    return _builder(request, report_list.find(request, key), saved)


@requires(Permission.VIEW_REPORTS)
@require_http_methods(["GET", "HEAD", "POST"])
def report_delete(request: HttpRequest, key: str) -> HttpResponse:
    """Say what goes, and delete a saved report."""
    saved = _own(request, key)
    if request.method == "POST":
        actions.delete_report(saved=saved, by=people.actor(request), now=clock.now())
        messages.success(request, _("“%(name)s” is deleted.") % {"name": saved.name})
        return redirect("reports")
    return render(
        request,
        "console/reports/delete.html",
        {"saved": saved, "key": key, "shared_with": report_list.roles_in_words(saved.shared_with)},
    )


def _builder(request: HttpRequest, definition: ReportDefinition, saved: SavedReport | None) -> HttpResponse:
    now, base = clock.now(), definition.base or definition.key
    given = request.POST if request.method == "POST" else request.GET
    raw = report_address.raw_parameters(definition, given)
    parsed = queries.parse_parameters(definition.key, raw)
    columns = queries.columns(base, parsed.parameters, now=now)
    deed = request.POST.get(report_draft.DEED, "")
    draft = (
        report_draft.typed(definition, columns, request.POST)
        if request.method == "POST"
        else report_draft.begun(definition, columns, request.GET, saved)
    )
    missing = report_page.missing(definition, raw)
    asked_for = {name for one in missing for name in one.parameter_names}
    errors = {name: sentence for name, sentence in parsed.errors.items() if name not in asked_for}
    if not draft.picked and deed in _ENDS:
        errors["columns"] = _("Choose at least one column.")
    address = draft.address(definition, columns)
    if deed == "show" and not errors:
        return _go(request, reverse("report", args=[definition.key]) + (f"?{address}" if address else ""))
    if deed == "save" and not errors:
        try:
            kept = _keep(request, definition, draft, parsed.parameters, columns, saved)
        except ReportError as error:
            errors[getattr(error, "field", "")] = str(error)
        else:
            messages.success(request, _("“%(name)s” is saved.") % {"name": kept.name})
            return _go(request, reverse("report", args=[saved_key(kept.id)]))
    shown: dict[str, Any] = {}
    if draft.picked and not errors.keys() & {*definition.parameter_names} and not missing:
        try:
            shown = _preview(base, draft, parsed.parameters, now)
        except ReportError as error:
            errors["sort" if isinstance(error, UnknownSortError) else ""] = str(error)
    own = {"name", "description", "shared_with", "columns", "sort", *definition.parameter_names}
    answer = render(
        request,
        "console/reports/builder.html",
        shown
        | {
            "definition": definition,
            "base": queries.definition(base),
            "saved": saved,
            "draft": draft,
            "lines": report_columns.lines(columns, draft.picked),
            "addable": report_columns.sections(columns, draft.picked),
            "sorts": _sorts(columns, draft),
            "fields": report_page.fields(
                definition, queries.filter_choices(base), parsed.parameters, raw, errors
            ),
            "roles": _roles(definition),
            "missing": missing,
            "errors": errors,
            "other_errors": [sentence for name, sentence in errors.items() if name not in own],
            "said": report_draft.said(draft, deed, columns),
            "address": address,
        },
        status=422 if errors and deed in _ENDS else 200,
    )
    if len(address) <= _LONGEST_ADDRESS:
        # The address follows the work, so that reloading loses none of it.
        answer.headers["HX-Replace-Url"] = f"{request.path}?{address}" if address else request.path
    return answer


def _preview(base: str, draft: Draft, parameters: Parameters, now: datetime) -> dict[str, Any]:
    table = queries.table(
        base, parameters, now=now, sort=draft.sort, page_size=_PREVIEW_ROWS, layout=Layout(draft.picked)
    )
    return {"table": table, "rows": report_page.rows(table)}


def _keep(
    request: HttpRequest,
    definition: ReportDefinition,
    draft: Draft,
    parameters: Parameters,
    columns: Sequence[Column],
    saved: SavedReport | None,
) -> SavedReport:
    may_share = Permission.SHARE_REPORTS in granted(request)
    what: dict[str, Any] = {
        "name": draft.name,
        "description": draft.description,
        "parameters": parameters,
        "layout": draft.to_keep(definition.layout, columns),
        "sort": draft.sort,
        # Who may not share keeps what is: an administrator may have shared it for them.
        "shared_with": draft.shared_with if may_share else tuple(saved.shared_with) if saved else (),
        "by": people.actor(request),
        "now": clock.now(),
    }
    if saved is not None:
        return actions.change_report(saved=saved, **what)
    institution = people.staff(request).institution
    return actions.save_report(institution=institution, base=definition.base or definition.key, **what)


def _own(request: HttpRequest, key: str) -> SavedReport:
    saved = report_list.find_saved(request, key)
    if not policies.may_change_report(saved, people.staff(request)):
        raise PermissionDenied
    return saved


def _roles(definition: ReportDefinition) -> list[tuple[str, str | Promise]]:
    """Return the roles that a report can be shared with. Administrators see every report."""
    return [
        (role.value, ROLES[role].name)
        for role in STAFF_ROLES
        if role != Role.ADMINISTRATOR and role_allows(role, definition.permission)
    ]


def _sorts(columns: Sequence[Column], draft: Draft) -> list[Column]:
    keys = {one.key for one in draft.picked} | {draft.sort_by}
    return [column for column in columns if column.sortable and column.key in keys]


def _go(request: HttpRequest, address: str) -> HttpResponse:
    """Go to another page as a whole, with or without htmx."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)
