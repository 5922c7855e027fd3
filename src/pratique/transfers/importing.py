"""A claimed file from its job to its results file. Each step is safe to repeat; a worker may die between any two.

    begin (committed) -> apply (committed) -> results file (committed) -> finish (committed) -> mail, a job of its own

Where the steps stand is read from the database each time, so a repeat goes on where the last run was cut off.
"""

from collections.abc import Iterator
from uuid import UUID

import structlog

from pratique.foundation import audit, clock
from pratique.foundation.storage import FileMissingError
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import SealBrokenError
from pratique.institutions.models import Institution
from pratique.rosters import actions as rosters
from pratique.rosters import results_file
from pratique.rosters.models import ImportState, RosterImport
from pratique.rosters.progress import reporting
from pratique.transfers.actions import importing as actions
from pratique.transfers.actions import outbound
from pratique.transfers.actions.importing import Ended
from pratique.transfers.models import InboundFile, InboundState
from pratique.transfers.queries import results_id, results_name
from pratique.transfers.types import REASONS, AccountRef

log = structlog.get_logger(__name__)


def import_file(institution_id: UUID, file_id: UUID, *, is_last_try: bool) -> None:
    """Import a claimed file, or say of one that failed at its claim why; call it outside any transaction.

    Raises what goes wrong on our side, to be tried again; on the last try that ends the file instead, as
    `failed_here`. What was applied by then counts, whatever went wrong after it.
    """
    file = _read(institution_id, file_id)
    if file.finished_at is not None:
        return
    try:
        ended = _ended_at_claim(file) or _imported(file)
    except Exception as error:
        if not is_last_try:
            raise
        _log(file, error, "an inbound file could not be imported")
        ended = _as_it_stands(file) or _FAILED_HERE
    _finish(file, ended, is_last_try=is_last_try)


def end_abandoned(institution_id: UUID, file_id: UUID) -> None:
    """End a file whose job is gone, as it stands: what took its workers with it is not tried once more."""
    file = _read(institution_id, file_id)
    log.error("an inbound file had no job any more and was ended", file=str(file_id))
    _finish(file, _ended_at_claim(file) or _as_it_stands(file) or _FAILED_HERE, is_last_try=True)


_FAILED_HERE = Ended(InboundState.FAILED, "failed_here", gives_up=True)


def _read(institution_id: UUID, file_id: UUID) -> InboundFile:
    with institution_scope(institution_id):
        return InboundFile.objects.select_related("account", "institution", "roster_import").get(id=file_id)


def _finish(file: InboundFile, ended: Ended, *, is_last_try: bool) -> None:
    try:
        _put_results(file, ended)
    except Exception as error:
        if not is_last_try:
            raise
        _log(file, error, "a results file could not be put")
    actions.finish(institution_id=file.institution_id, file_id=file.id, ended=ended, now=clock.now())


def _ended_at_claim(file: InboundFile) -> Ended | None:
    return Ended(InboundState.FAILED, file.reason) if file.state == InboundState.FAILED else None


def _imported(file: InboundFile) -> Ended:
    school: Institution = file.institution
    roster_import = actions.begin(institution_id=school.id, file_id=file.id, now=clock.now())
    if roster_import.state == ImportState.APPLYING:
        try:
            with reporting(school.id, roster_import.id) as report:
                rosters.apply(
                    institution=school,
                    roster_import_id=roster_import.id,
                    today=clock.today(school.time_zone),
                    now=clock.now(),
                    report=report,
                )
        except (SealBrokenError, FileMissingError) as error:
            _log(file, error, "the stored content of an inbound file is damaged")
            return Ended(InboundState.FAILED, "damaged", gives_up=True)
    ended = _as_it_stands(file)
    assert ended is not None, "what was applied has an outcome"
    return ended


def _as_it_stands(file: InboundFile) -> Ended | None:
    """Return how the import of a file ended, as its rows say; None if it has not."""
    roster_import = _import_of(file)
    if roster_import is None or roster_import.state not in (ImportState.APPLIED, ImportState.FAILED):
        return None
    if roster_import.state == ImportState.APPLIED:
        return Ended(InboundState.PROCESSED)
    ours = (roster_import.file_error or {}).get("code") == "internal_error"
    return Ended(InboundState.FAILED, "failed_here" if ours else "refused_file")


def _import_of(file: InboundFile) -> RosterImport | None:
    found: RosterImport | None = _read(file.institution_id, file.id).roster_import
    return found


def _put_results(file: InboundFile, ended: Ended) -> None:
    assert file.claimed_at is not None, "only claimed files are imported"
    outbound.put(
        account=AccountRef(file.institution_id, file.account_id, file.account.username),
        folder="results",
        name=results_name(file.name, file.claimed_at),
        content=_results(file, ended),
        source="results",
        by=audit.Actor("sftp", file.account.username),
        now=clock.now(),
        file_id=results_id(file.id, file.claimed_at),
    )


def _results(file: InboundFile, ended: Ended) -> Iterator[bytes]:
    """Yield the results file. All of it is read in one go: storing must not hold a transaction open."""
    roster_import = _import_of(file)
    if ended.state == InboundState.PROCESSED and roster_import is not None:
        with institution_scope(file.institution_id):
            whole = list(results_file.blocks(roster_import, about_file=roster_import.file_warnings))
        yield from whole
    elif ended.reason == "refused_file" and roster_import is not None and roster_import.file_error:
        yield results_file.refusal(roster_import.file_error)
    else:
        yield results_file.refusal({"code": ended.reason, "line": 1, "message": str(REASONS[ended.reason])})


def _log(file: InboundFile, error: Exception, what: str) -> None:
    # Only the kind of trouble: an exception's text may carry what the file says.
    log.error(what, file=str(file.id), error=type(error).__name__)
