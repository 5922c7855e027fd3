"""The keeper: when it claims, what it does when something fails, and who has heard of what."""

import errno
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError

from pratique.foundation.ids import new_id
from pratique.foundation.storage import StorageError
from pratique.foundation.vault import KeyProviderError
from pratique.transfers.actions.claiming import ClaimOutcome
from pratique.transfers.actions.mirror import SpoolRow
from pratique.transfers.models import InboundState
from pratique.transfers.policies import INCOMPLETE_KEPT_SECONDS, WAITING_KEPT_SECONDS
from pratique.transfers.spool import keeper as keeping
from pratique.transfers.spool.keeper import Keeper
from pratique.transfers.spool.spool import Download
from pratique.transfers.types import AccountRef, Upload
from tests.unit.transfers.spool_world import NOTHING, WRITE, World, names, put, send, world

__all__ = ["world"]
CSV = b"/inbound/students.csv"


def _closed(world: World, name: str = "students.csv") -> tuple[object, UUID]:
    """Upload without another word."""
    session = world.session()
    handle = session.open(f"/inbound/{name}".encode(), WRITE, NOTHING)
    send(handle, b"content")
    handle.close()
    return session, handle._upload.file_id  # type: ignore[attr-defined]


# --- who heard -------------------------------------------------------------------------------------------------------


def test_an_upload_whose_client_went_on_is_answered(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    world.passes()
    assert [one.unanswered for one, _content in world.claims.taken] == [False]


def test_an_upload_whose_session_ended_without_a_word_is_unanswered(world: World) -> None:
    session, _file_id = _closed(world)
    session.ended()  # type: ignore[attr-defined]
    world.passes()
    assert [one.unanswered for one, _content in world.claims.taken] == [True]
    assert world.answers == []


def test_a_client_that_is_silent_is_unanswered_until_it_goes_on(world: World) -> None:
    session, file_id = _closed(world)
    world.passes()
    assert [one.unanswered for one, _content in world.claims.taken] == [True]
    session.heard()  # type: ignore[attr-defined]
    world.passes(1)
    assert world.answers == [(file_id, False)]


def test_a_client_that_is_silent_and_then_lost_stays_unanswered(world: World) -> None:
    session, _file_id = _closed(world)
    world.passes()
    session.ended()  # type: ignore[attr-defined]
    session.heard()  # type: ignore[attr-defined]
    world.passes(1)
    assert world.answers == []


def test_what_was_heard_in_the_middle_of_the_claim_is_told_after_it(world: World) -> None:
    session, file_id = _closed(world)

    def heard_meanwhile(_upload: Upload) -> ClaimOutcome:
        session.heard()  # type: ignore[attr-defined]
        return ClaimOutcome(InboundState.CLAIMED)

    world.claims.answer = heard_meanwhile
    world.passes()
    world.passes(1)
    assert world.answers == [(file_id, False)]


def test_what_was_heard_before_an_orderly_stop_is_known_to_the_next_start(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    _closed(world, "silent.csv")
    world.keeper.look()
    world.keeper.stop()
    following = world.a_spool()
    world.passes(30, world.a_keeper(following))
    assert {one.name: one.unanswered for one, _content in world.claims.taken} == {
        "students.csv": False, "silent.csv": True,
    }  # fmt: skip


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_database_that_is_away_is_asked_again_later_and_later_and_nothing_is_lost(world: World) -> None:
    for number in range(5):
        put(world.session(), f"/inbound/{number}.csv", b"%d" % number)

    def away(_upload: Upload) -> ClaimOutcome:
        raise OperationalError("no connection")

    world.claims.answer = away
    for _second in range(60):
        world.passes(1)
    assert 3 < world.claims.calls < 20, "neither given up nor in a loop"
    assert len(names(world.session())) == 5
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    for _second in range(70):
        world.passes(1)
    assert sorted(world.claims.names()) == [f"{number}.csv" for number in range(5)]


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "no room"), StorageError("no bucket"), KeyProviderError("no token")],
    ids=["no room on the disk", "no bucket", "no key provider"],
)
def test_what_all_claims_need_is_not_asked_for_by_each_of_them(world: World, error: Exception) -> None:
    """A full disk got a stack trace in the log for every upload that waited, again and again."""
    for number in range(20):
        put(world.session(), f"/inbound/{number}.csv", b"content")

    def fails(_upload: Upload) -> ClaimOutcome:
        raise error

    world.claims.answer = fails
    for _second in range(60):
        world.passes(1)
    assert 3 < world.claims.calls < 20
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    for _second in range(70):
        world.passes(1)
    assert len(world.claims.names()) == 20


