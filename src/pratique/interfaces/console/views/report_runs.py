"""Files of reports that are made in the background, and who took which report away when."""

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, report_history, report_list
from pratique.reports import actions, policies, queries
from pratique.reports.models import ReportRun
from pratique.reports.types import CONTENT_TYPES, Format, ReportError
from pratique.screens.permissions import requires


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_history_page(request: HttpRequest, key: str) -> HttpResponse:
    """Who had this report made or taken away, latest first."""
    definition = report_list.find(request, key)
    taken = report_history.lines(key, now=clock.now())
    return render(
        request,
        "console/reports/history.html",
        {
            "definition": definition,
            "lines": taken,
            "days": report_history.DAYS,
            "people": people.names(by for line in taken for by in (line.by, *line.taken_by)),
        },
    )


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    run, title = _run(request, run_id)
    taken = queries.downloads_of(run_id)
    return render(
        request,
        "console/reports/run.html",
        {
            "run": run,
            "title": title,
            "can_be_downloaded": policies.run_can_be_downloaded(run),
            "can_be_cancelled": policies.run_can_be_cancelled(run),
            "taken": taken,
            "people": people.names([run.requested_by, *(by for by, _at in taken)]),
        },
    )


@requires(Permission.DOWNLOAD_REPORTS)
@require_POST
def report_run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    _run(request, run_id)
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
    _run(request, run_id)
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


def _run(request: HttpRequest, run_id: UUID) -> tuple[ReportRun, str]:
    """Return the run with its report's title; one of a report that this person may not see is as good as none."""
    found = queries.run_by_id(run_id)
    for seen in report_list.titled(request, [found] if found else []):
        return seen
    raise Http404
