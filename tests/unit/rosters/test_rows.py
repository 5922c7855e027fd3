"""Cells to roster rows: each rule of the contract, and each kind of bad cell with its own words."""

import unicodedata
from datetime import date

import pytest

from pratique.rosters.mapping import DEFAULT_HEADERS, ColumnMapping
from pratique.rosters.types import KnownNames, KnownTracker
from tests.unit.rosters.factories import KNOWN, MAIN, TODAY, cell, codes, parse


def test_a_full_row() -> None:
    (parsed,) = parse("ada@x.edu,007,Lovelace,Ada,555-0100,12/10/2005,undergraduate , FALL 2026,1")
    row = parsed.data
    assert row is not None
    assert (parsed.errors, parsed.warnings, parsed.username, parsed.student_id) == (
        (),
        (),
        "ada@x.edu",
        "007",
    )
    assert (row.line, row.row, row.username, row.student_id) == (2, 1, "ada@x.edu", "007")
    assert (row.last_name, row.first_name, row.telephone) == ("Lovelace", "Ada", "555-0100")
    assert (row.date_of_birth, row.on_campus) == (date(2005, 12, 10), True)
    assert (row.group, row.term, row.tracker_id) == ("Undergraduate", "Fall 2026", "ug-fall")
    assert (row.package, row.package_id) == ("DEMO26", "package-main")


def test_empty_cells_leave_stored_values_alone() -> None:
    (parsed,) = parse("ada@x.edu,007, ,,,,,,")
    row = parsed.data
    assert row is not None
    assert (row.last_name, row.first_name, row.telephone, row.date_of_birth, row.on_campus) == (None,) * 5
    assert (row.group, row.term, row.tracker_id) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        pytest.param("02/30/2001", "date_day", "February 2001 has days 1 to 28", id="February 30"),
        pytest.param("02/29/2001", "date_day", "has days 1 to 28", id="February 29 of no leap year"),
        pytest.param("04/00/2001", "date_day", "April 2001 has days 1 to 30", id="day zero"),
        pytest.param("2001-02-03", "date_format", "the year stands first", id="ISO"),
        pytest.param("2001/02/03", "date_format", "the year stands first", id="year first with slashes"),
        pytest.param("13/01/2001", "date_month", "month 13 does not exist", id="month 13"),
        pytest.param("31/12/2001", "date_month", "Is it day/month/year?", id="day first"),
        pytest.param("00/12/2001", "date_month", "month 00 does not exist", id="month zero"),
        pytest.param("1/2/2001", "date_format", "two digits each", id="one digit each"),
        pytest.param("01/02/01", "date_format", "four digits", id="a short year"),
        pytest.param("08/16/2026", "date_in_future", "after today", id="tomorrow"),
        pytest.param("01/01/1850", "date_too_early", "before 1900", id="1850"),
        pytest.param("12/31/1899", "date_too_early", "before 1900", id="the last day too early"),
        pytest.param("01/01/0000", "date_too_early", "before 1900", id="year zero"),
        pytest.param("37000", "date_format", "month/day/year", id="a spreadsheet's number"),
        pytest.param("Feb 3, 2001", "date_format", "month/day/year", id="words"),
        pytest.param("٠٢/٠٣/٢٠٠١", "date_format", "month/day/year", id="digits of another script"),
        pytest.param("02/03/2001 00:00", "date_format", "month/day/year", id="with a time"),
        pytest.param("=DATE(2001,2,3)", "date_format", "month/day/year", id="a formula"),
    ],
)
def test_dates_of_birth_that_are_refused(value: str, code: str, words: str) -> None:
    (error,) = cell("Dob", value).errors
    assert (error.code, error.column) == (code, "Dob")
    assert words in error.message
    assert repr(value) in error.message


@pytest.mark.parametrize("value", ["08/15/2026", "01/01/1900", "02/29/2004", " 12/31/1999 "])
def test_dates_of_birth_that_are_accepted(value: str) -> None:
    parsed = cell("Dob", value)
    assert parsed.data is not None
    assert parsed.data.date_of_birth is not None
    assert parsed.data.date_of_birth.strftime("%m/%d/%Y") == value.strip()
    assert parsed.data.date_of_birth <= TODAY


@pytest.mark.parametrize(
    ("value", "kept"), [("1", True), ("0", False), ("", None), (" ", None), (" 1 ", True)], ids=repr
)
def test_on_campus_that_is_accepted(value: str, kept: bool | None) -> None:
    parsed = cell("OnCampus", value)
    assert parsed.data is not None
    assert parsed.data.on_campus is kept


