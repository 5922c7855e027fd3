"""The writes of a roster import.

    receive -> request_check -> check -> (a person reads the plan) -> confirm -> apply
    receive -> apply_unseen -> apply                                   (a file that a machine brought)

`apply` is one transaction that starts from the stored bytes: a worker killed in the middle leaves nothing behind
but the wish to run it again, and running it again after it has committed does nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.rosters import contents, policies, store
from pratique.rosters.contents import StoredContent
from pratique.rosters.csvfile import CsvFileError
from pratique.rosters.models import ImportState, RosterFile, RosterImport, RosterProgress
from pratique.rosters.planning import PlannedFile, Report, plan_file, silent

# A student made by hand or by a partner between plan and commit makes a unique constraint speak. Planning again
# then sees that student; more than a few such clashes in a row are not chance.
_ATTEMPTS = 4


def receive(
    *,
    institution: Institution,
    file_name: str,
    content: bytes | StoredContent,
    source: str,
    mapping: Mapping[str, Any] | None = None,
    by: audit.Actor,
    now: datetime,
) -> RosterImport:
    """Keep a file as a new import; nothing is read yet. `content` may lie in the storage already."""
    import_id = new_id()
    stored = contents.keep(institution.id, import_id, content) if isinstance(content, bytes) else content
    roster_import = RosterImport.objects.create(
        id=import_id,
        institution=institution,
        file_name=file_name[-255:],
        source=source,
        size=stored.size,
        sha256=stored.sha256,
        mapping=dict(mapping if mapping is not None else institution.roster_mapping),
        received_at=now,
        received_by=str(by),
    )
    RosterFile.objects.create(institution=institution, roster_import=roster_import, stored_name=stored.name)
    _record("received", roster_import, by, now, {"size": stored.size, "source": source})
    return roster_import


def request_check(
    *, roster_import: RosterImport, mapping: Mapping[str, Any] | None = None, by: audit.Actor, now: datetime
) -> None:
    """Ask a worker to make the plan, with another column mapping if one is given."""
    roster_import.state = policies.next_state("check", roster_import.state)
    if mapping is not None:
        roster_import.mapping = dict(mapping)
    roster_import.save(update_fields=["state", "mapping"])
    _set_progress(roster_import, "waiting", now)
    _enqueue("rosters.check", roster_import)


def check(
    *, institution: Institution, roster_import_id: UUID, today: date, report: Report = silent
) -> PlannedFile | None:
    """Make the plan and keep its counts and the rows with problems; None if the import waits for no check.

    A file-level refusal is kept on the import, which is then `failed`.
    """
    with institution_scope(institution.id):
        roster_import = _locked(roster_import_id)
        if roster_import.state != ImportState.CHECKING:
            return None
        try:
            planned = plan_file(
                contents.read(roster_import),
                institution=institution,
                mapping=roster_import.mapping,
                today=today,
                report=report,
            )
        except CsvFileError as error:
            _refuse_file(roster_import, error)
            return None
        results = [result for result in planned.plan.results if result.errors or result.warnings]
        store.store_results(results, {}, institution_id=institution.id, roster_import_id=roster_import.id)
        _keep_summary(roster_import, planned)
        roster_import.state = ImportState.READY
        roster_import.file_error = None
        roster_import.save()
        return planned


def confirm(*, roster_import: RosterImport, by: audit.Actor, now: datetime) -> None:
    """Have the plan applied by a worker. What is stored is decided anew, from the same bytes, at that moment."""
    roster_import.state = policies.next_state("confirm", roster_import.state)
    roster_import.applied_by = str(by)
    roster_import.applied_at = now
    roster_import.save(update_fields=["state", "applied_by", "applied_at"])
    _set_progress(roster_import, "waiting", now)
    _record("confirmed", roster_import, by, now, roster_import.counts)
    _enqueue("rosters.apply", roster_import)


def apply_unseen(*, roster_import: RosterImport, by: audit.Actor, now: datetime) -> None:
    """Let an import be applied that no person looks at; the caller applies it, and again if that was cut short."""
    roster_import.state = policies.next_state("apply_unseen", roster_import.state)
    roster_import.applied_by = str(by)
    roster_import.applied_at = now
    roster_import.save(update_fields=["state", "applied_by", "applied_at"])
    _set_progress(roster_import, "waiting", now)
    _record("confirmed", roster_import, by, now, {"unseen": True})


def cancel(*, roster_import: RosterImport, by: audit.Actor, now: datetime) -> None:
    """Put an import aside that has not been applied; its bytes are deleted."""
    roster_import.state = policies.next_state("cancel", roster_import.state)
    roster_import.save(update_fields=["state"])
    _delete_files(RosterFile.objects.filter(roster_import=roster_import), roster_import.institution_id)
    _record("cancelled", roster_import, by, now, {})


def apply(
    *, institution: Institution, roster_import_id: UUID, today: date, now: datetime, report: Report = silent
) -> bool:
    """Store everything that the file asks for, once; False if the import does not wait to be applied."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _apply(institution, roster_import_id, today, now, report)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _apply(
    institution: Institution, roster_import_id: UUID, today: date, now: datetime, report: Report
) -> bool:
    with institution_scope(institution.id):
        roster_import = _locked(roster_import_id)
        if roster_import.state != ImportState.APPLYING:
            return False
        try:
            planned = plan_file(
                contents.read(roster_import),
                institution=institution,
                mapping=roster_import.mapping,
                today=today,
                report=report,
            )
        except CsvFileError as error:
            # A column mapping or a rule of the institution changed between check and apply.
            _refuse_file(roster_import, error)
            return True
        _keep_summary(roster_import, planned)
        plan = planned.plan
        store.apply_plan(
            plan, institution_id=institution.id, roster_import_id=roster_import.id, now=now, report=report
        )
        roster_import.state = ImportState.APPLIED
        roster_import.save()
        _record("applied", roster_import, audit.SYSTEM, now, roster_import.counts)
        if plan.creates:
            enqueue(
                "students.send_invitations",
                institution_id=institution.id,
                queue="mail",
                once=f"mail:{institution.id}",
            )
        if plan.creates or plan.updates or plan.memberships or plan.tracker_changes:
            enqueue(
                "compliance.evaluate_stale",
                institution_id=institution.id,
                queue="interactive",
                once=f"stale:{institution.id}",
            )
        return True


