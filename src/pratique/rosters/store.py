"""Storing a plan: a handful of statements for any number of rows, in the caller's transaction."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from pratique.foundation import bulk
from pratique.foundation.ids import new_account_tokens, new_ids
from pratique.rosters.planning import Report, silent
from pratique.rosters.types import Problem, RosterPlan, RowResult
from pratique.students.actions.accounts import follow_students
from pratique.students.folding import search_text

Row = tuple[Any, ...]


def apply_plan(
    plan: RosterPlan, *, institution_id: UUID, roster_import_id: UUID, now: datetime, report: Report = silent
) -> None:
    """Store every intent of `plan`, mark whom it touches as stale, queue invitations, and keep all row results."""
    total = len(plan.results)
    report("creating", 0, total)
    created = _create(plan, institution_id, now)
    report("updating", len(plan.creates), total)
    _update(plan, institution_id, now)
    report("results", len(plan.creates) + len(plan.updates), total)
    store_results(plan.results, created, institution_id=institution_id, roster_import_id=roster_import_id)
    report("committing", total, total)


# --- new students ------------------------------------------------------------------------------------------------

_CREATE_COLUMNS = (
    ("id", "uuid"), ("membership_id", "uuid"), ("invitation_id", "uuid"), ("account_token", "text"),
    ("username", "text"), ("username_key", "text"), ("student_id", "text"), ("last_name", "text"),
    ("first_name", "text"), ("email", "text"), ("telephone", "text"), ("date_of_birth", "date"),
    ("on_campus", "bool"), ("search_text", "text"), ("package_id", "uuid"), ("tracker_id", "uuid"),
)  # fmt: skip

_INSERT_STUDENTS = """
    insert into students_student (institution_id, id, username, username_key, student_id, last_name, first_name,
        email, telephone, date_of_birth, on_campus, attributes, account_token, search_text, created_at, updated_at)
    select %(institution)s, id, username, username_key, student_id, last_name, first_name,
        email, telephone, date_of_birth, on_campus, '{}', account_token, search_text, %(now)s, %(now)s
    from roster_create
"""
_INSERT_MEMBERSHIPS = """
    insert into students_membership (institution_id, id, student_id, package_id, tracker_id, state, created_at,
        num_items, num_complete, num_approved, user_complete, complete, stale_since)
    select %(institution)s, membership_id, id, package_id, tracker_id, 'active', %(now)s,
        0, 0, 0, false, false, %(now)s
    from roster_create
"""
_INSERT_INVITATIONS = """
    insert into students_invitation (institution_id, id, membership_id, state, queued_at, changed_at, failure)
    select %(institution)s, invitation_id, membership_id, 'queued', %(now)s, %(now)s, '' from roster_create
"""


def _create(plan: RosterPlan, institution_id: UUID, now: datetime) -> dict[int, UUID]:
    """Insert new students with membership and invitation; return their ids by row number."""
    if not plan.creates:
        return {}
    ids = new_ids(len(plan.creates))
    bulk.stage("roster_create", _CREATE_COLUMNS, _create_rows(plan, ids))
    values: dict[str, Any] = {"institution": institution_id, "now": now}
    with connection.cursor() as cursor:
        for statement in (_INSERT_STUDENTS, _INSERT_MEMBERSHIPS, _INSERT_INVITATIONS):
            cursor.execute(statement, values)
    bulk.drop("roster_create")
    return {create.row: id_ for create, id_ in zip(plan.creates, ids, strict=True)}


def _create_rows(plan: RosterPlan, ids: list[UUID]) -> Iterator[Row]:
    count = len(plan.creates)
    placed = {m.row: m for m in plan.memberships if m.student is None}
    keys = zip(plan.creates, ids, new_ids(count), new_ids(count), new_account_tokens(count), strict=True)
    for create, id_, membership_id, invitation_id, token in keys:
        row, username, key, student_id, last_name, first_name, telephone, born, on_campus = create
        membership = placed[row]
        email = username if "@" in username else ""
        yield (
            id_, membership_id, invitation_id, token, username, key, student_id,
            last_name, first_name, email, telephone, born, on_campus,
            search_text(
                first_name=first_name, last_name=last_name, username=username, student_id=student_id, email=email
            ),
            membership.package_id, membership.tracker_id,
        )  # fmt: skip


# --- students who exist -------------------------------------------------------------------------------------------

_UPDATE_COLUMNS = (
    ("row", "int4"), ("id", "uuid"), ("username", "text"), ("username_key", "text"), ("student_id", "text"),
    ("last_name", "text"), ("first_name", "text"), ("telephone", "text"), ("date_of_birth", "date"),
    ("on_campus", "bool"),
)  # fmt: skip

# Search texts are made in Python (folding.py), so changed rows come back once to be folded.
_UPDATE_STUDENTS = """
    update students_student s set
        username = coalesce(u.username, s.username),
        username_key = coalesce(u.username_key, s.username_key),
        student_id = coalesce(u.student_id, s.student_id),
        last_name = coalesce(u.last_name, s.last_name),
        first_name = coalesce(u.first_name, s.first_name),
        telephone = coalesce(u.telephone, s.telephone),
        date_of_birth = coalesce(u.date_of_birth, s.date_of_birth),
        on_campus = coalesce(u.on_campus, s.on_campus),
        email = case when u.username is not null and s.email = s.username and position('@' in u.username) > 0
                     then u.username else s.email end,
        updated_at = %(now)s
    from roster_update u
    where s.institution_id = %(institution)s and s.id = u.id
    returning s.id, s.first_name, s.last_name, s.username, s.student_id, s.email
