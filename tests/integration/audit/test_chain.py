"""The chain: every event is sealed once, and whatever the owner of the tables does to it is told."""

import hashlib
import json
import threading
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, connections, transaction

from pratique.foundation.audit_chain import actions
from pratique.foundation.audit_chain.encoding import FIRST
from pratique.foundation.audit_chain.verify import Break, Fault
from pratique.foundation.models import AuditEvent, AuditSeal
from pratique.foundation.tenancy import institution_scope
from tests.integration.audit.trail import (
    NOW,
    OURS,
    THEIRS,
    chained,
    event_ids,
    head,
    sealed,
    tamper,
    verified,
    written,
)

pytestmark = pytest.mark.usefixtures("committed")


# --- sealing ----------------------------------------------------------------------------------------------------


def test_events_are_sealed_in_order_and_once():
    written(7)
    assert sealed(batch=3) == 7
    assert sealed() == 0
    written(2)
    assert sealed() == 2
    assert chained() == list(enumerate(event_ids(), start=1))
    assert verified().broken is None


def test_each_seal_names_the_hash_before_it():
    written(3)
    sealed()
    with institution_scope(OURS):
        previous = FIRST
        for seal in AuditSeal.objects.order_by("sequence"):
            assert bytes(seal.previous_hash) == previous
            previous = bytes(seal.hash)


def test_the_encoding_can_be_repeated_with_nothing_but_sha256_and_json():
    """What docs/guides/audit.md tells an auditor to do."""
    written(detail={"b": [1, 2.5, None], "a": "Ñ"}, subject_type="student", subject_id=THEIRS)
    sealed()
    with institution_scope(OURS):
        event, seal = AuditEvent.objects.get(), AuditSeal.objects.get()

    def sha256(values):
        return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())

    digest = sha256(
        ["pratique audit event 1", str(OURS), str(event.id), "1773480413.589793", "staff:tests",
         "tests:thing:done", "student", str(THEIRS), {"a": "Ñ", "b": [1, 2.5, None]}]
    )  # fmt: skip
    whole = sha256(
        ["pratique audit seal 1", str(OURS), 1, "00" * 32, digest.hexdigest(), "1773480473.589793"]
    )
    assert bytes(seal.digest) == digest.digest()
    assert bytes(seal.hash) == whole.digest()


def test_each_institution_has_a_chain_of_its_own():
    written(2)
    written(3, institution_id=THEIRS)
    assert (sealed(), sealed(THEIRS)) == (2, 3)
    assert [sequence for sequence, _event in chained(THEIRS)] == [1, 2, 3]
    assert head() != head(THEIRS)


def test_an_institution_without_rows_has_no_head_and_no_fault():
    assert sealed() == 0
    verdict = verified()
    assert (verdict.checked, verdict.head, verdict.broken) == (0, None, None)


def test_rows_from_before_the_migration_are_sealed_in_the_order_of_their_ids():
    """The migration gives all of them its own transaction."""
    written(5)
    tamper("update foundation_auditevent set transaction_id = pg_current_xact_id()::text::bigint")
    written(1)
    assert sealed(batch=2) == 6
    assert [event for _sequence, event in chained()] == event_ids()


def test_a_transaction_that_stays_open_is_sealed_when_it_ends_and_nothing_is_skipped():
    written(1)
    with _other_connection() as import_:
        import_.execute("select pg_current_xact_id()")
        written(2)  # these end while the import goes on: they could be sealed only with a hole before them
        assert sealed() == 1
        import_.execute(
            "insert into foundation_auditevent (id, institution_id, at, by, action, subject_type, detail) "
            "values (gen_random_uuid(), %s, now(), 'system', 'tests:import:applied', '', '{}')",
            [OURS],
        )
        assert sealed(sweep=True) == 0
    assert sealed() == 3
    assert len(chained()) == 4
    assert verified().broken is None


def test_appending_never_waits_for_the_sealer():
    written(1)
    with institution_scope(OURS):
        assert actions._begin(OURS, wait=False)
        with _other_connection() as nurse:
            nurse.execute("set lock_timeout = '1ms'")
            nurse.execute(
                "insert into foundation_auditevent (id, institution_id, at, by, action, subject_type, detail) "
                "values (gen_random_uuid(), %s, now(), 'staff:x', 'tests:dose:approved', '', '{}')",
                [OURS],
            )


def test_where_one_sealer_is_at_work_another_leaves_it_to_that_one():
    written(3)
    with _other_connection() as other:
        other.execute("select pg_advisory_xact_lock(%s, %s)", [actions._LOCK_CLASS, OURS.int & 0x7FFFFFFF])
        assert sealed() == 0
        written(2, institution_id=THEIRS)
    assert sealed(THEIRS) == 2
    assert sealed() == 3


