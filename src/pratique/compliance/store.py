"""Storing what an evaluation changed, and nothing else: COPY and a handful of statements for any number."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from pratique.compliance.facts import Loaded
from pratique.compliance.judging import Judged, Standing
from pratique.foundation import bulk
from pratique.rules import reason_to_data

# What a StatusChange says when a membership's list of requirements appears for the first time.
ARRIVAL = ""


class Changes(NamedTuple):
    """Rows to write, found by comparing standings with what is stored."""

    memberships: list[tuple[Any, ...]]
    items: list[tuple[Any, ...]]
    gone: list[tuple[UUID, str]]
    status_changes: list[tuple[UUID, str, str, str]]


def compare(judged: Iterable[tuple[Loaded, Standing]]) -> Changes:
    """Return what must be written. PURE."""
    changes = Changes([], [], [], [])
    for loaded, standing in judged:
        told = _compare_items(loaded, standing, changes)
        progress = (len(standing.items), *standing[1:])
        changes.memberships.append(
            (loaded.membership_id, loaded.stale_since, *progress, told, progress != loaded.progress)
        )
    return changes


def _compare_items(loaded: Loaded, standing: Standing, changes: Changes) -> bool:
    """Collect item rows of one membership; return whether anything changed that others are told."""
    membership_id, stored = loaded.membership_id, loaded.items
    arrived = not stored and bool(standing.items)
    told = arrived
    if arrived:
        changes.status_changes.append((membership_id, ARRIVAL, "", ""))
    for item in standing.items:
        before = stored.get(item.key)
        reasons = encode_reasons(item)
        digest = digest_of(item, reasons)
        if before is not None and before.digest == digest:
            continue
        told = True
        changed = before is None or before.status != item.status
        if changed and not arrived:
            changes.status_changes.append(
                (membership_id, item.key, before.status if before else "", item.status)
            )
        changes.items.append(
            (
                membership_id,
                item.key,
                item.status,
                item.next_action_on,
                item.administered_on,
                item.last_modified_at,
                reasons,
                digest,
                changed,
            )
        )
    if len(stored) + arrived * len(standing.items) > len(standing.items):
        told = _collect_gone(loaded, standing, changes) or told
    return told


def _collect_gone(loaded: Loaded, standing: Standing, changes: Changes) -> bool:
    gone = loaded.items.keys() - {item.key for item in standing.items}
    for key in sorted(gone):
        changes.gone.append((loaded.membership_id, key))
        changes.status_changes.append((loaded.membership_id, key, loaded.items[key].status, ""))
    return bool(gone)


def encode_reasons(item: Judged) -> str:
    """Return an item's reasons as the JSON that is stored."""
    return orjson.dumps([reason_to_data(reason) for reason in item.reasons]).decode()


def digest_of(item: Judged, reasons: str) -> int:
    """Return 64 bits that change when anything stored of the item does."""
    text = f"{item.status}|{item.next_action_on}|{item.administered_on}|{item.last_modified_at}|{reasons}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


_MEMBERSHIP_COLUMNS = (
    ("id", "uuid"), ("stale_since", "timestamptz"), ("num_items", "int2"), ("num_complete", "int2"),
    ("num_approved", "int2"), ("user_complete", "bool"), ("complete", "bool"), ("next_action_on", "date"),
    ("changes_on", "date"), ("told", "bool"), ("differs", "bool"),
)  # fmt: skip
# The mark is cleared only if it has not moved since it was read: who changed facts meanwhile is judged again.
_UPDATE_MEMBERSHIPS = """
    update students_membership m set
        num_items = c.num_items, num_complete = c.num_complete, num_approved = c.num_approved,
        user_complete = c.user_complete, complete = c.complete,
        next_action_on = c.next_action_on, changes_on = c.changes_on,
        status_changed_at = case when c.told then %(now)s else m.status_changed_at end,
        transaction_id = case when c.told then pg_current_xact_id()::text::bigint else m.transaction_id end,
        evaluated_at = %(now)s,
        stale_since = case when m.stale_since is not distinct from c.stale_since then null else m.stale_since end
    from compliance_judged c where m.institution_id = %(institution)s and m.id = c.id
"""