"""
_FOLD_STUDENTS = """
    update students_student s set search_text = f.search_text
    from roster_fold f
    where s.institution_id = %(institution)s and s.id = f.id and s.search_text <> f.search_text
"""
_JOIN_PACKAGE = """
    insert into students_membership (institution_id, id, student_id, package_id, tracker_id, state, created_at,
        num_items, num_complete, num_approved, user_complete, complete, stale_since)
    select %(institution)s, id, student_id, package_id, tracker_id, 'active', %(now)s,
        0, 0, 0, false, false, %(now)s
    from roster_join
"""
_MOVE = """
    update students_membership m set tracker_id = c.tracker_id, stale_since = %(now)s
    from roster_move c where m.institution_id = %(institution)s and m.id = c.membership_id
"""
_MARK_STALE = """
    update students_membership m set stale_since = %(now)s
    from roster_update u
    where m.institution_id = %(institution)s and m.student_id = u.id
"""


def _update(plan: RosterPlan, institution_id: UUID, now: datetime) -> None:
    values: dict[str, Any] = {"institution": institution_id, "now": now}
    if plan.updates:
        bulk.stage("roster_update", _UPDATE_COLUMNS, plan.updates)
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE_STUDENTS, values)
            changed = cursor.fetchall()
            bulk.stage(
                "roster_fold", (("id", "uuid"), ("search_text", "text")), [_folded(*row) for row in changed]
            )
            cursor.execute(_FOLD_STUDENTS, values)
            cursor.execute(_MARK_STALE, values)
        follow_students(institution_id=institution_id, student_ids=[row[0] for row in changed])
        bulk.drop("roster_update")
        bulk.drop("roster_fold")
    joins = [m for m in plan.memberships if m.student is not None]
    if joins:
        _run_staged(
            "roster_join",
            (("id", "uuid"), ("student_id", "uuid"), ("package_id", "uuid"), ("tracker_id", "uuid")),
            [
                (i, m.student, m.package_id, m.tracker_id)
                for i, m in zip(new_ids(len(joins)), joins, strict=True)
            ],
            _JOIN_PACKAGE,
            values,
        )
    if plan.tracker_changes:
        _run_staged(
            "roster_move",
            (("row", "int4"), ("membership_id", "uuid"), ("tracker_id", "uuid")),
            plan.tracker_changes,
            _MOVE,
            values,
        )


def _run_staged(
    table: str,
    columns: tuple[tuple[str, str], ...],
    rows: Iterable[Row],
    statement: str,
    values: dict[str, Any],
) -> None:
    bulk.stage(table, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    bulk.drop(table)


def _folded(id_: UUID, first_name: str, last_name: str, username: str, student_id: str, email: str) -> Row:
    return (
        id_,
        search_text(
            first_name=first_name, last_name=last_name, username=username, student_id=student_id, email=email
        ),
    )


# --- results ------------------------------------------------------------------------------------------------------

_RESULT_COLUMNS = (
    ("row", "int4"), ("line", "int4"), ("outcome", "text"), ("username", "text"), ("student_id", "text"),
    ("student_key", "uuid"), ("errors", "text"), ("warnings", "text"),
)  # fmt: skip

_DELETE_RESULTS = """
    delete from rosters_rowresult where institution_id = %(institution)s and roster_import_id = %(roster_import)s
"""
_INSERT_RESULTS = """
    insert into rosters_rowresult (institution_id, roster_import_id, row, line, outcome, username, student_id,
        student_key, errors, warnings)
    select %(institution)s, %(roster_import)s, row, line, outcome, username, student_id, student_key,
        errors::jsonb, warnings::jsonb
    from roster_result
"""


def store_results(
    results: Iterable[RowResult], created: dict[int, UUID], *, institution_id: UUID, roster_import_id: UUID
) -> None:
    """Replace the stored row results of an import by `results`."""
    values: dict[str, Any] = {"institution": institution_id, "roster_import": roster_import_id}
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_RESULTS, values)
    _run_staged("roster_result", _RESULT_COLUMNS, _result_rows(results, created), _INSERT_RESULTS, values)


def _result_rows(results: Iterable[RowResult], created: dict[int, UUID]) -> Iterator[Row]:
    for row, line, outcome, errors, warnings, student, username, student_id in results:
        yield (
            row, line, outcome.value, username, student_id,
            student if student is not None else created.get(row),
            _json(errors) if errors else None,
            _json(warnings) if warnings else None,
        )  # fmt: skip


def _json(problems: Iterable[Problem]) -> str:
    return orjson.dumps([problem._asdict() for problem in problems]).decode()