def test_two_sealers_at_once_seal_each_event_once():
    written(60)
    counts, together = [], threading.Barrier(2)

    def run():
        try:
            together.wait()
            counts.append(sealed(batch=4, wait=True))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 60
    assert [sequence for sequence, _event in chained()] == list(range(1, 61))
    assert verified().broken is None


def test_a_restored_dump_whose_transactions_are_numbered_anew_goes_on():
    """The old server was at a number that the new one reaches much later."""
    written(3)
    sealed()
    written(1)
    tamper("update foundation_auditevent set transaction_id = transaction_id + 1000000000")
    written(2)
    assert sealed() == 3
    written(1)
    assert sealed() == 1
    assert verified().broken is None
    assert len(chained()) == 7


def test_own_events_of_an_open_transaction_wait():
    written(1)
    with institution_scope(OURS):
        AuditEvent.objects.create(institution_id=OURS, at=NOW, by="system", action="tests:own:event")
        assert sealed(sweep=True) == 1
    assert sealed() == 1


def test_a_sealer_that_is_killed_between_batches_goes_on_where_it_was(monkeypatch):
    written(10)
    append = actions._append

    def dies_on_the_third(institution_id, head, events, now):
        append(institution_id, head, events, now)
        if head and head.sequence >= 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(actions, "_append", dies_on_the_third)
    with pytest.raises(KeyboardInterrupt):
        sealed(batch=3)
    assert len(chained()) == 6
    monkeypatch.undo()
    assert sealed(batch=3) == 4
    assert verified().broken is None


# --- tampering --------------------------------------------------------------------------------------------------

