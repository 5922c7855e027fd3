"""Reading reports: which there are, a page of one, its chart, its parameters, and the whole as a stream.

All but `stream` want an open `institution_scope`. Nothing here is written into the audit trail: whoever lets
student data leave calls `actions.export` or `actions.download_run`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pratique.accounts.roles import role_allows
from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import current_institution, institution_scope
from pratique.institutions.models import Institution
from pratique.reports import catalogue, filters
from pratique.reports.models import ReportRun
from pratique.reports.statements import Compiled, compiled, count_sql, page_sql, raw_expressions
from pratique.reports.types import (
    Choice,
    FilterKind,
    Format,
    Parameters,
    ParsedParameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    ReportError,
    ReportTable,
)
from pratique.reports.writers import WRITERS, Progress, WriterOptions
from pratique.students.models import Membership

MAX_PAGE_SIZE = 500


class InvalidParametersError(ReportError):
    """Parameters were not understood; the message has a line for each."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {sentence}" for name, sentence in errors.items()))
        self.errors = errors


def catalogue_for(role: str) -> Sequence[ReportDefinition]:
    """Return the reports that staff of `role` may see, in the catalogue's order."""
    return [one for one in catalogue.REPORTS.values() if role_allows(role, one.permission)]


def parse_parameters(key: str, raw: Mapping[str, str | Sequence[str]]) -> ParsedParameters:
    """Check parameters as they come from a form or a command line. Names and ids both serve for references.

    Raises UnknownReportError.
    """
    return filters.parse(catalogue.definition(key).filters, raw)


def checked_parameters(key: str, raw: Mapping[str, str | Sequence[str]]) -> Parameters:
    """Return the parameters, or raise InvalidParametersError with a sentence for each mistake."""
    parsed = parse_parameters(key, raw)
    if parsed.errors:
        raise InvalidParametersError(parsed.errors)
    return parsed.parameters


def parse_format(value: str) -> Format:
    """Return the format called `value`. Raises ReportError, listing those there are."""
    try:
        return Format(value.lower())
    except ValueError:
        raise ReportError(
            _("There is no format “%(value)s”. Known: %(known)s.")
            % {"value": value[:20], "known": ", ".join(one.value for one in Format)}
        ) from None


def filter_choices(key: str) -> Mapping[str, Sequence[Choice]]:
    """Return by filter what it may be set to, for a form; date ranges are absent."""
    return {
        one.key: filters.choices(one)
        for one in catalogue.definition(key).filters
        if one.kind != FilterKind.DATE_RANGE
    }


def table(
    key: str, parameters: Parameters, *, now: datetime, sort: str = "", page: int = 1, page_size: int = 50
) -> ReportTable:
    """Return one page of the report, ordered by the column `sort` (`-` before it: backwards).

    A page past the end gives the last one. Rows that sort alike keep one order, so no page repeats or loses
    any. Raises UnknownReportError and UnknownSortError.
    """
    definition = catalogue.definition(key)
    report = compiled(definition, parameters, context(now), sort=sort)
    page_size = max(1, min(page_size, MAX_PAGE_SIZE))
    total = _count(report)
    page = max(1, min(page, -(-total // page_size)))
    with connection.cursor() as cursor:
        cursor.execute(
            page_sql(report, raw_expressions(report)),
            {**report.arguments, "limit": page_size, "offset": (page - 1) * page_size},
        )
        rows = cursor.fetchall()
    return ReportTable(
        definition, report.columns, rows, total, page, page_size, sort or definition.default_sort, _stale()
    )


def count(key: str, parameters: Parameters, *, now: datetime) -> int:
    """Return how many rows the report has."""
    return _count(compiled(catalogue.definition(key), parameters, context(now)))


def chart(key: str, parameters: Parameters, *, now: datetime) -> ReportChart | None:
    """Return the report's chart with its summary in words, or None if it has none."""
    definition = catalogue.definition(key)
    return definition.chart(parameters, context(now)) if definition.chart else None


def stream(
    key: str,
    parameters: Parameters,
    format: Format,
    *,
    institution_id: UUID,
    now: datetime,
    sort: str = "",
    neutralise: bool = True,
    bom: bool = False,
    progress: Progress | None = None,
) -> Iterator[bytes]:
    """Yield the report as a file of `format`, block by block, in a transaction of its own that ends with the
    last.

    A web server asks for blocks long after the view has returned, so the scope is opened here. Raises
    UnknownReportError and UnknownSortError before the first block.
    """
    with institution_scope(institution_id):
        report = compiled(catalogue.definition(key), parameters, context(now), sort=sort)
        yield from WRITERS[format](
            report, WriterOptions(neutralise=neutralise, bom=bom), progress or _ignored
        )


def context(now: datetime) -> ReportContext:
    """Return for whom and when a report is made, from the open `institution_scope`."""
    institution_id = current_institution()
    if institution_id is None:
        raise RuntimeError("A report is read inside institution_scope.")
    time_zone = Institution.objects.values_list("time_zone", flat=True).get(id=institution_id)
    return ReportContext(institution_id, time_zone, now, clock.today(time_zone, at=now))


def file_name(key: str, format: Format, *, slug: str, now: datetime, time_zone: str) -> str:
    """Return the name under which a download is offered, such as `student-detail-demo-2026-08-31.csv`."""
    return f"{key}-{slug}-{clock.today(time_zone, at=now):%Y-%m-%d}.{format.value}"


def recent_runs(*, limit: int = 50) -> QuerySet[ReportRun]:
    """Return the latest runs, newest first."""
    return ReportRun.objects.order_by("-requested_at", "-id")[:limit]


def run_by_id(run_id: UUID) -> ReportRun | None:
    """Return the run, for its progress: state, rows_done of rows."""
    return ReportRun.objects.filter(id=run_id).first()


def downloads_of(run_id: UUID) -> Sequence[tuple[str, datetime]]:
    """Return who took the run's file and when, latest first, as the audit trail has it."""
    events = AuditEvent.objects.filter(subject_id=run_id, action="reports:run:downloaded").order_by(
        "-at", "-id"
    )
    return list(events.values_list("by", "at"))


def _count(report: Compiled) -> int:
    with connection.cursor() as cursor:
        cursor.execute(count_sql(report), report.arguments)
        return int(cursor.fetchone()[0])


def _stale() -> int:
    return Membership.objects.filter(stale_since__isnull=False).count()


def _ignored(rows: int) -> None:
    """Watch nothing."""
