"""The library of reasons, and how an estimate is measured."""

from datetime import UTC, date, datetime

import pytest

from pratique.reviews.models import ReturnReason
from pratique.reviews.queries.estimate import estimate
from pratique.reviews.reasons import OTHER, PLACES, REASONS, overlay, wording

TODAY = date(2026, 8, 14)


def test_there_are_enough_reasons_each_in_both_languages_and_nine_have_a_key():
    assert len(REASONS) >= 12
    assert len({reason.code for reason in REASONS}) == len(REASONS)
    assert sorted(reason.place for reason in REASONS if reason.place) == list(PLACES)
    for reason in REASONS:
        assert set(reason.wording) == {"en", "es"}, reason.code
        for text in reason.wording.values():
            assert 20 < len(text) < 400
            assert text.endswith(".")
        assert len(reason.code) <= 40


def row(code, name, place=None, retired=None):
    return ReturnReason(code=code, name=name, place=place, wording={"en": f"{name}."}, retired_at=retired)


def test_an_institutions_own_reasons_lie_over_the_built_in_ones():
    before = {reason.code: reason for reason in overlay([])}
    after = overlay([row("unreadable", "Too dark", 1), row("stamp", "No stamp", 2)])
    by_code = {reason.code: reason for reason in after}
    assert len(after) == len(before) + 1
    assert by_code["unreadable"].wording == {"en": "Too dark."}
    assert [reason.code for reason in after[:3]] == ["unreadable", "stamp", "page_missing"]
    # Whose key was taken stays in the list, without one.
    assert by_code["name_missing"].place is None
    assert not by_code["stamp"].built_in


def test_a_retired_reason_leaves_its_key_to_nobody():
    after = {reason.code: reason for reason in overlay([row("unreadable", "x", None, datetime.now(UTC))])}
    assert (after["unreadable"].retired, after["unreadable"].place) == (True, None)


@pytest.mark.parametrize(
    ("code", "language", "note", "begins", "ends"),
    [
        pytest.param("unreadable", "en", "", "We could not read", "itself.", id="as it stands"),
        pytest.param(
            "unreadable", "es-mx", "Página 2.", "No pudimos leer", "Página 2.", id="Spanish, with a note"
        ),
        pytest.param("unreadable", "fr", "", "We could not read", "itself.", id="a language that we lack"),
        pytest.param(OTHER, "en", "Please call us.", "Please call us.", "us.", id="the note alone"),
        pytest.param("gone", "en", "Look again.", "Look again.", "again.", id="an unknown code with a note"),
        pytest.param("gone", "en", "", "We could not accept", "message.", id="an unknown code alone"),
    ],
)
def test_what_the_student_reads(code, language, note, begins, ends):
    text = wording(code, language, note)
    assert text.startswith(begins)
    assert text.endswith(ends)


def day(number, *hours):
    return [(datetime(2026, 8, number, hour), cases) for hour, cases in hours]  # noqa: DTZ001


WEEK = [
    *day(10, (9, 10), (10, 10)),
    *day(11, (9, 20)),
    *day(12, (9, 5), (14, 5)),
    *day(13, (9, 30), (11, 10)),
]


@pytest.mark.parametrize(
    ("ahead", "measured", "expected"),
    [
        pytest.param(5, [], None, id="nothing decided"),
        pytest.param(5, day(13, (9, 50)), None, id="one day says nothing of the next"),
        pytest.param(5, [*day(12, (9, 1)), *day(13, (9, 2))], None, id="too few decisions"),
        pytest.param(0, WEEK, ("hours", 1, 1), id="next"),
        pytest.param(11, WEEK, ("days", 1, 2), id="a good day and a slow one"),
        pytest.param(99, WEEK, ("days", 3, 10), id="many days"),
        pytest.param(
            0, [*WEEK, *day(14, (8, 1))], ("hours", 1, 1), id="today is not over and does not count"
        ),
        pytest.param(
            3,
            [*day(13, (9, 30)), *day(14, (8, 30))],
            ("hours", 1, 1),
            id="today counts where little else is known",
        ),
    ],
)
def test_an_estimate_is_the_range_of_recent_working_days(ahead, measured, expected):
    assert estimate(ahead, measured, TODAY) == expected
