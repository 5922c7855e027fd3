"""A layout chooses columns, titles and how dates are written: in every format, and when what it names is gone."""

import datetime
import io
import json

import pytest
from python_calamine import CalamineWorkbook

from pratique.foundation.tenancy import institution_scope
from pratique.reports import layouts, queries
from pratique.reports.statements import NoDeltaError, UnknownSortError
from pratique.reports.types import Changes, ChosenColumn, Format, Layout
from pratique.reports.writers.fixed_writer import TooLongForColumnError
from tests.integration.reports.population import NOW, a_school

pytestmark = pytest.mark.django_db

FOR_ERP = Layout(
    columns=(
        ChosenColumn("student_id", "EMPLID", 8),
        ChosenColumn("date_of_birth", "BIRTHDATE"),
        ChosenColumn("status_changed_at", "CHANGED"),
        ChosenColumn("on_campus", "CAMPUS"),
        ChosenColumn("num_items", "N", 3),
        ChosenColumn("attribute:Hall", width=6),
        ChosenColumn("requirement:gone", "OLD", 4),
        ChosenColumn("missing:tdap", "TODO", 12),
    ),
    date_format="%m/%d/%Y",
    instant_format="%d-%b-%y %I:%M %p",
    booleans=("Y", "N"),
    cut=True,
)
WORDS = "Get a dose of Tdap."


@pytest.fixture
def school(monkeypatch):
    monkeypatch.setattr("pratique.reports.definitions.item_standing.in_words", lambda reason: WORDS)
    school = a_school()
    changed = datetime.datetime(2026, 3, 2, 3, 30, 15, tzinfo=datetime.UTC)
    school.student(
        "a", student_id="007", date_of_birth=datetime.date(2001, 2, 3), on_campus=True, changed_at=changed,
        statuses={"mmr": "approved", "tdap": "incomplete"}, attributes={"Hall": "Élan\tB", "x": 1},
        reasons={"tdap": [{"code": "doses_missing", "params": {}}]},
    )  # fmt: skip
    school.student("b", last_name="z", student_id="008", date_of_birth=datetime.date(1899, 12, 31))
    return school


def taken(school, format, layout=FOR_ERP, **options):
    stream = queries.stream(
        "student-detail", {}, format, institution_id=school.id, now=NOW, layout=layout, **options
    )
    return b"".join(stream)


TITLES = ["EMPLID", "BIRTHDATE", "CHANGED", "CAMPUS", "N", "Hall", "OLD", "TODO"]
FIRST = ["007", "02/03/2001", "01-Mar-26 10:30 PM", "Y", "2", "Élan\tB", "", WORDS]
SECOND = ["008", "12/31/1899", "", "", "0", "", "", ""]


@pytest.mark.parametrize(
    ("format", "sign"),
    [(Format.CSV, ","), (Format.PIPE, "|"), (Format.TSV, "\t")],
    ids=["csv", "pipe", "tsv"],
)
def test_text_files_are_as_the_other_program_wants_them(school, format, sign):
    lines = taken(school, format).decode().split("\r\n")
    quoted = [f'"{cell}"' if sign in cell else cell for cell in FIRST]
    assert lines == [sign.join(TITLES), sign.join(quoted), sign.join(SECOND), ""]
    bare = Layout(
        FOR_ERP.columns[:5], FOR_ERP.date_format, FOR_ERP.instant_format, FOR_ERP.booleans, header=False
    )
    # Without words COPY prints the rows: the same cells.
    assert taken(school, format, bare).decode() == f"{sign.join(FIRST[:5])}\r\n{sign.join(SECOND[:5])}\r\n"
    assert taken(school, format, bare, bom=True).startswith(b"\xef\xbb\xbf007")


