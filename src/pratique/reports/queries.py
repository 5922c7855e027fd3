"""Reading reports: which there are, a page of one, its chart, its parameters, and the whole as a stream.

All but `stream` want an open `institution_scope`. Nothing here is written into the audit trail: whoever lets
student data leave calls `actions.export` or `actions.download_run`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.text import slugify
from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.roles import Role, role_allows, user_allows
from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import current_institution, institution_scope
from pratique.institutions.models import Institution
from pratique.reports import catalogue, filters, layouts
from pratique.reports.models import Favourite, ReportRun, SavedReport
from pratique.reports.statements import (
    Compiled,
    choosable,
    compiled,
    count_sql,
    page_sql,
    raw_expressions,
)
from pratique.reports.types import (
    SAVED,
    Changes,
    Choice,
    Column,
    Format,
    Layout,
    Parameters,
    ParsedParameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    ReportError,
    ReportTable,
    Text,
    saved_id,
    saved_key,
)
from pratique.reports.words import in_words
from pratique.reports.writers import WRITERS, Progress, WriterOptions
from pratique.students.models import Membership

MAX_PAGE_SIZE = 500
_USUAL = Layout()


class InvalidParametersError(ReportError):
    """Parameters were not understood; the message has a line for each."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {sentence}" for name, sentence in errors.items()))
        self.errors = errors


def catalogue_for(role: str) -> Sequence[ReportDefinition]:
    """Return the reports that staff of `role` may see, in the catalogue's order."""
    return [one for one in catalogue.REPORTS.values() if role_allows(role, one.permission)]


def definition(key: str) -> ReportDefinition:
    """Return the report called `key`, a saved one too. Raises UnknownReportError.

    A saved report is its base with another title, layout, filters and order; who may see it is said by
    `saved_reports`.
    """
    if (id_ := saved_id(key)) is None:
        return catalogue.definition(key)
    saved = saved_report(id_)
    if saved is None:
        raise catalogue.UnknownReportError(_("There is no such report. Somebody may have deleted it."))
    base = catalogue.definition(saved.base)
    return replace(
        base,
        key=key,
        title=saved.name,
        description=saved.description or base.description,
        layout=layouts.from_data(saved.layout),
        presets=saved.parameters,
        default_sort=saved.sort or base.default_sort,
        base=saved.base,
    )


def columns(key: str, parameters: Parameters, *, now: datetime) -> Sequence[Column]:
    """Return all columns that a layout of the report may choose. Raises UnknownReportError."""
    return choosable(definition(key), parameters, context(now))


def parse_parameters(key: str, raw: Mapping[str, str | Sequence[str]]) -> ParsedParameters:
    """Check parameters as they come from a form or a command line. Names and ids both serve for references.

    A saved report's own filters hold where `raw` does not name them; an empty value lifts one. Raises
    UnknownReportError.
    """
    report = definition(key)
    return filters.parse(report.filters, raw, report.presets)


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
    """Return by filter what it may be set to, for a form; what is typed is absent."""
    return {one.key: filters.choices(one) for one in definition(key).filters if one.kind not in filters.TYPED}


