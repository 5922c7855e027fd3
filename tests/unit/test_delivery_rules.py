"""When deliveries are tried again, when a destination is left alone, and what files are called."""

from datetime import UTC, datetime, timedelta

import pytest

from pratique.delivery import names, policies
from pratique.delivery.names import TemplateError, default_template, file_name
from pratique.delivery.types import FAILURES, STOPS

NOW = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("tries", "wait"),
    [
        (1, MINUTE), (2, 5 * MINUTE), (3, 15 * MINUTE), (4, HOUR), (5, 4 * HOUR), (6, DAY), (7, DAY), (8, DAY),
        (9, None),
    ],
)  # fmt: skip
def test_a_delivery_is_tried_again_ever_later_for_three_days(tries, wait):
    assert policies.next_try(tries, "write_lost", now=NOW) == (None if wait is None else NOW + wait)


@pytest.mark.parametrize("code", ["report_failed", "name_taken", "account_closed", "file_gone"])
def test_what_another_try_cannot_change_is_not_tried_again(code):
    assert policies.next_try(1, code, now=NOW) is None


@pytest.mark.parametrize(
    ("code", "same_before", "stop"),
    [
        ("host_key_changed", 0, "host_key_changed"),
        ("host_key_not_pinned", 0, "host_key_not_pinned"),
        ("sign_in_refused", 0, ""),
        ("sign_in_refused", 1, ""),
        ("sign_in_refused", 2, "sign_in_refused"),
        ("write_lost", 20, ""),
        ("connect_timeout", 20, ""),
    ],
    ids=[
        "another-host-key", "no-host-key", "refused-once", "refused-twice", "refused-three-times",
        "broken-for-long", "away-for-long",
    ],
)  # fmt: skip
def test_a_destination_is_stopped_where_going_on_does_harm(code, same_before, stop):
    assert policies.stop_for(code, same_before) == stop


def test_somebody_is_told_once_of_failures_in_a_row():
    assert [number for number in range(20) if policies.is_alert_due(number)] == [5]


def test_every_stop_and_every_final_failure_has_a_sentence():
    assert {policies.stop_for(code, 9) for code in FAILURES} | {"staff"} == set(STOPS) | {""}
    assert set(FAILURES) >= policies._FINAL


def named(template, *, taken=(), report="student-detail"):
    return file_name(template, report=report, local_now=NOW, is_taken=lambda name: name in taken)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("students-{date:%Y%m%d-%H%M}.csv", "students-20261122-0905.csv"),
        ("{report}_{date}.csv", "student-detail_2026-11-22.csv"),
        (default_template("xlsx"), "student-detail-20261122-090507.xlsx"),
        ("students.csv", "students.csv"),
        ("week {date:%V} ({n:03}).csv", "week 47 (001).csv"),
        ("../../etc/{report}", "-..-etc-student-detail"),
        (".hidden", "hidden"),
        ("a\x00b\nc:d?.csv", "a-b-c-d-.csv"),
        ("Übersicht.csv", "-bersicht.csv"),
        ("{{{n}}}.csv", "-1-.csv"),
    ],
    ids=[
        "date-and-time", "plain-date", "default", "constant", "number-of-three-digits", "folders", "hidden",
        "control-characters", "other-letters", "braces",
    ],
)  # fmt: skip
def test_a_template_gives_a_safe_name(template, name):
    assert named(template) == name


@pytest.mark.parametrize(
    "template",
    [
        "", "   ", "{date", "}", "{student}", "{0}", "{}", "{date.year}", "{date!r}", "{n:>9999999999}", "{n:x}",
        "{date:{n}}", "{date:%c}", "{date:%A}", "{report:>400}", "...", "x" * 201,
    ],
)  # fmt: skip
def test_a_template_that_is_none_is_refused(template):
    with pytest.raises(TemplateError):
        named(template, report="a" * 60)


def test_a_report_that_was_given_a_long_name_still_makes_files():
    name = named("{report}-{date:%Y}.csv", report="a" * 300)
    assert name.endswith("a-2026.csv")
    assert len(name) <= names.LONGEST_NAME


def test_a_name_that_was_used_is_not_given_again():
    assert named("students.csv", taken={"students.csv"}) is None


@pytest.mark.parametrize("used", [0, 1, 2, 3, 7, 8, 100, 1000])
def test_numbers_count_on_without_asking_for_each(used):
    asked = []

    def is_taken(name):
        asked.append(name)
        return int(name) <= used

    assert file_name("{n}", report="r", local_now=NOW, is_taken=is_taken) == str(used + 1)
    assert len(asked) <= 22


def test_a_temporary_name_has_room():
    assert names.LONGEST_NAME + len(".0123456789ab.part") < 255
