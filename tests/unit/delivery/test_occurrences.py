"""What a schedule does when its time has come: one row, one situation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pratique.delivery import names, policies
from pratique.delivery.policies import Decision, Deed, Situation, at_occurrence
from pratique.delivery.types import FAILURES, PAUSES, Place, SchedulePlan, why_paused

NOW = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WHOLE, DELTA = Situation(is_delta=False), Situation(is_delta=True)


@pytest.mark.parametrize(
    ("situation", "deed", "because"),
    [
        (DELTA, Deed.CUT, ""),
        (replace(DELTA, latest="delivered"), Deed.CUT, ""),
        (replace(DELTA, latest="delivered", is_empty=True), Deed.SKIP, ""),
        (replace(DELTA, latest="waiting"), Deed.WAIT, ""),
        (replace(DELTA, latest="waiting", is_empty=True), Deed.WAIT, ""),
        (replace(DELTA, latest="sending"), Deed.WAIT, ""),
        (replace(DELTA, latest="waiting", is_stopped=True), Deed.WAIT, ""),
        (replace(DELTA, latest="failed", failure="write_denied", has_file=True), Deed.REVIVE, ""),
        (replace(DELTA, latest="failed", failure="rename_lost", has_file=True, is_renaming=True), Deed.REVIVE, ""),
        (replace(DELTA, latest="failed", failure="rename_lost", is_renaming=True), Deed.PAUSE, "in_doubt"),
        (replace(DELTA, latest="failed", failure="file_gone"), Deed.CUT, ""),
        (replace(DELTA, latest="failed", failure="report_failed"), Deed.CUT, ""),
        (replace(DELTA, latest="failed", failure="name_taken", has_file=True), Deed.CUT, ""),
        (replace(DELTA, latest="cancelled"), Deed.CUT, ""),
        (replace(DELTA, latest="cancelled", is_renaming=True), Deed.PAUSE, "in_doubt"),
        (replace(DELTA, latest="waiting", obstacle="account_closed"), Deed.PAUSE, "account_closed"),
        (WHOLE, Deed.CUT, ""),
        (replace(WHOLE, latest="delivered"), Deed.CUT, ""),
        (replace(WHOLE, latest="waiting"), Deed.SUPERSEDE, ""),
        (replace(WHOLE, latest="waiting", is_renaming=True), Deed.WAIT, ""),
        (replace(WHOLE, latest="waiting", is_stopped=True), Deed.WAIT, ""),
        (replace(WHOLE, latest="sending"), Deed.WAIT, ""),
        (replace(WHOLE, latest="failed", failure="rename_lost", is_renaming=True), Deed.CUT, ""),
        (replace(WHOLE, latest="cancelled", is_renaming=True), Deed.CUT, ""),
    ],
    ids=[
        "first", "after-one-that-arrived", "nothing-changed", "open", "open-and-nothing-changed", "under-way",
        "stopped", "failed-with-its-file", "failed-in-doubt-with-its-file", "failed-in-doubt-without-its-file",
        "file-gone", "could-not-be-made", "name-taken", "cancelled", "cancelled-in-doubt", "an-obstacle",
        "whole-first", "whole-again", "whole-overtakes", "whole-being-named", "whole-stopped", "whole-under-way",
        "whole-failed", "whole-cancelled",
    ],
)  # fmt: skip
def test_what_a_schedule_does(situation, deed, because):
    assert at_occurrence(situation) == Decision(deed, because)


def test_every_pause_has_a_sentence_that_says_what_to_do():
    assert all(why_paused(code) for code in PAUSES)
    assert {"in_doubt", "account_closed", "destination_closed", "staff"} < set(PAUSES)
    assert set(FAILURES) > policies._FINAL


@pytest.mark.parametrize(
    ("every", "tries", "wait"),
    [(5, 1, 1), (5, 3, 15), (5, 4, 15), (5, 400, 15), (60, 5, 60), (60, 400, 60), (1440, 4, 60), (1440, 400, 1440)],
)  # fmt: skip
def test_what_runs_every_few_minutes_waits_no_longer_than_that_and_never_gives_up(every, tries, wait):
    again = policies.next_try(tries, "connect_timeout", every_minutes=every, now=NOW)
    assert again == NOW + wait * MINUTE
    assert policies.next_try(1, "report_failed", every_minutes=every, now=NOW) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.csv", "a-2.csv"), ("a.csv.pgp", "a-2.csv.pgp"), ("a", "a-2"), ("a-b.c.txt", "a-b.c-2.txt")],
)
def test_a_name_like_one_that_is_taken(name, wanted):
    assert names.numbered_again(name, is_taken={name}.__contains__) == wanted
    taken = {f"a-{number}.csv" for number in range(2, 40)}
    assert names.numbered_again("a.csv", is_taken=taken.__contains__) == "a-40.csv"


def test_a_report_that_was_renamed_to_something_long_is_cut_in_a_files_name():
    def named(template, report):
        return names.file_name(template, report=report, local_now=NOW, is_taken=lambda _name: False)

    beginning, long = "x" * 150 + "-", "all-those-who-live-on-campus-" * 3
    assert named(beginning + "{report}-{n}.csv", long) == f"{beginning}{long[:23]}-1.csv"
    assert named(beginning + "{report}{report}.csv", long) == f"{beginning}{long[:12] * 2}.csv"
    with pytest.raises(names.TemplateError):
        named("x" * 180 + "{report}", long)


def test_who_changes_a_deltas_filters_is_told_what_it_does_not_do():
    plan = SchedulePlan(
        name="x", report_key="student-detail", place=Place(), contents="delta", every_minutes=5
    )
    assert policies.said_of_change(plan, replace(plan, name="y", every_minutes=60)) == ""
    assert "replay" in policies.said_of_change(plan, replace(plan, parameters={"on_campus": "1"}))
    assert policies.said_of_change(plan, replace(plan, contents="whole", report_key="other")) == ""
