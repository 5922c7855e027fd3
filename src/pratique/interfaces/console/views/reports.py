"""The catalogue and one report: its page, and the file that is taken away at once."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import (
    charts,
    people,
    report_address,
    report_list,
    report_page,
    report_words,
)
from pratique.reports import actions, policies, queries
from pratique.reports.types import CONTENT_TYPES, Format, ReportDefinition, ReportError, saved_id
from pratique.screens.paging import Page
from pratique.screens.permissions import requires

_ROWS_A_PAGE, _RUNS = 50, 20
# Up to here a download begins at once; beyond, it is made in the background, with its progress to watch.
_AT_ONCE = 20_000


@requires(Permission.VIEW_REPORTS)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:100]
    groups = report_list.groups(request, search)
    runs = report_list.titled(request, queries.recent_runs(limit=_RUNS))
    return render(
        request,
        "console/reports/catalogue.html",
        {
            "groups": groups,
            "count": sum(len(group.entries) for group in groups),
            "search": search,
            "runs": runs,
            "people": people.names(run.requested_by for run, _title in runs),
        },
    )


@requires(Permission.VIEW_REPORTS)
@require_POST
def report_favourite(request: HttpRequest) -> HttpResponse:
    """Put a report at the top of one's own catalogue, or back to its place, and go back to where the star is."""
    wanted = "add" in request.POST
    key = request.POST.get("add" if wanted else "remove", "")
    report_list.find(request, key)
    actions.set_favourite(user=people.staff(request), key=key, wanted=wanted)
    if request.POST.get("page") == "report":
        query = request.POST.get("query", "")
        return redirect(reverse("report", args=[key]) + (f"?{query}" if query else ""))
    search = request.POST.get("q", "").strip()[:100]
    return redirect(reverse("reports", query={"q": search} if search else None))


@requires(Permission.VIEW_REPORTS)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, key: str) -> HttpResponse:
    """A report as its address asks for it. Filters that name a person come by POST, and leave with an id."""
    definition = report_list.find(request, key)
    if request.method == "POST":
        return _chosen(request, definition)
    tidy = report_address.tidied(definition, request.GET)
    if tidy is not None:
        return redirect(f"{request.path}?{tidy}" if tidy else request.path)
    asked = report_address.read(definition, request.GET)
    parsed = queries.parse_parameters(key, asked.raw)
    missing = report_page.missing(definition, asked.raw)
    asked_for = {name for one in missing for name in one.parameter_names}
    errors = {name: sentence for name, sentence in parsed.errors.items() if name not in asked_for}
    shown = _frame(request, definition, asked.raw, parsed.parameters, errors)
    if errors:
        return _page(request, shown | {"errors": errors}, status=422)
    if missing:
        return _page(request, shown | {"missing": missing})
    try:
        shown |= _result(request, definition, asked, parsed.parameters)
    except ReportError as error:
        return _page(request, shown | {"errors": {"": str(error)}}, status=422)
    return _page(request, shown)