def table(
    key: str,
    parameters: Parameters,
    *,
    now: datetime,
    sort: str = "",
    page: int = 1,
    page_size: int = 50,
    layout: Layout = _USUAL,
) -> ReportTable:
    """Return one page of the report, ordered by the column `sort` (`-` before it: backwards).

    A page past the end gives the last one. Rows that sort alike keep one order, so no page repeats or loses
    any. Raises UnknownReportError, UnknownSortError and MissingFilterError.
    """
    found = definition(key)
    report = compiled(found, parameters, context(now), sort=sort, layout=layout)
    page_size = max(1, min(page_size, MAX_PAGE_SIZE))
    total = _count(report)
    page = max(1, min(page, -(-total // page_size)))
    with connection.cursor() as cursor:
        cursor.execute(
            page_sql(report, raw_expressions(report)),
            {**report.arguments, "limit": page_size, "offset": (page - 1) * page_size},
        )
        rows = list(in_words(report, cursor.fetchall()))
    return ReportTable(
        found, report.columns, rows, total, page, page_size, sort or found.default_sort, _stale()
    )


def count(key: str, parameters: Parameters, *, now: datetime, changes: Changes | None = None) -> int:
    """Return how many rows the report has; with `changes`, how many of them these transactions changed."""
    return _count(compiled(definition(key), parameters, context(now), changes=changes))


def chart(key: str, parameters: Parameters, *, now: datetime) -> ReportChart | None:
    """Return the report's chart with its summary in words, or None if it has none. Raises MissingFilterError."""
    report = definition(key)
    filters.check_nothing_is_missing(report.filters, parameters)
    return report.chart(parameters, context(now)) if report.chart else None


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
    layout: Layout = _USUAL,
    changes: Changes | None = None,
    progress: Progress | None = None,
) -> Iterator[bytes]:
    """Yield the report as a file of `format`, block by block, in a transaction of its own that ends with the
    last.

    A web server asks for blocks long after the view has returned, so the scope is opened here. Raises
    UnknownReportError, UnknownSortError, MissingFilterError and NoDeltaError before the first block.
    """
    with institution_scope(institution_id):
        report = compiled(
            definition(key), parameters, context(now), sort=sort, layout=layout, changes=changes
        )
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
    return f"{short_name(key)}-{slug}-{clock.today(time_zone, at=now):%Y-%m-%d}.{format.extension}"


def short_name(key: str) -> str:
    """Return the report's name as a file may bear it: its key, or a saved one's name in plain letters."""
    if saved_id(key) is None:
        return key
    return slugify(str(definition(key).title))[:60].strip("-") or "report"


def recent_runs(*, limit: int = 50, key: str = "") -> QuerySet[ReportRun]:
    """Return the latest runs, newest first; of one report, if `key` is given."""
    runs = ReportRun.objects.filter(report_key=key) if key else ReportRun.objects.all()
    return runs.order_by("-requested_at", "-id")[:limit]


def titles(keys: Iterable[str]) -> Mapping[str, Text]:
    """Return the titles of reports by key, for lists of what was; deleted ones keep theirs. Unknown keys are absent."""
    wanted = set(keys)
    found: dict[str, Text] = {key: one.title for key, one in catalogue.REPORTS.items() if key in wanted}
    if ids := [id_ for key in wanted if (id_ := saved_id(key))]:
        saved = SavedReport.objects.filter(id__in=ids).values_list("id", "name")
        found |= {saved_key(id_): name for id_, name in saved}
    return found


def deleted_keys() -> QuerySet[SavedReport, str]:
    """Return the keys of saved reports that were deleted, for a condition of another statement."""
    key = Concat(Value(SAVED), Cast("id", CharField()))
    return (
        SavedReport.objects.filter(deleted_at__isnull=False).annotate(key=key).values_list("key", flat=True)
    )


def saved_report(id_: UUID) -> SavedReport | None:
    """Return a saved report, or None if there is none or it was deleted."""
    return SavedReport.objects.filter(id=id_, deleted_at__isnull=True).first()


def all_saved_reports() -> Sequence[SavedReport]:
    """Return every saved report of the institution, by name: for whoever runs the installation."""
    return list(SavedReport.objects.filter(deleted_at__isnull=True).order_by("name", "id"))


def saved_reports(user: User) -> Sequence[SavedReport]:
    """Return the saved reports that somebody may open, by name: their own and those shared with their role.

    Administrators see all. None is offered whose base the role may not see.
    """
    bases = [key for key, one in catalogue.REPORTS.items() if user_allows(user, one.permission)]
    found = SavedReport.objects.filter(deleted_at__isnull=True, base__in=bases)
    if user.role != Role.ADMINISTRATOR:
        found = found.filter(Q(created_by=f"staff:{user.id}") | Q(shared_with__contains=[user.role]))
    return list(found.order_by("name", "id"))


def report_for(user: User, key: str) -> ReportDefinition:
    """Return the report if `user` may see it. Raises UnknownReportError, for what is not theirs to know too."""
    report = definition(key)
    id_ = saved_id(key)
    if not user_allows(user, report.permission) or (
        id_ is not None and all(one.id != id_ for one in saved_reports(user))
    ):
        raise catalogue.UnknownReportError(_("There is no such report."))
    return report


def favourites(user: User) -> set[str]:
    """Return the keys of the reports that somebody wants at the top."""
    return set(Favourite.objects.filter(user=user).values_list("report_key", flat=True))


def changes_before() -> int:
    """Return the first transaction that may still be open: every one before it has ended.

    What is read from now on sees all of those, so a delta up to here loses nothing (decision 31).
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


# What happened tells its instant and its transaction. The first of those at or after the instant would do, were there
# no changes that keep no instant (a tracker changed by hand): so it is not later than just after the last of those
# that happened an hour before, which is longer than any transaction takes.
_CHANGES_SINCE = """
select least(
    (select min(transaction_id) from compliance_statuschange where at >= %(since)s),
    (select min(transaction_id) from students_student where updated_at >= %(since)s),
    (select coalesce(max(transaction_id) + 1, 0) from compliance_statuschange
        where at < %(since)s::timestamptz - interval '1 hour')
)
"""


def changes_since(since: datetime) -> int:
    """Return a transaction such that it and those after it hold all that changed at or after `since`.

    They may hold some that changed a little earlier: who asks again from a day would rather have a row twice than
    miss it. 0 where nothing is known from before, and where numbers are of two servers.
    """
    if has_numbers_of_elsewhere():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES_SINCE, {"since": since})
        return int(cursor.fetchone()[0])


# What can be seen was written by transactions that have ended, or by this one.
_OF_ELSEWHERE = """
select exists (
    select from (
        select max(transaction_id) from compliance_statuschange where institution_id = %(institution)s
        union all select max(transaction_id) from students_membership where institution_id = %(institution)s
        union all select max(transaction_id) from students_student where institution_id = %(institution)s
    ) newest(number)
    where number >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        and number is distinct from pg_current_xact_id_if_assigned()::text::bigint
)
"""


def has_numbers_of_elsewhere() -> bool:
    """Return whether some rows bear transaction numbers that are yet to come: those of the server from which a dump
    of the database was restored (decision 31).
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_ELSEWHERE, {"institution": current_institution()})
        return bool(cursor.fetchone()[0])


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