@pytest.mark.parametrize("value", ["yes", "true", "Y", "2", "01", "1.0"])
def test_on_campus_that_is_refused(value: str) -> None:
    (error,) = cell("OnCampus", value).errors
    assert (error.code, error.column) == ("on_campus_value", "OnCampus")
    assert f"'{value}' is not allowed. Write 1" in error.message


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        pytest.param("Username", "", "username_missing", id="no username"),
        pytest.param("Username", " \u00a0", "username_missing", id="a username of blanks"),
        pytest.param("StudentId", "", "student_id_missing", id="no student id"),
        pytest.param("Username", "a" * 255, "too_long", id="username too long"),
        pytest.param("StudentId", "1" * 65, "too_long", id="student id too long"),
        pytest.param("LastName", "é" * 151, "too_long", id="last name too long"),
        pytest.param("FirstName", "x" * 151, "too_long", id="first name too long"),
        pytest.param("Telephone", "1" * 41, "too_long", id="telephone too long"),
        pytest.param("Username", "a\tb@x", "control_character", id="a tab in the username"),
        pytest.param("Username", "a@x\r\nBcc: b@x", "control_character", id="a line break in the username"),
        pytest.param("StudentId", "1\u20282", "control_character", id="a line separator in the student id"),
        pytest.param("Telephone", "555\n0100", "control_character", id="a line break in the telephone"),
        pytest.param("LastName", "Mc\x07Bell", "control_character", id="a bell in a name"),
        pytest.param("FirstName", "\x1fAda", "control_character", id="a control character at the edge"),
        pytest.param("FirstName", "Ada\x85", "control_character", id="a C1 control character"),
        pytest.param("LastName", "x" * 1_001, "cell_too_long", id="over the limit of any cell"),
    ],
)
def test_text_that_is_refused(field: str, value: str, code: str) -> None:
    (error,) = cell(field, value).errors
    assert (error.code, error.column) == (code, field)
    assert len(error.message) < 300
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("O'Brien", id="an apostrophe"),
        pytest.param("D’Angelo-Smith, Jr.", id="a typographic one, a hyphen, a comma"),
        pytest.param("الأحمد", id="right to left"),
        pytest.param("\u202bכהן\u202c", id="with direction marks"),
        pytest.param("नेहा शर्मा", id="combining vowel signs"),
        pytest.param("Nguye\u0302\u0303n", id="combining accents"),
        pytest.param("👩🏽‍🎓", id="an emoji joined from several"),
        pytest.param("=cmd|' /C calc'!A0", id="a formula"),
        pytest.param("+1", id="a plus"),
        pytest.param("@SUM(1)", id="an at sign"),
        pytest.param("<b>Bold</b>", id="markup"),
        pytest.param("Null", id="the word Null"),
        pytest.param("line\none", id="a line break"),
        pytest.param("x" * 150, id="as long as can be"),
    ],
)
@pytest.mark.parametrize("field", ["LastName", "FirstName"])
def test_text_is_kept_as_given_but_for_nfc(field: str, value: str) -> None:
    parsed = cell(field, value)
    assert parsed.errors == ()
    assert parsed.data is not None
    kept = parsed.data.last_name if field == "LastName" else parsed.data.first_name
    assert kept == unicodedata.normalize("NFC", value)


def test_outer_white_space_is_trimmed_and_leading_zeros_stay() -> None:
    (parsed,) = parse(" ada@x.edu ,\u00a0007 , Ada  Marie ,,,,,,")
    assert parsed.data is not None
    assert parsed.data[2:5] == ("ada@x.edu", "007", "Ada  Marie")


def test_an_invisible_character_in_an_identifier_is_kept_and_warned_about() -> None:
    parsed = cell("Username", "ada\u200b@x.edu")
    assert parsed.data is not None
    assert parsed.data.username == "ada\u200b@x.edu"
    assert codes(parsed.warnings) == ["invisible_characters"]
    assert "U+200B" in parsed.warnings[0].message


def test_the_length_counts_after_nfc() -> None:
    assert cell("LastName", "e\u0301" * 150).errors == ()


# --- Group, term, package ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "warned"),
    [
        pytest.param("Nursing,", "group_without_term", id="group without term"),
        pytest.param(",Fall 2026", "term_without_group", id="term without group"),
        pytest.param("Nobody,", "group_without_term", id="an unknown group alone is skipped, too"),
    ],
)
def test_one_alone_is_skipped_with_a_warning(cells: str, warned: str) -> None:
    (parsed,) = parse(f"ada@x.edu,007,,,,,{cells},")
    assert parsed.data is not None
    assert (parsed.data.group, parsed.data.term, parsed.data.tracker_id) == (None, None, None)
    assert codes(parsed.warnings) == [warned]
    assert "Give both or neither" in parsed.warnings[0].message


@pytest.mark.parametrize(
    ("cells", "expected", "words"),
    [
        pytest.param(
            "Nursng,Fall 2026",
            ["unknown_group"],
            "Did you mean 'Nursing'? The known ones are: 'Undergraduate', 'Nursing', 'Graduate'.",
            id="unknown group",
        ),
        pytest.param(
            "Nursing,Winter",
            ["unknown_term"],
            "known ones are: 'Fall 2026', 'Spring 2027'.",
            id="unknown term",
        ),
        pytest.param(
            "A,B", ["unknown_group", "unknown_term"], "There is no requirement group 'A'.", id="both unknown"
        ),
        pytest.param(
            "Nursing,Fall 2026",
            ["no_tracker_for_pair"],
            "Undergraduate with Fall 2026; Undergraduate with Spring 2027.",
            id="known, but no tracker for the pair",
        ),
        pytest.param(
            "Graduate,Fall 2026", ["no_tracker_for_pair"], "DEMO26", id="a tracker without term is no pair"
        ),
    ],
)
def test_names_that_refuse_the_row(cells: str, expected: list[str], words: str) -> None:
    (parsed,) = parse(f"ada@x.edu,007,,,,,{cells},")
    assert parsed.data is None
    assert codes(parsed.errors) == expected
    assert words in parsed.errors[0].message


