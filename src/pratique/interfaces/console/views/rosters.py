"""Roster import: the list, and one import from its file to its results."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.interfaces.console import people, roster_mapping
from pratique.rosters import actions, queries
from pratique.rosters.csvfile import CsvFileError
from pratique.rosters.models import ImportState, RosterImport, RowOutcome
from pratique.rosters.policies import WrongStateError
from pratique.screens.downloads import streamed
from pratique.screens.paging import Page, page_number
from pratique.screens.permissions import requires

_LARGEST = 64 * 1024 * 1024  # contracts/file-transfer.md, "Inbound files"
_IMPORTS_A_PAGE, _ROWS_A_PAGE = 25, 25


@requires(Permission.IMPORT_ROSTERS)
@require_safe
def rosters(request: HttpRequest) -> HttpResponse:
    imports = queries.recent()
    total = imports.count()
    number = page_number(request.GET, total=total, size=_IMPORTS_A_PAGE)
    shown = list(imports[(number - 1) * _IMPORTS_A_PAGE : number * _IMPORTS_A_PAGE])
    return render(
        request,
        "console/rosters/list.html",
        {
            "page": Page(shown, number, _IMPORTS_A_PAGE, total),
            "people": people.names(one.received_by for one in shown),
        },
    )


@requires(Permission.IMPORT_ROSTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def roster_upload(request: HttpRequest) -> HttpResponse:
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            error = _("Choose a file first.")
        elif (file.size or 0) > _LARGEST:
            error = _("This file is larger than 64 MB. Split it, and import the parts one after the other.")
        else:
            roster_import = actions.receive(
                institution=people.staff(request).institution,
                file_name=file.name or "roster.csv",
                content=file.read(),
                source="console",
                by=people.actor(request),
                now=clock.now(),
            )
            return redirect("roster_columns", roster_import.id)
    return render(request, "console/rosters/upload.html", {"error": error}, status=422 if error else 200)


@requires(Permission.IMPORT_ROSTERS)
@require_http_methods(["GET", "HEAD", "POST"])
def roster_columns(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Say which column of the file is which of our fields, and have the file checked."""
    roster_import = _find(import_id)
    if roster_import.state not in {ImportState.RECEIVED, ImportState.READY, ImportState.FAILED}:
        return redirect("roster", import_id)
    try:
        choices = queries.mapping_choices(roster_import)
    except CsvFileError as refusal:
        return render(
            request,
            "console/rosters/unreadable.html",
            {"roster_import": roster_import, "refusal": refusal},
            status=422,
        )
    except queries.ContentGoneError:
        messages.error(request, _("The file itself is no longer kept. Import it again."))
        return redirect("roster_upload")
    student_id_required = people.staff(request).institution.student_id_required
    mapping, errors = roster_import.mapping, {}
    if request.method == "POST":
        mapping = roster_mapping.read(request.POST, choices.header)
        errors = roster_mapping.errors(mapping, student_id_required=student_id_required)
        if not errors:
            return _ask(request, roster_import, "check", mapping=mapping)
    return render(
        request,
        "console/rosters/columns.html",
        {
            "roster_import": roster_import,
            "choices": choices,
            "samples": roster_mapping.samples(choices),
            "fields": roster_mapping.rows(
                choices, mapping, student_id_required=student_id_required, errors=errors
            ),
            "errors": errors,
        },
        status=422 if errors else 200,
    )


@requires(Permission.IMPORT_ROSTERS)
@require_safe
def roster(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Show an import as far as it is: being checked, its preview, being applied, its results, or its refusal."""
    roster_import = _find(import_id)
    if roster_import.state == ImportState.RECEIVED:
        return redirect("roster_columns", import_id)
    shown = {
        "roster_import": roster_import,
        "people": people.names([roster_import.received_by, roster_import.applied_by]),
    }
    if roster_import.state in {ImportState.CHECKING, ImportState.APPLYING}:
        shown["progress"] = queries.progress(roster_import)
        return render(request, "console/rosters/running.html", shown)
    if roster_import.state in {ImportState.FAILED, ImportState.CANCELLED}:
        return render(request, f"console/rosters/{roster_import.state}.html", shown)
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in RowOutcome.values else ""
    results = queries.row_results(roster_import, outcome=outcome)
    total = results.count()
    number = page_number(request.GET, total=total, size=_ROWS_A_PAGE)
    rows = list(results[(number - 1) * _ROWS_A_PAGE : number * _ROWS_A_PAGE])
    shown |= {
        "kinds": queries.problem_kinds(roster_import),
        "page": Page(rows, number, _ROWS_A_PAGE, total),
        "outcome": outcome,
        "outcomes": [(value, roster_import.counts.get(value, 0)) for value in RowOutcome.values],
    }
    return render(request, f"console/rosters/{roster_import.state}.html", shown)


@requires(Permission.IMPORT_ROSTERS)
@require_POST
def roster_confirm(request: HttpRequest, import_id: UUID) -> HttpResponse:
    return _ask(request, _find(import_id), "confirm")


@requires(Permission.IMPORT_ROSTERS)
@require_POST
def roster_cancel(request: HttpRequest, import_id: UUID) -> HttpResponse:
    return _ask(request, _find(import_id), "cancel")


@requires(Permission.IMPORT_ROSTERS)
@require_safe
def roster_results(request: HttpRequest, import_id: UUID) -> HttpResponseBase:
    """Download the results, or with `?problems` only the rows that have any."""
    roster_import = _find(import_id)
    problems = "problems" in request.GET
    if roster_import.state not in (ImportState.READY, ImportState.APPLIED):
        raise Http404
    audit.record(
        "console:roster_results:downloaded",
        institution_id=roster_import.institution_id,
        by=people.actor(request),
        now=clock.now(),
        subject_type="roster_import",
        subject_id=roster_import.id,
        detail={"problems_only": problems},
    )
    return streamed(
        lambda: queries.results_csv(roster_import, problems_only=problems),
        institution_id=roster_import.institution_id,
        file_name=f"{roster_import.file_name.removesuffix('.csv')}-{'problems' if problems else 'results'}.csv",
    )


def _find(import_id: UUID) -> RosterImport:
    found = queries.recent().filter(id=import_id).first()
    if found is None:
        raise Http404
    return found


def _ask(request: HttpRequest, roster_import: RosterImport, verb: str, **more: object) -> HttpResponse:
    """Ask for `verb` and show the import; one that has moved on meanwhile says so."""
    ask = {"check": actions.request_check, "confirm": actions.confirm, "cancel": actions.cancel}[verb]
    try:
        ask(roster_import=roster_import, by=people.actor(request), now=clock.now(), **more)
    except WrongStateError as error:
        messages.error(request, str(error))
    return redirect("roster", roster_import.id)
