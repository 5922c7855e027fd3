"""Headers to fields: the contract's names, an institution's own, and what is said when one is not found."""

import pytest

from pratique.rosters.csvfile import CsvFileError
from pratique.rosters.mapping import DEFAULT_MAPPING, FIELDS, ColumnMapping, resolve, suggest_mapping
from tests.unit.rosters.factories import HEADER, codes, file_error, parse

COLUMNS = HEADER.split(",")


def test_the_default_columns_are_found_in_any_order_case_and_spacing() -> None:
    header = [" on campus", "TERM", "Requirement Group", "dob", "Tele phone", "firstname", "LASTNAME"]
    header += ["student ID", "User\u00a0Name "]
    columns = resolve(header, student_id_required=True)
    assert [columns.indexes[field] for field in FIELDS[:9]] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert columns.names["student_id"] == "student ID"
    assert columns.warnings == ()


@pytest.mark.parametrize(
    ("header", "code", "words"),
    [
        pytest.param(
            "StudentId,LastName", "missing_header", "no column 'Username'.", id="Username is missing"
        ),
        pytest.param(
            "Username,LastName", "missing_header", "no column 'StudentId'.", id="StudentId is missing"
        ),
        pytest.param(
            "Usernmae,StudentId", "missing_header", "Did you mean 'Usernmae'?", id="Username is misspelt"
        ),
        pytest.param(
            "Username,Stduent Id", "missing_header", "Did you mean 'Stduent Id'?", id="StudentId is"
        ),
        pytest.param(
            "E-mail,StudentId", "missing_header", "Did you mean 'E-mail'?", id="a synonym of Username"
        ),
        pytest.param(
            "User,ID,Sex", "missing_header", "no column 'StudentId'. Did you mean 'ID'?", id="both missing"
        ),
        pytest.param(
            "Username,StudentId,username", "duplicate_header", "columns 1 and 3", id="Username twice"
        ),
        pytest.param(
            "Username,StudentId,Dob,D ob", "duplicate_header", "'Dob', 'D ob'", id="an optional one twice"
        ),
        pytest.param(
            "ada@x.edu,0001,Ada,Lovelace", "no_header", "Username,StudentId", id="data with an address"
        ),
        pytest.param("ada,0001,Ada,Lovelace", "no_header", "looks like a student", id="data with a number"),
        pytest.param("ada,Ada,01/02/2003", "no_header", "looks like a student", id="data with a date"),
        pytest.param(",,", "no_header", "only empty cells", id="empty cells"),
    ],
)
def test_a_header_is_refused(header: str, code: str, words: str) -> None:
    error = file_error(f"{header}\n1,2,3\n2,3,4\n")
    assert (error.code, error.line) == (code, 1)
    assert words in error.message


def test_the_refusal_of_data_as_header_does_not_repeat_the_data() -> None:
    message = file_error("ada@x.edu,0001,01/02/2003\n1,2,3\n").message
    assert "ada" not in message
    assert "2003" not in message


def test_student_id_may_be_missing_where_the_institution_relaxed_it() -> None:
    assert "student_id" not in resolve(["Username"], student_id_required=False).indexes


def test_unknown_columns_are_ignored_with_one_warning_that_lists_them() -> None:
    columns = resolve([*COLUMNS[:6], "Notes", "RequirmentGroup", "", "notes"], student_id_required=True)
    (warning,) = columns.warnings
    assert warning.code == "unknown_columns"
    for words in ("'Notes', 'RequirmentGroup', 'notes'", "1 without a name", "by 'RequirmentGroup'?"):
        assert words in warning.message


def test_other_headers_orders_and_constants_can_be_mapped() -> None:
    mapping = ColumnMapping(
        headers={"username": "E-Mail", "student_id": "Banner ID", "on_campus": "Dorm"},
        constants={"group": "Undergraduate", "term": "Fall 2026"},
    )
    (parsed,) = parse("1,x,B7,ada@x.edu", header="Dorm,Dob,banner id,e-mail", mapping=mapping)
    assert parsed.data is not None
    assert (parsed.data.username, parsed.data.student_id, parsed.data.on_campus) == ("ada@x.edu", "B7", True)
    # Dob is not mapped, so its column is one of those ignored.
    assert (parsed.data.tracker_id, parsed.data.date_of_birth) == ("ug-fall", None)


def test_a_wrong_constant_refuses_every_row_under_the_fields_name() -> None:
    mapping = ColumnMapping(constants={"on_campus": "yes"})
    for parsed in parse("a@x,1", "b@x,2", header="Username,StudentId", mapping=mapping):
        assert [(error.code, error.column) for error in parsed.errors] == [("on_campus_value", "OnCampus")]


def test_a_constant_takes_the_place_of_a_default_column_even_if_the_file_has_it() -> None:
    mapping = ColumnMapping(constants={"on_campus": "0"})
    columns = resolve(COLUMNS, mapping, student_id_required=True)
    assert codes(columns.warnings) == ["unknown_columns"]
    (parsed,) = parse("a@x,1,,,,,,,1", mapping=mapping)
    assert parsed.data is not None
    assert parsed.data.on_campus is False


@pytest.mark.parametrize(
    "given", [{"headers": {"nickname": "Nick"}}, {"headers": {"term": "T"}, "constants": {"term": "Fall"}}]
)
def test_a_mapping_that_makes_no_sense_cannot_be_made(given: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError):
        ColumnMapping(**given)


def test_a_mapped_required_header_that_the_file_lacks_is_named() -> None:
    with pytest.raises(CsvFileError) as refused:
        resolve(["Username", "StudentId"], ColumnMapping({"username": "Mail"}), student_id_required=False)
    assert (refused.value.code, refused.value.column) == ("missing_header", "Mail")


@pytest.mark.parametrize(
    ("header", "guesses", "unclaimed"),
    [
        pytest.param(
            ["Email", "Student ID", "Last", "First Name", "Phone", "Birth Date", "Housing", "Semester"],
            {
                "username": "Email",
                "student_id": "Student ID",
                "last_name": "Last",
                "first_name": "First Name",
                "telephone": "Phone",
                "date_of_birth": "Birth Date",
                "on_campus": "Housing",
                "term": "Semester",
            },
            (),
            id="common words",
        ),
        pytest.param(
            ["Email", "User_Name", "student-id", "RequirmentGroup"],
            {"username": "User_Name", "student_id": "student-id", "group": "RequirmentGroup"},
            ("Email",),
            id="the field's own name first, misspellings last",
        ),
        pytest.param(["", "Colour"], {}, ("", "Colour"), id="nothing to guess"),
    ],
)
def test_the_console_gets_guesses(
    header: list[str], guesses: dict[str, str], unclaimed: tuple[str, ...]
) -> None:
    found = suggest_mapping(header)
    assert (dict(found.headers), found.unclaimed) == (guesses, unclaimed)


def test_guesses_of_the_default_header_are_the_default_mapping_and_the_package() -> None:
    guess = suggest_mapping([*COLUMNS, "Package"])
    assert dict(guess.headers) == {**DEFAULT_MAPPING.headers, "package": "Package"}


def test_a_package_column_that_is_not_mapped_is_ignored_with_the_warning_of_unknown_columns() -> None:
    columns = resolve([*COLUMNS, "Package"], student_id_required=True)
    assert "package" not in columns.indexes
    assert codes(columns.warnings) == ["unknown_columns"]
