"""Making reports' files, in the background or at once; each that leaves is in the audit trail."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation import audit, clock
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import files, layouts, queries
from pratique.reports.models import ReportRun, RunState
from pratique.reports.policies import FILES_KEPT, OPEN, RunNotReadyError, check_run_can_be_downloaded
from pratique.reports.progress import RunCancelledError, reporting
from pratique.reports.types import Changes, Format, Layout, Parameters, ReportError
from pratique.reports.writers import Progress

_FAILURE_CHARACTERS = 500
_USUAL = Layout()


class UnknownRunError(ReportError):
    """The institution has no such run."""


def export(
    *,
    institution_id: UUID,
    key: str,
    parameters: Parameters,
    format: Format,
    by: audit.Actor,
    now: datetime,
    neutralise: bool = True,
    bom: bool = False,
    sort: str = "",
    layout: Layout = _USUAL,
    changes: Changes | None = None,
    progress: Progress | None = None,
) -> Iterator[bytes]:
    """Note that `by` takes the report away, then return it as a stream of blocks (`queries.stream`).

    The audit row is committed before the first block: what was begun was seen. Raises UnknownReportError.
    """
    with institution_scope(institution_id):
        queries.definition(key)
        audit.record(
            "reports:report:exported",
            institution_id=institution_id,
            by=by,
            now=now,
            subject_type="report",
            detail=_detail(key, format, parameters, neutralise, layout, changes),
        )
    return queries.stream(
        key,
        parameters,
        format,
        institution_id=institution_id,
        now=now,
        sort=sort,
        neutralise=neutralise,
        bom=bom,
        layout=layout,
        changes=changes,
        progress=progress,
    )


def start_run(
    *,
    institution_id: UUID,
    key: str,
    parameters: Parameters,
    format: Format,
    by: audit.Actor,
    now: datetime,
    neutralise: bool = True,
    layout: Layout = _USUAL,
    sort: str = "",
) -> ReportRun:
    """Ask for a file to be made in the background, and return the run that will tell how far it is.

    Raises UnknownReportError.
    """
    with institution_scope(institution_id):
        queries.definition(key)
        institution = Institution.objects.get(id=institution_id)
        run = ReportRun.objects.create(
            institution=institution,
            report_key=key,
            parameters=dict(parameters),
            format=format.value,
            neutralise=neutralise,
            layout=layouts.to_data(layout),
            sort=sort,
            requested_by=str(by),
            requested_at=now,
            file_name=queries.file_name(
                key, format, slug=institution.slug, now=now, time_zone=institution.time_zone
            ),
        )
        audit.record(
            "reports:run:requested",
            institution_id=institution_id,
            by=by,
            now=now,
            subject_type="report_run",
            subject_id=run.id,
            detail=_detail(key, format, parameters, neutralise, layout),
        )
        # One attempt at a time: the lock keeps a retry from meeting a worker that is only slow.
        enqueue("reports.run", institution_id=institution_id, lock=f"report:{run.id}", run_id=str(run.id))
    return run


def run(*, institution_id: UUID, run_id: UUID, now: datetime) -> None:
    """Make the file of a run. Runs again from the start after a crash; does nothing if it is done or
    cancelled.

    Call it outside any transaction: its steps commit one by one. What cannot succeed ends the run as failed
    with a sentence; any other error is raised, for the queue to try again.
    """
    begun = _begin(institution_id, run_id, now)
    if begun is None:
        return
    files.delete(institution_id, run_id)
    written = 0

    def noted(rows: int) -> None:
        nonlocal written
        written = rows
        report(rows)

    try:
        with reporting(institution_id, run_id) as report:
            blocks = queries.stream(
                begun.report_key,
                begun.parameters,
                Format(begun.format),
                institution_id=institution_id,
                now=begun.requested_at,
                sort=begun.sort,
                neutralise=begun.neutralise,
                layout=layouts.from_data(begun.layout),
                progress=noted,
            )
            size = files.write(files.path_of(institution_id, run_id, begun.format), blocks)
    except RunCancelledError:
        return
    except ReportError as error:
        _finish(institution_id, run_id, RunState.FAILED, failure=str(error)[:_FAILURE_CHARACTERS])
        return
    except Exception:
        _finish(
            institution_id,
            run_id,
            RunState.FAILED,
            failure=_("Something went wrong; it is being tried again."),
        )
        raise
    if not _finish(institution_id, run_id, RunState.DONE, rows=written, rows_done=written, size=size):
        # Cancelled after the last row: nobody shall find a file that nobody wants.
        files.delete(institution_id, run_id)


def cancel_run(*, institution_id: UUID, run_id: UUID, by: audit.Actor, now: datetime) -> bool:
    """Stop a run that waits or is being made; return whether there was anything to stop."""
    with institution_scope(institution_id):
        changed = ReportRun.objects.filter(id=run_id, state__in=OPEN).update(
            state=RunState.CANCELLED, finished_at=now
        )
        if changed:
            audit.record(
                "reports:run:cancelled",
                institution_id=institution_id,
                by=by,
                now=now,
                subject_type="report_run",
                subject_id=run_id,
            )
    return bool(changed)


def download_run(
    *, institution_id: UUID, run_id: UUID, by: audit.Actor, now: datetime
) -> tuple[ReportRun, Path]:
    """Note who takes the run's file, and return the run and where its file is.

    Raises UnknownRunError and RunNotReadyError.
    """
    with institution_scope(institution_id):
        run = queries.run_by_id(run_id)
        if run is None:
            raise UnknownRunError(_("There is no such report run."))
        check_run_can_be_downloaded(run)
        path = files.path_of(institution_id, run_id, run.format)
        if not path.exists():
            raise RunNotReadyError(_("The report's file is gone. Run the report again."))
        audit.record(
            "reports:run:downloaded",
            institution_id=institution_id,
            by=by,
            now=now,
            subject_type="report_run",
            subject_id=run_id,
            detail={"report": run.report_key, "format": run.format, "rows": run.rows},
        )
    return run, path


def delete_old(*, institution_id: UUID, by: audit.Actor, now: datetime) -> int:
    """Delete the files of runs that ended longer ago than files are kept; return how many runs that were."""
    with institution_scope(institution_id):
        old = list(
            ReportRun.objects.filter(deleted_at__isnull=True, finished_at__lt=now - FILES_KEPT).values_list(
                "id", flat=True
            )
        )
        # Files first: if this dies in between, the next round finds the same runs and nothing to delete.
        for run_id in old:
            files.delete(institution_id, run_id)
        ReportRun.objects.filter(id__in=old).update(deleted_at=now)
        if old:
            audit.record(
                "reports:run:deleted",
                institution_id=institution_id,
                by=by,
                now=now,
                detail={"runs": len(old)},
            )
    return len(old)


def _begin(institution_id: UUID, run_id: UUID, now: datetime) -> ReportRun | None:
    with institution_scope(institution_id):
        run = ReportRun.objects.select_for_update().filter(id=run_id).first()
        if run is None or run.state in {RunState.DONE, RunState.CANCELLED}:
            return None
        run.state, run.started_at, run.finished_at = RunState.RUNNING, now, None
        run.rows_done, run.failure = 0, ""
        # The number of rows may move until they are read; it is for the progress bar.
        with suppress(ReportError):  # the making says it, and the run keeps the sentence
            run.rows = queries.count(run.report_key, run.parameters, now=run.requested_at)
        run.save()
    return run


def _finish(institution_id: UUID, run_id: UUID, state: RunState, **values: Any) -> bool:
    with institution_scope(institution_id):
        running = ReportRun.objects.filter(id=run_id, state=RunState.RUNNING)
        return bool(running.update(state=state, finished_at=clock.now(), **values))


def _detail(
    key: str,
    format: Format,
    parameters: Parameters,
    neutralise: bool,
    layout: Layout,
    changes: Changes | None = None,
) -> Mapping[str, Any]:
    detail: dict[str, Any] = {
        "report": key,
        "format": format.value,
        "parameters": dict(parameters),
        "neutralised": neutralise,
    }
    if layout.columns:
        detail["columns"] = [column.key for column in layout.columns]
    if changes is not None:
        detail["changes"] = [changes.first, changes.before]
    return detail
