"""Layouts: kept as data, filled from the saved report's, refused with a sentence; one date format for three places."""

import datetime

import pytest

from pratique.reports import layouts
from pratique.reports.layouts import LayoutError
from pratique.reports.types import ChosenColumn, Column, ColumnKind, Layout

COLUMNS = (
    Column("name", "Name", ColumnKind.TEXT, "x"),
    Column("born", "Born", ColumnKind.DATE, "x"),
    Column("secret", "Secret", ColumnKind.TEXT, "x", shown=False),
)
FULL = Layout(
    (ChosenColumn("born", "Birth", 8), ChosenColumn("name")),
    "%d.%m.%Y",
    "%Y%m%d%H%M%S",
    ("Y", "N"),
    False,
    True,
)


def test_a_layout_comes_back_from_data_and_the_usual_one_is_empty():
    assert layouts.to_data(Layout()) == {}
    assert layouts.from_data({}) == Layout()
    assert layouts.from_data(layouts.to_data(FULL)) == FULL


def test_what_is_given_wins_and_the_rest_is_the_saved_reports():
    assert layouts.over(Layout(), FULL) == FULL
    assert layouts.over(FULL, Layout()) == FULL
    mixed = layouts.over(Layout(date_format="%Y"), FULL)
    assert (mixed.columns, mixed.date_format, mixed.header) == (FULL.columns, "%Y", False)


def test_columns_are_the_shown_ones_or_the_chosen_ones_and_one_that_ended_is_empty():
    assert [one.key for one in layouts.chosen_columns(Layout(), COLUMNS)] == ["name", "born"]
    chosen = layouts.chosen_columns(
        Layout((ChosenColumn("secret", "S"), ChosenColumn("gone", "Old"))), COLUMNS
    )
    assert [(one.title, one.sql) for one in chosen] == [("S", "x"), ("Old", "null::text")]


@pytest.mark.parametrize(
    ("layout", "field", "words"),
    [
        pytest.param(Layout((ChosenColumn("gone"),)), "columns", "no column “gone”", id="unknown column"),
        pytest.param(
            Layout((ChosenColumn("name"),) * 2), "columns", "chosen twice", id="the same column twice"
        ),
        pytest.param(
            Layout((ChosenColumn("name", "A"), ChosenColumn("born", "a"))),
            "columns",
            "Two columns",
            id="one title twice",
        ),
        pytest.param(Layout((ChosenColumn("name", "A" * 121),)), "columns", "120", id="long title"),
        pytest.param(Layout((ChosenColumn("name", "", 0),)), "columns", "from 1", id="no width"),
        pytest.param(Layout(date_format="yyyy"), "date_format", "Begin with", id="Excel's letters"),
        pytest.param(Layout(date_format="=%Y"), "date_format", "Begin with", id="a formula"),
        pytest.param(Layout(date_format="%Y %H"), "date_format", "no time", id="a time in a date"),
        pytest.param(Layout(instant_format="%Y %M"), "instant_format", "after the hour", id="minutes alone"),
        pytest.param(Layout(instant_format="%Y %I"), "instant_format", "%p", id="twelve hours without half"),
        pytest.param(Layout(booleans=("Y", "Y")), "booleans", "different", id="one word for both"),
    ],
)
def test_a_wrong_layout_is_refused_with_a_sentence(layout, field, words):
    with pytest.raises(LayoutError, match=words) as refused:
        layouts.checked(layout, COLUMNS)
    assert refused.value.field == field


def test_a_right_layout_is_stripped():
    typed = Layout((ChosenColumn("secret", "  Top \n\0secret "),), " %Y ", booleans=(" Y ", ""))
    wanted = Layout((ChosenColumn("secret", "Top secret"),), "%Y", booleans=("Y", ""))
    assert layouts.checked(typed, COLUMNS) == wanted
    assert layouts.checked(FULL, COLUMNS) == FULL


def test_one_date_format_serves_the_database_excel_and_people():
    format = "%d. %B %Y, %I:%M:%S %p"
    assert layouts.database_template(format) == 'DD"."" "FMMonth" "YYYY","" "HH12":"MI":"SS" "AM'
    assert layouts.excel_format(format) == r"dd\.\ mmmm\ yyyy\,\ hh\:mm\:ss\ AM/PM"
    day = datetime.datetime(899, 3, 1, 22, 5, 9)  # noqa: DTZ001
    assert layouts.written(day, format) == "01. March 0899, 10:05:09 PM"