_ITEM_COLUMNS = (
    ("membership_id", "uuid"), ("requirement_key", "text"), ("status", "text"), ("next_action_on", "date"),
    ("administered_on", "date"), ("last_modified_at", "timestamptz"), ("reasons", "text"), ("digest", "int8"),
    ("changed", "bool"),
)  # fmt: skip
_UPSERT_ITEMS = """
    insert into compliance_item as i (institution_id, membership_id, requirement_key, status, next_action_on,
        administered_on, last_modified_at, status_changed_at, reasons, digest)
    select %(institution)s, membership_id, requirement_key, status, next_action_on, administered_on,
        last_modified_at, %(now)s, reasons::jsonb, digest
    from compliance_changed
    on conflict (institution_id, membership_id, requirement_key) do update set
        status = excluded.status, next_action_on = excluded.next_action_on,
        administered_on = excluded.administered_on, last_modified_at = excluded.last_modified_at,
        reasons = excluded.reasons, digest = excluded.digest,
        status_changed_at =
            case when i.status = excluded.status then i.status_changed_at else excluded.status_changed_at end
"""
_DELETE_GONE = """
    delete from compliance_item i using compliance_gone g
    where i.institution_id = %(institution)s and i.membership_id = g.membership_id
        and i.requirement_key = g.requirement_key
"""
_APPEND_CHANGES = """
    insert into compliance_statuschange (institution_id, membership_id, requirement_key, from_status, to_status, at)
    select %(institution)s, membership_id, requirement_key, from_status, to_status, %(now)s
    from compliance_change
"""


def write(changes: Changes, *, institution_id: UUID, now: datetime) -> None:
    """Write `changes` in the open transaction: at most four statements."""
    values: dict[str, Any] = {"institution": institution_id, "now": now}
    text = ("requirement_key", "text")
    for table, columns, rows, statement in (
        ("compliance_changed", _ITEM_COLUMNS, changes.items, _UPSERT_ITEMS),
        ("compliance_gone", (("membership_id", "uuid"), text), changes.gone, _DELETE_GONE),
        (
            "compliance_change",
            (("membership_id", "uuid"), text, ("from_status", "text"), ("to_status", "text")),
            changes.status_changes,
            _APPEND_CHANGES,
        ),
        ("compliance_judged", _MEMBERSHIP_COLUMNS, changes.memberships, _UPDATE_MEMBERSHIPS),
    ):
        if rows:
            bulk.stage(table, columns, rows)
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
            bulk.drop(table)


# Every tracker, also an empty one, and those without: a note of this day is replaced whole, and a row that did not
# change is not touched, so that noting every hour costs nothing.
_NOTE_TRACKERS = """
    insert into compliance_trackerday as d
        (id, institution_id, day, package_id, tracker_id, students, complete, user_complete)
    select gen_random_uuid(), %(institution)s, %(day)s, k.package_id, k.tracker_id,
        count(m.id), count(m.id) filter (where m.complete), count(m.id) filter (where m.user_complete)
    from (
        select package_id, id as tracker_id from institutions_tracker where institution_id = %(institution)s
        union all select id, null from institutions_package where institution_id = %(institution)s
    ) k
    left join students_membership m on m.institution_id = %(institution)s and m.package_id = k.package_id
        and m.tracker_id is not distinct from k.tracker_id and m.state = 'active'
    group by k.package_id, k.tracker_id
    on conflict (institution_id, day, package_id, tracker_id) do update set
        students = excluded.students, complete = excluded.complete, user_complete = excluded.user_complete
    where (d.students, d.complete, d.user_complete)
        is distinct from (excluded.students, excluded.complete, excluded.user_complete)
"""
_STATUSES = ("incomplete", "pending", "approved", "rejected", "expired")
# What an earlier note of the day has and nobody has any more becomes zero.
_NOTE_REQUIREMENTS = f"""
    insert into compliance_requirementday as d
        (id, institution_id, day, tracker_id, requirement_key, {", ".join(_STATUSES)})
    select gen_random_uuid(), %(institution)s, %(day)s, tracker_id, requirement_key,
        {", ".join(f"coalesce(sum(count) filter (where status = '{one}'), 0)" for one in _STATUSES)}
    from (
        select m.tracker_id, i.requirement_key, i.status, count(*) as count
        from compliance_item i
        join students_membership m on m.institution_id = i.institution_id and m.id = i.membership_id
        where i.institution_id = %(institution)s and m.state = 'active'
        group by 1, 2, 3
        union all
        select tracker_id, requirement_key, '', 0 from compliance_requirementday
        where institution_id = %(institution)s and day = %(day)s
    ) counted
    group by tracker_id, requirement_key
    on conflict (institution_id, day, tracker_id, requirement_key) do update set
        {", ".join(f"{one} = excluded.{one}" for one in _STATUSES)}
    where ({", ".join(f"d.{one}" for one in _STATUSES)})
        is distinct from ({", ".join(f"excluded.{one}" for one in _STATUSES)})
"""  # noqa: S608  (constants only)


def note_day(*, institution_id: UUID, day: date) -> None:
    """Write how trackers and requirements stand as the figures of `day`, over what was noted of it: two statements."""
    values: dict[str, Any] = {"institution": institution_id, "day": day}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_TRACKERS, values)
        cursor.execute(_NOTE_REQUIREMENTS, values)