def give_up(*, institution: Institution, roster_import_id: UUID, now: datetime) -> None:
    """Mark an import failed that a fault of ours keeps from going on; nothing of it is stored, its bytes are kept."""
    with institution_scope(institution.id):
        roster_import = _locked(roster_import_id)
        if roster_import.state not in (ImportState.CHECKING, ImportState.APPLYING):
            return
        message = _(
            "Something went wrong on our side, and nothing was imported. Try again; if it happens again, tell your "
            "administrator when it was. The log says more."
        )
        _fail(roster_import, code="internal_error", line=0, message=message, column=None)
        _record("failed", roster_import, audit.SYSTEM, now, {})


def delete_old_files(*, institution_id: UUID, before: datetime) -> int:
    """Delete the bytes of imports received before `before`; results stay. Returns how many."""
    with institution_scope(institution_id):
        return _delete_files(RosterFile.objects.filter(roster_import__received_at__lt=before), institution_id)


def delete_strays(*, institution_id: UUID, before: datetime) -> int:
    """Delete stored rosters begun before `before` that no import has: what a crash left. Returns how many."""
    with institution_scope(institution_id):
        known = set(RosterFile.objects.exclude(stored_name="").values_list("stored_name", flat=True))
    return contents.delete_unknown(institution_id, known=known, before=before)


def _delete_files(files: QuerySet[RosterFile], institution_id: UUID) -> int:
    found = list(files.select_for_update(of=("self",)).values_list("id", "stored_name"))
    RosterFile.objects.filter(id__in=[id_ for id_, _name in found]).delete()
    names = [name for _id, name in found if name]
    # Robust: the rows are gone, and the sweep finishes what fails here.
    transaction.on_commit(partial(contents.delete, institution_id, names), robust=True)
    return len(found)


def _locked(roster_import_id: UUID) -> RosterImport:
    # Two workers may hold the same job for a moment after one was thought dead: the second waits here, then sees
    # that there is nothing left to do.
    return RosterImport.objects.select_for_update(no_key=True).get(id=roster_import_id)


def _refuse_file(roster_import: RosterImport, error: CsvFileError) -> None:
    _fail(roster_import, code=error.code, line=error.line, message=error.message, column=error.column)


def _fail(roster_import: RosterImport, **told: Any) -> None:
    roster_import.state = ImportState.FAILED
    roster_import.file_error = told
    roster_import.counts = {}
    roster_import.applied_at, roster_import.applied_by = None, ""
    roster_import.save()


def _keep_summary(roster_import: RosterImport, planned: PlannedFile) -> None:
    counts = {outcome.value: count for outcome, count in planned.plan.counts.items()}
    counts["rows"] = len(planned.plan.results)
    counts["warned"] = sum(1 for result in planned.plan.results if result.warnings)
    roster_import.counts = counts
    roster_import.file_warnings = [problem._asdict() for problem in planned.warnings]


def _set_progress(roster_import: RosterImport, phase: str, now: datetime) -> None:
    RosterProgress.objects.update_or_create(
        roster_import=roster_import,
        institution_id=roster_import.institution_id,
        defaults={"phase": phase, "done": 0, "total": 0, "at": now},
    )


def _enqueue(name: str, roster_import: RosterImport) -> None:
    with transaction.atomic():
        enqueue(
            name,
            institution_id=roster_import.institution_id,
            lock=f"roster:{roster_import.institution_id}",
            roster_import_id=str(roster_import.id),
        )


def _record(
    verb: str, roster_import: RosterImport, by: audit.Actor, now: datetime, detail: Mapping[str, Any]
) -> None:
    audit.record(
        f"roster:import:{verb}",
        institution_id=roster_import.institution_id,
        by=by,
        now=now,
        subject_type="roster_import",
        subject_id=roster_import.id,
        detail=detail,
    )
