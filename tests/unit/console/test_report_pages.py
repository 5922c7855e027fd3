"""Reports on screen, the pure part: the builder's buttons, addresses, and cells."""

from dataclasses import replace
from datetime import date

import pytest

from pratique.interfaces.console import report_address, report_columns, report_page
from pratique.reports import catalogue
from pratique.reports.types import ChosenColumn, Column, ColumnKind
from tests.schools import NOW

COLUMNS = [Column(key, key.title(), ColumnKind.TEXT, "x", shown=key != "d") for key in "abcd"]


@pytest.mark.parametrize(
    ("deed", "result"),
    [
        ("add:d", "abcd"), ("add:a", "abc"), ("add:z", "abc"), ("remove:b", "ac"), ("remove:z", "abc"),
        ("none", ""), ("up:b", "bac"), ("up:a", "abc"), ("down:a", "bac"), ("down:c", "abc"), ("look", "abc"),
        ("", "abc"),
    ],
)  # fmt: skip
def test_each_button_does_one_thing(deed, result):
    picked = tuple(ChosenColumn(key) for key in "abc")
    assert "".join(one.key for one in report_columns.done(picked, deed, COLUMNS)) == result


def test_the_usual_columns_come_back():
    assert [one.key for one in report_columns.done((ChosenColumn("d"),), "usual", COLUMNS)] == ["a", "b", "c"]


def test_an_address_says_what_was_asked_and_nothing_more():
    chosen = (ChosenColumn("username", "Login"), ChosenColumn("requirement:mmr"))
    asked = {"group": ["1", "2"], "state": "active", "due_from": "", "term": ""}
    saved = replace(catalogue.definition("student-detail"), presets={"term": ["9"]})
    assert report_address.write(saved, asked, columns=chosen, sort="-due_on") == (
        "group=1&group=2&term=&columns=username,requirement:mmr&title.username=Login&sort=-due_on"
    )


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        (("line", ColumnKind.INTEGER), 12000, "12000"),
        (("cvx", ColumnKind.INTEGER), 1119, "1119"),
        (("students", ColumnKind.INTEGER), 12000, "12,000"),
        (("share", ColumnKind.PERCENT), 46.75, "46.8%"),
        (("born", ColumnKind.DATE), date(2006, 4, 3), "April 3, 2006"),
        (("at", ColumnKind.INSTANT), NOW, "Aug. 3, 2026, 3 p.m."),
        (("on", ColumnKind.BOOLEAN), False, "No"),
        (("on", ColumnKind.BOOLEAN), None, "–"),
        (("state", ColumnKind.STATUS), "in_force", "In force"),
        (("state", ColumnKind.STATUS), "not_known_here", "Not known here"),
        (("name", ColumnKind.TEXT), "", "–"),
    ],
    ids=str,
)
def test_a_cell_is_shown_as_people_write_it(column, value, shown):
    key, kind = column
    assert report_page.cell(Column(key, "x", kind, "x"), value, {"in_force": "In force"}) == shown
