"""The catalogue, one report, and the files that are made of them."""

from uuid import UUID

from django.contrib import messages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import charts, people, report_page
from pratique.reports import actions, policies, queries
from pratique.reports.catalogue import REPORTS
from pratique.reports.models import ReportRun
from pratique.reports.types import CONTENT_TYPES, Format, ReportDefinition, ReportError
from pratique.screens.paging import Page, wanted_page
from pratique.screens.permissions import requires

_ROWS_A_PAGE, _RUNS = 50, 20
# Up to here a download begins at once; beyond, it is made in the background, with its progress to watch.
_AT_ONCE = 20_000


@requires(Permission.VIEW_REPORTS)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:100]
    found = [
        one
        for one in queries.catalogue_for(people.staff(request).role)
        if all(word in f"{one.title} {one.description}".casefold() for word in search.casefold().split())
    ]
    runs = list(queries.recent_runs(limit=_RUNS))
    return render(
        request,
        "console/reports/catalogue.html",
        {
            "reports": found,
            "search": search,
            "runs": _with_titles(runs),
            "people": people.names(run.requested_by for run in runs),
        },
    )


@requires(Permission.VIEW_REPORTS)
@require_safe
def report(request: HttpRequest, key: str) -> HttpResponse:
    definition = _definition(request, key)
    raw = report_page.raw_parameters(definition, request.GET)
    parsed = queries.parse_parameters(key, raw)
    shown = {
        "definition": definition,
        "fields": report_page.fields(
            definition, queries.filter_choices(key), parsed.parameters, raw, parsed.errors
        ),
        "errors": parsed.errors,
        "formats": [Format.CSV, Format.XLSX],
    }
    if parsed.errors:
        return render(request, "console/reports/report.html", shown, status=422)
    now = clock.now()
    try:
        table = queries.table(
            key,
            parsed.parameters,
            now=now,
            sort=request.GET.get("sort", ""),
            page=wanted_page(request.GET),
            page_size=_ROWS_A_PAGE,
        )
        chart = queries.chart(key, parsed.parameters, now=now)
    except ReportError as error:
        return render(
            request, "console/reports/report.html", shown | {"errors": {"": str(error)}}, status=422
        )
    rows = [
        [(column, report_page.cell(column, value)) for column, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    shown |= {
        "table": table,
        "page": Page(rows, table.page, table.page_size, table.total),
        "chart": chart,
        "chart_data": charts.of_report(chart) if chart else None,
    }
    return render(request, "console/reports/report.html", shown)


@requires(Permission.DOWNLOAD_REPORTS)
@require_POST
def report_download(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send the report's file: at once if it is short, else as a run whose progress can be watched."""
    definition = _definition(request, key)
    institution, by, now = people.staff(request).institution, people.actor(request), clock.now()
    try:
        format = queries.parse_format(request.POST.get("format", ""))
        parameters = queries.checked_parameters(key, report_page.raw_parameters(definition, request.POST))
        rows = queries.count(key, parameters, now=now)
        if rows > _AT_ONCE:
            run = actions.start_run(
                institution_id=institution.id, key=key, parameters=parameters, format=format, by=by, now=now
            )
            return redirect("report_run", run.id)
        blocks = actions.export(
            institution_id=institution.id,
            key=key,
            parameters=parameters,
            format=format,
            by=by,
            now=now,
            sort=request.POST.get("sort", ""),
        )
    except ReportError as error:
        messages.error(request, str(error))
        return redirect("report", key)
    name = queries.file_name(key, format, slug=institution.slug, now=now, time_zone=institution.time_zone)
    return StreamingHttpResponse(
        blocks,
        content_type=CONTENT_TYPES[format],
        headers={"Content-Disposition": content_disposition_header(True, name) or "attachment"},
    )


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run = _run(run_id)
    taken = queries.downloads_of(run_id)
    return render(
        request,
        "console/reports/run.html",
        {
            "run": run,
            "title": _title(run),
            "can_be_downloaded": policies.run_can_be_downloaded(run),
            "can_be_cancelled": policies.run_can_be_cancelled(run),
            "taken": taken,
            "people": people.names([run.requested_by, *(by for by, _at in taken)]),
        },
    )


@requires(Permission.DOWNLOAD_REPORTS)
@require_POST
def report_run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    _run(run_id)
    actions.cancel_run(
        institution_id=people.staff(request).institution_id,
        run_id=run_id,
        by=people.actor(request),
        now=clock.now(),
    )
    return redirect("report_run", run_id)


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_run_file(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    _run(run_id)
    try:
        run, path = actions.download_run(
            institution_id=people.staff(request).institution_id,
            run_id=run_id,
            by=people.actor(request),
            now=clock.now(),
        )
    except ReportError as error:
        messages.error(request, str(error))
        return redirect("report_run", run_id)
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=run.file_name,
        content_type=CONTENT_TYPES[Format(run.format)],
    )


def _definition(request: HttpRequest, key: str) -> ReportDefinition:
    """Return the report if this role may see it; another one is as good as none."""
    for one in queries.catalogue_for(people.staff(request).role):
        if one.key == key:
            return one
    raise Http404


def _run(run_id: UUID) -> ReportRun:
    found = queries.run_by_id(run_id)
    if found is None:
        raise Http404
    return found


def _title(run: ReportRun) -> str:
    return str(REPORTS[run.report_key].title) if run.report_key in REPORTS else run.report_key


def _with_titles(runs: list[ReportRun]) -> list[tuple[ReportRun, str]]:
    return [(run, _title(run)) for run in runs]