@requires(Permission.DOWNLOAD_REPORTS)
@require_POST
def report_download(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send the report's file: at once if it is short, else as a run whose progress can be watched."""
    definition = report_list.find(request, key)
    institution, by, now = people.staff(request).institution, people.actor(request), clock.now()
    asked = report_address.read(definition, request.POST)
    try:
        format = queries.parse_format(request.POST.get("format", ""))
        parameters = queries.checked_parameters(key, asked.raw)
        rows = queries.count(key, parameters, now=now)
        what: dict[str, Any] = {
            "institution_id": institution.id, "key": key, "parameters": parameters, "format": format, "by": by,
            "now": now, "sort": asked.sort, "layout": asked.layout(definition),
        }  # fmt: skip
        if rows > _AT_ONCE:
            return redirect("report_run", actions.start_run(**what).id)
        blocks = actions.export(**what)
        if format is Format.FIXED:
            # A value that is too long for its place is found on the way: half a file would look like a whole one.
            blocks = iter(list(blocks))
    except ReportError as error:
        messages.error(request, str(error))
        if request.POST.get("format") == Format.FIXED:
            messages.info(request, _("Widths are set in a schedule’s form; the other formats need none."))
        return _back_to(definition, asked)
    name = queries.file_name(key, format, slug=institution.slug, now=now, time_zone=institution.time_zone)
    return StreamingHttpResponse(
        blocks,
        content_type=CONTENT_TYPES[format],
        headers={"Content-Disposition": content_disposition_header(True, name) or "attachment"},
    )


def _back_to(definition: ReportDefinition, asked: report_address.Asked) -> HttpResponse:
    """Go back to the report as it was, with its filters, columns and order."""
    query = report_address.write(definition, asked.raw, columns=asked.columns, sort=asked.sort)
    return redirect(reverse("report", args=[definition.key]) + (f"?{query}" if query else ""))


def _chosen(request: HttpRequest, definition: ReportDefinition) -> HttpResponse:
    """Go to the report of what was typed; where that could be several students, ask which."""
    asked = report_address.read(definition, request.POST)
    parsed = queries.parse_parameters(definition.key, asked.raw)
    if not parsed.errors:
        query = report_address.write(definition, parsed.parameters, columns=asked.columns, sort=asked.sort)
        return redirect(f"{request.path}?{query}")
    shown = _frame(request, definition, asked.raw, parsed.parameters, parsed.errors) | {
        "errors": parsed.errors
    }
    unknown = next((one for one in shown["fields"] if one.widget == "student" and one.error), None)
    if unknown and len(parsed.errors) == 1 and (found := report_page.matches(unknown.first)):
        # Part of a name is no mistake: it only wants to be said more closely.
        fields = [replace(one, error="") if one is unknown else one for one in shown["fields"]]
        rest = {name: value for name, value in asked.raw.items() if name != unknown.key}
        query = report_address.write(definition, rest, columns=asked.columns, sort=asked.sort)
        return _page(
            request,
            shown
            | {"fields": fields, "matches": found, "rest": query, "asks_for": unknown.key, "errors": {}},
        )
    return _page(request, shown, status=422)


def _frame(
    request: HttpRequest, definition: ReportDefinition, raw: Any, parameters: Any, errors: Any
) -> dict[str, Any]:
    """Return what the page has whether or not there is a result."""
    user, key = people.staff(request), definition.key
    fields = report_page.fields(definition, queries.filter_choices(key), parameters, raw, errors)
    given = request.POST if request.method == "POST" else request.GET
    own = {*definition.parameter_names, "csrfmiddlewaretoken"}
    saved = report_list.find_saved(request, key) if saved_id(key) else None
    return {
        "definition": definition,
        "fields": fields,
        "carried": report_address.carried(given, own),
        "names_students": any(field.widget == "student" for field in fields),
        "is_favourite": key in queries.favourites(user),
        "saved": saved,
        "maker": people.names([saved.created_by])[saved.created_by] if saved else "",
        "shared_with": report_list.roles_in_words(saved.shared_with) if saved else "",
        "may_change": saved is not None and policies.may_change_report(saved, user),
    }


def _result(
    request: HttpRequest, definition: ReportDefinition, asked: report_address.Asked, parameters: Any
) -> dict[str, Any]:
    key, now, layout = definition.key, clock.now(), asked.layout(definition)
    table = queries.table(
        key, parameters, now=now, sort=asked.sort, page=asked.page, page_size=_ROWS_A_PAGE, layout=layout
    )
    chart = queries.chart(key, parameters, now=now)
    query = report_address.write(definition, asked.raw, columns=asked.columns, sort=asked.sort)
    return {
        "table": table,
        "page": Page(report_page.rows(table), table.page, table.page_size, table.total),
        "chart": chart,
        "chart_data": charts.of_report(chart) if chart else None,
        "chart_rows": charts.rows(chart) if chart else [],
        "formats": report_words.FORMATS,
        "query": query,
        "asked": report_address.pairs(query),
        "address": request.build_absolute_uri(f"?{query}" if query else request.path),
        "schedule_query": report_address.for_schedule(definition, asked),
    }


def _page(request: HttpRequest, shown: dict[str, Any], *, status: int = 200) -> HttpResponse:
    if fields := shown.get("fields"):
        shown["waits_for"] = report_words.WAITS_FOR.get(shown["definition"].key, "")
        shown["chips"] = report_page.chips(shown["definition"], fields, request.GET)
    return render(request, "console/reports/report.html", shown, status=status)