def test_fixed_width_puts_every_value_in_its_place(school):
    header, first, second, end = taken(school, Format.FIXED).decode().split("\r\n")
    # Widths that nobody chose are the longest that the format can give: 10 for the date, 18 for the instant.
    assert first == "007     02/03/200101-Mar-26 10:30 PMY  2Élan B    Get a dose o"
    assert second == "008     12/31/1899" + " " * 21 + "0" + " " * 22
    assert header == "EMPLID  BIRTHDATE CHANGED           C  NHall  OLD TODO        "
    assert end == ""


def test_fixed_width_refuses_what_is_too_long_and_says_how_wide_it_must_be(school):
    narrow = Layout((ChosenColumn("student_id", "ID", 3), ChosenColumn("username", "User", 1)))
    assert taken(school, Format.FIXED, narrow) == b"ID U\r\n007a\r\n008b\r\n"
    school.student("long-name", last_name="zz")
    school.student("longer-name", last_name="zzz")
    with pytest.raises(
        TooLongForColumnError, match="“User” is 1 characters wide, and some values need 11"
    ) as error:
        taken(school, Format.FIXED, narrow)
    assert "long" not in str(error.value).replace("long values", "")


def test_excel_gets_real_dates_under_the_formats_that_were_chosen(school):
    rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(taken(school, Format.XLSX)))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert rows[0] == TITLES
    changed = datetime.datetime(2026, 3, 1, 22, 30, 15)  # noqa: DTZ001  (Excel has no zones)
    assert rows[1] == ["007", datetime.date(2001, 2, 3), changed, "Y", 2.0, "Élan\tB", "", WORDS]
    assert rows[2][:2] == ["008", "12/31/1899"]


def test_json_lines_have_the_titles_that_were_given_and_keys_for_the_rest(school):
    first, _second = map(json.loads, taken(school, Format.JSONL).splitlines())
    keys = ["attribute:Hall" if title == "Hall" else title for title in TITLES]
    assert first == dict(zip(keys, [*FIRST[:4], 2, FIRST[5], None, WORDS], strict=True))
    (usual, _other) = map(json.loads, taken(school, Format.JSONL, Layout(FOR_ERP.columns[1:4])).splitlines())
    assert usual == {"BIRTHDATE": "2001-02-03", "CHANGED": "2026-03-02T03:30:15Z", "CAMPUS": True}


def test_all_that_a_student_and_their_items_have_can_be_chosen_and_ordered_by(school):
    with institution_scope(school.id):
        columns = queries.columns("student-detail", {}, now=NOW)
        assert {"account_token", "attribute:Hall", "attribute:x", "date:mmr", "next:mmr", "changed:mmr"} <= {
            column.key for column in columns
        }
        assert all(column.section for column in columns)
        every = Layout(tuple(ChosenColumn(column.key) for column in columns))
        assert layouts.checked(every, columns) == every
        for column in columns:
            if column.sortable:
                # Chosen or not, the whole report and a page of it.
                one = Layout((ChosenColumn("username"),))
                page = queries.table("student-detail", {}, now=NOW, sort=f"-{column.key}", layout=one)
                assert len(page.rows) == 2
        whole = queries.table("student-detail", {}, now=NOW, layout=every)
        cells = dict(zip([column.key for column in whole.columns], whole.rows[0], strict=True))
    assert len(whole.columns) == len(columns)
    assert (cells["attribute:Hall"], cells["missing:tdap"], cells["missing:mmr"]) == ("Élan\tB", WORDS, None)


def test_an_order_by_what_ended_falls_back_and_by_nonsense_is_an_error(school):
    with institution_scope(school.id):
        page = queries.table("student-detail", {}, now=NOW, sort="-requirement:gone")
        assert len(page.rows) == 2
        with pytest.raises(UnknownSortError, match="username"):
            queries.table("student-detail", {}, now=NOW, sort="gone")


def test_a_report_of_sums_has_no_delta(school):
    with institution_scope(school.id), pytest.raises(NoDeltaError):
        queries.count("compliance-summary", {}, now=NOW, changes=Changes(0, 1))