def test_long_lists_of_known_names_are_cut() -> None:
    known = KNOWN._replace(groups=tuple(f"G{number}" for number in range(50)))
    (parsed,) = parse("ada@x.edu,007,,,,,Zzz,Fall 2026,", known=known)
    assert "'G19' and 30 more" in parsed.errors[0].message
    trackers = tuple(KnownTracker(n, MAIN.id, "DEMO26", f"G{n}", "Fall 2026") for n in range(1, 50))
    (parsed,) = parse("ada@x.edu,007,,,,,G0,Fall 2026,", known=known._replace(trackers=trackers))
    assert "G20 with Fall 2026 and 29 more" in parsed.errors[0].message


PACKAGE_HEADER = "Username,StudentId,RequirementGroup,Term,Package"
MAPPED = ColumnMapping(DEFAULT_HEADERS)


def test_a_package_column_names_the_package() -> None:
    ada, bob, cid = parse(
        "a@x,1,Nursing,Fall 2026,nurs26", "b@x,2,,,NURS26", "c@x,3,,,", header=PACKAGE_HEADER, mapping=MAPPED
    )
    assert [row.data and (row.data.package_id, row.data.tracker_id) for row in (ada, bob, cid)] == [
        ("package-other", "nursing-fall"),
        ("package-other", None),
        ("package-main", None),
    ]


def test_an_unknown_package_lists_the_known_ones() -> None:
    (parsed,) = parse("a@x,1,,,NURSE", header=PACKAGE_HEADER, mapping=MAPPED)
    assert codes(parsed.errors) == ["unknown_package"]
    assert "'DEMO26', 'NURS26'" in parsed.errors[0].message


def test_without_a_default_package_a_row_must_name_one() -> None:
    known = KnownNames(None, KNOWN.packages, (), (), ())
    bare, named = parse("a@x,1,,,", "b@x,2,,,DEMO26", header=PACKAGE_HEADER, mapping=MAPPED, known=known)
    assert codes(bare.errors) == ["no_package"]
    assert named.data is not None


# --- Whole rows -------------------------------------------------------------------------------------------


def test_every_error_of_a_row_is_given() -> None:
    (parsed,) = parse(",,Mc\x07Bell,,1111111111222222222233333333334444444444x,2001-02-03,Nobody,Never,yes")
    assert codes(parsed.errors) == [
        "username_missing",
        "student_id_missing",
        "control_character",
        "too_long",
        "date_format",
        "unknown_group",
        "unknown_term",
        "on_campus_value",
    ]


def test_errors_of_reading_and_of_meaning_come_together_but_not_twice_for_a_cell() -> None:
    (parsed,) = parse('ada@x.edu,0"7,,,,13/13/2001,,,2')
    assert [(error.code, error.column) for error in parsed.errors] == [
        ("bare_quote", "StudentId"),
        ("date_month", "Dob"),
        ("on_campus_value", "OnCampus"),
    ]


@pytest.mark.parametrize(
    ("line", "code"), [("ada,1", "short_row"), ("a," * 12, "long_row"), ("", "blank_row")]
)
def test_cells_of_a_row_that_is_out_of_line_are_not_judged(line: str, code: str) -> None:
    parsed = parse(line, "ada@x.edu,007,,,,,,,")[0]
    assert codes(parsed.errors) == [code]


def test_a_row_of_commas_is_a_blank_row() -> None:
    assert codes(parse(",,,,,,,,")[0].errors) == ["blank_row"]


def test_student_id_may_be_empty_where_the_institution_relaxed_it() -> None:
    (parsed,) = parse("ada@x.edu,,,,,,,,", student_id_required=False)
    assert parsed.data is not None
    assert parsed.data.student_id is None


def test_rows_past_the_limit_are_each_refused_by_name() -> None:
    rows = parse(*(f"s{n}@x.edu,{n},,,,,,," for n in range(60_000)))
    assert len(rows) == 60_000
    assert all(row.data is not None for row in rows[:50_000])
    assert {codes(row.errors)[0] for row in rows[50_000:]} == {"past_limit"}
    assert (rows[-1].username, rows[-1].student_id, rows[-1].line) == ("s59999@x.edu", "59999", 60_001)
    assert "row 60,000; the first 50,000 are processed" in rows[-1].errors[0].message


def test_errors_use_the_files_own_headers() -> None:
    (parsed,) = parse(",x,2001-02-03", header="USER NAME,student id,D O B")
    assert [error.column for error in parsed.errors] == ["USER NAME", "D O B"]
    assert parsed.errors[0].message.startswith("USER NAME is empty")