def test_one_upload_that_always_fails_does_not_hold_up_the_others(world: World) -> None:
    for name in ("bad.csv", "good.csv"):
        put(world.session(), f"/inbound/{name}", b"content")

    def one_fails(upload: Upload) -> ClaimOutcome:
        if upload.name == "bad.csv":
            raise RuntimeError("something of our own")
        return ClaimOutcome(InboundState.CLAIMED)

    world.claims.answer = one_fails
    world.passes()
    assert world.claims.names() == ["good.csv"]
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    world.passes(60)
    assert world.claims.names() == ["good.csv", "bad.csv"]


def test_an_upload_that_the_claim_leaves_is_tried_again_and_its_reason_shown(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.WAITING, "account_suspended")
    world.passes()
    world.passes(2)
    world.passes(keeping.SCAN_SECONDS * 2)
    assert world.states() == {"students.csv": ("waiting", "account_suspended")}
    assert names(world.session()) == ["students.csv"]
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    world.passes(keeping.LONGEST_WAIT * 4)
    assert world.claims.names() == ["students.csv"]


def test_all_that_an_account_that_is_kept_out_left_costs_one_question_at_a_time(world: World) -> None:
    """A thousand of them took the keeper's whole time, and nobody else's files were claimed."""
    for number in range(30):
        put(world.session(), f"/inbound/{number}.csv", b"content")
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.WAITING, "account_suspended")
    world.passes()
    assert world.claims.calls == 30  # each is read once: one may be the same bytes as the last
    for _second in range(60):
        world.passes(1)
    assert world.claims.calls < 30 + 15
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    world.passes(keeping.LONGEST_WAIT * 8)
    assert len(world.claims.names()) == 30