_EVENT_3 = "(select event_id from foundation_auditseal where sequence = 3)"
TAMPERINGS = {
    "an event's actor changed": (
        [f"update foundation_auditevent set by = 'staff:other' where id = {_EVENT_3}"], Fault.EVENT_CHANGED, 3),
    "an event moved by a microsecond": (
        [f"update foundation_auditevent set at = at + interval '1 microsecond' where id = {_EVENT_3}"],
        Fault.EVENT_CHANGED, 3),
    "an event moved to the end of time": (
        [f"update foundation_auditevent set at = 'infinity' where id = {_EVENT_3}"], Fault.EVENT_CHANGED, 3),
    "an event's subject taken away": (
        [f"update foundation_auditevent set subject_id = null where id = {_EVENT_3}"], Fault.EVENT_CHANGED, 3),
    "a value in the detail changed": (
        [f"""update foundation_auditevent set detail = '{{"a": 2, "b": 2}}' where id = {_EVENT_3}"""],
        Fault.EVENT_CHANGED, 3),
    "a detail that no program can read": (
        [f"update foundation_auditevent set detail = repeat('9', 5000)::jsonb where id = {_EVENT_3}"],
        Fault.EVENT_CHANGED, 3),
    "an event deleted": (
        [f"delete from foundation_auditevent where id = {_EVENT_3}"], Fault.EVENT_DELETED, 3),
    "an event and its seal deleted": (
        [f"delete from foundation_auditevent where id = {_EVENT_3}",
         "delete from foundation_auditseal where sequence = 3"], Fault.SEAL_DELETED, 3),
    "a seal deleted": (["delete from foundation_auditseal where sequence = 3"], Fault.SEAL_DELETED, 3),
    "the first seal deleted": (["delete from foundation_auditseal where sequence = 1"], Fault.SEAL_DELETED, 1),
    "a gap closed by counting anew": (
        ["delete from foundation_auditseal where sequence = 3",
         "update foundation_auditseal set sequence = sequence - 1 where sequence = 4",
         "update foundation_auditseal set sequence = sequence - 1 where sequence = 5"], Fault.ORDER_CHANGED, 3),
    "two seals swapped": (
        ["update foundation_auditseal set sequence = 9 where sequence = 3",
         "update foundation_auditseal set sequence = 3 where sequence = 4",
         "update foundation_auditseal set sequence = 4 where sequence = 9"], Fault.ORDER_CHANGED, 3),
    "two events swapped": (
        [f"update foundation_auditevent set id = '{THEIRS}' where id = {_EVENT_3}",
         f"update foundation_auditevent set id = {_EVENT_3} where id = {_EVENT_3.replace('3', '4')}",
         f"update foundation_auditevent set id = {_EVENT_3.replace('3', '4')} where id = '{THEIRS}'"],
        Fault.EVENT_CHANGED, 3),
    "a seal's own time changed": (
        ["update foundation_auditseal set sealed_at = sealed_at - interval '1 day' where sequence = 3"],
        Fault.SEAL_CHANGED, 3),
    "a seal's digest made to fit a changed event": (
        [f"update foundation_auditevent set by = 'x' where id = {_EVENT_3}",
         "update foundation_auditseal set digest = sha256('x') where sequence = 3"], Fault.SEAL_CHANGED, 3),
    "the first of several faults is named": (
        [f"delete from foundation_auditevent where id = {_EVENT_3}",
         "update foundation_auditevent set by = 'x' where id = "
         "(select event_id from foundation_auditseal where sequence = 2)"], Fault.EVENT_CHANGED, 2),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "fault", "sequence"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_what_the_owner_of_the_tables_does_is_told(statements, fault, sequence):
    written(5, detail={"a": 1, "b": 2}, subject_type="student", subject_id=THEIRS)
    written(1, institution_id=THEIRS)
    sealed()
    sealed(THEIRS)
    tamper(*(f"{one} and institution_id = '{OURS}'" for one in statements))
    broken = verified().broken
    assert (broken.fault, broken.sequence) == (fault, sequence)
    assert verified(THEIRS).broken is None


def test_the_order_of_a_details_keys_says_nothing():
    written(detail={"b": {"d": 1, "c": 2}, "a": 1})
    sealed()
    tamper("""update foundation_auditevent set detail = '{"a": 1, "b": {"c": 2, "d": 1}}'""")
    assert verified().broken is None


def test_a_tail_that_is_cut_off_is_told_by_a_noted_head_alone():
    written(5)
    sealed()
    sequence, hash = head()
    tamper(
        "delete from foundation_auditevent where id in "
        "(select event_id from foundation_auditseal where sequence > 3)",
        "delete from foundation_auditseal where sequence > 3",
    )
    assert verified().broken is None
    assert verified(expected={sequence: hash}).broken == Break(Fault.HEAD_GONE, 5)


def test_a_tail_that_is_sealed_anew_is_told_by_a_noted_head():
    written(5)
    sealed()
    noted = dict([head()])
    tamper(
        "update foundation_auditevent set by = 'staff:other' where id in "
        "(select event_id from foundation_auditseal where sequence = 4)",
        "delete from foundation_auditseal where sequence > 3",
    )
    assert verified(patience=timedelta(days=1)).broken is None
    broken = verified(expected=noted).broken
    assert (broken.fault, broken.sequence) == (Fault.HEAD_GONE, 5)


def test_noted_heads_that_are_still_there_hold():
    written(2)
    sealed()
    early = head()
    written(3)
    sealed()
    assert verified(expected=dict([early, head()])).broken is None
    assert verified(expected={1: b"x" * 32, 4: b"y" * 32}).broken.sequence == 1


def test_an_event_that_waited_too_long_for_its_seal_is_told_and_sealed():
    written(3)
    first = event_ids()[0]
    verdict = verified(patience=timedelta(minutes=1))
    assert verdict.broken == Break(Fault.NOT_SEALED, event_id=first, count=3)
    assert verdict.sealed_now == 3
    assert verified(patience=timedelta(minutes=1)).broken is None


def test_new_events_are_sealed_before_the_chain_is_verified():
    written(3)
    verdict = verified()
    assert (verdict.checked, verdict.sealed_now, verdict.broken) == (3, 3, None)
    assert verdict.head == head()


# --- who may what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["update {} set institution_id = institution_id", "delete from {}", "truncate {}"]
)
@pytest.mark.parametrize("table", ["foundation_auditevent", "foundation_auditseal"])
def test_the_application_may_neither_change_nor_remove(table, statement):
    written(1)
    sealed()
    with pytest.raises(Exception) as error, institution_scope(OURS), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert isinstance(error.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_seals_of_another_institution_are_neither_seen_nor_made():
    written(1)
    sealed()
    with institution_scope(THEIRS):
        assert not AuditSeal.objects.exists()
        with pytest.raises(Exception, match="row-level security"), transaction.atomic():
            AuditSeal.objects.create(
                institution_id=OURS, sequence=2, event_id=THEIRS, digest=b"", previous_hash=b"", hash=b"",
                sealed_at=NOW,
            )  # fmt: skip
    assert AuditSeal.objects.count() == 0


def _other_connection():
    wanted = connection.get_connection_params()
    other = psycopg.connect(
        **{key: wanted[key] for key in ("dbname", "user", "password", "host", "port") if key in wanted}
    )
    other.execute("select set_config('pratique.institution', %s, false)", [str(OURS)])
    other.commit()
    return other