def test_an_account_does_not_wait_for_all_that_another_one_brought(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_ROUND_SECONDS", 0)  # each claim takes longer than that
    other = AccountRef(new_id(), new_id(), "other")
    for number in range(20):
        put(world.session(), f"/inbound/{number}.csv", b"content")
    world.keeper.look()
    world.time += 1
    put(world.session(other), "/inbound/other.csv", b"content")
    world.keeper.look()
    world.time += 3
    world.keeper.look()
    assert world.claims.names() == ["0.csv", "other.csv"]
    for _look in range(19):
        world.keeper.look()
    assert len(world.claims.names()) == 21


def test_rows_that_the_database_refuses_do_not_hold_up_those_of_others(world: World) -> None:
    unknown = AccountRef(new_id(), new_id(), "unknown")
    keeper = world.keeper
    mirror = keeper._doors.mirror

    def refuses_the_unknown(rows: Iterable[SpoolRow]) -> None:
        found = list(rows)
        if any(row.account == unknown for row in found):
            raise IntegrityError("no such account")
        mirror(found)

    keeper._doors = replace(keeper._doors, mirror=refuses_the_unknown)
    put(world.session(unknown), "/inbound/a.txt", b"content")
    put(world.session(), "/inbound/b.txt", b"content")
    world.passes()
    assert world.states() == {"b.txt": ("waiting", "not_csv")}


def test_what_an_account_left_that_was_closed_goes_in_the_end(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    world.claims.answer = lambda _upload: ClaimOutcome(InboundState.WAITING, "account_closed")
    world.passes()
    world.passes(WAITING_KEPT_SECONDS + 400)
    world.passes()
    assert names(world.session()) == []
    assert world.states() == {"students.csv": ("removed", "")}


@pytest.mark.parametrize("fails", ["mirror", "changes", "scan", "tidy"])
def test_nothing_that_fails_ends_it(world: World, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def broken(*_values: object) -> None:
        raise RuntimeError("something of our own")

    method = {"mirror": "_mirror", "changes": "_note_read", "scan": "_scan", "tidy": "_tidy"}[fails]
    monkeypatch.setattr(world.keeper, method, broken)
    put(world.session(), CSV.decode(), b"content")
    world.passes()
    assert world.claims.names() == ["students.csv"]


def test_an_empty_upload_is_claimed_too_and_the_claim_decides(world: World) -> None:
    put(world.session(), CSV.decode(), b"")
    world.passes()
    assert [(one.size, content) for one, content in world.claims.taken] == [(0, b"")]


def test_a_clock_that_is_set_back_does_not_hold_an_upload_up(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    world.keeper.look()
    world.time -= 3600
    world.passes()
    assert world.claims.names() == ["students.csv"]


# --- several processes -----------------------------------------------------------------------------------------------


def test_two_keepers_claim_each_upload_once(world: World) -> None:
    other = world.a_spool()
    second = world.a_keeper(other)
    for number in range(5):
        put(world.session(), f"/inbound/a{number}.csv", b"a")
        put(world.session(spool=other), f"/inbound/b{number}.csv", b"b")
    for keeper in (world.keeper, second):
        world.passes(30, keeper)
    for keeper in (world.keeper, second):
        world.passes(30, keeper)
    assert len(world.claims.names()) == len(set(world.claims.names())) == 10


def test_its_thread_starts_claims_and_stops(world: World) -> None:
    keeper = Keeper(world.spool, doors=world.keeper._doors, settle=0.0)
    before = threading.active_count()
    keeper.start()
    try:
        put(world.session(), CSV.decode(), b"content")
        until = time.monotonic() + 20
        while not world.claims.taken and time.monotonic() < until:
            time.sleep(0.01)
        assert world.claims.names() == ["students.csv"]
    finally:
        keeper.stop()
    assert threading.active_count() == before


# --- how long things are kept ----------------------------------------------------------------------------------------


def test_incomplete_and_misnamed_uploads_are_removed_when_nobody_came_for_long(world: World) -> None:
    session = world.session()
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, b"half")
    handle.abandon()
    put(session, "/inbound/students.txt", b"content")
    world.passes(10)
    world.passes(INCOMPLETE_KEPT_SECONDS - 60)
    assert names(session) == ["students.csv", "students.txt"]
    world.passes(120)
    assert names(session) == ["students.txt"]
    world.passes(WAITING_KEPT_SECONDS - INCOMPLETE_KEPT_SECONDS + 60)
    assert names(session) == []
    world.passes(5)
    assert {state for state, _reason in world.states().values()} == {"removed"}
    assert not world.claims.calls


def test_what_dead_processes_left_without_a_byte_is_removed(world: World) -> None:
    put(world.session(), CSV.decode(), b"content")
    folder = world.root / str(world.account.id)
    empty = Path(folder / f"{'0' * 40}.up")
    empty.touch()
    world.time = empty.stat().st_mtime + keeping.EMPTY_SECONDS - 5
    world.keeper._next_tidy = float("-inf")
    world.keeper.look()
    assert empty.exists(), "its maker may be about to write"
    world.time += 100
    world.keeper.look()
    assert not empty.exists()


def test_downloads_are_noted_together(world: World) -> None:

    ids = [new_id() for _number in range(3)]
    world.spool.downloads.extend(Download(world.account, one) for one in ids)
    world.keeper.look()
    assert world.reads == ids
