"""Small rosters and what is known about them, for the tests of this folder."""

from datetime import date

from pratique.rosters.csvfile import CsvFile, CsvFileError, read_csv
from pratique.rosters.mapping import DEFAULT_MAPPING, ColumnMapping, resolve
from pratique.rosters.rows import parse_rows
from pratique.rosters.types import KnownNames, KnownPackage, KnownStudent, KnownTracker, ParsedRow

TODAY = date(2026, 8, 15)
HEADER = "Username,StudentId,LastName,FirstName,Telephone,Dob,RequirementGroup,Term,OnCampus"

MAIN = KnownPackage("package-main", "DEMO26")
OTHER = KnownPackage("package-other", "NURS26")
KNOWN = KnownNames(
    default_package=MAIN,
    packages=(MAIN, OTHER),
    groups=("Undergraduate", "Nursing", "Graduate"),
    terms=("Fall 2026", "Spring 2027"),
    trackers=(
        KnownTracker("ug-fall", MAIN.id, MAIN.code, "Undergraduate", "Fall 2026"),
        KnownTracker("ug-spring", MAIN.id, MAIN.code, "Undergraduate", "Spring 2027"),
        KnownTracker("nursing-fall", OTHER.id, OTHER.code, "Nursing", "Fall 2026"),
        KnownTracker("grad-any", MAIN.id, MAIN.code, "Graduate", None),
    ),
)


def file_error(data: bytes | str) -> CsvFileError:
    """The refusal of a whole file, by reading or by its header."""
    try:
        csvfile = read_csv(data.encode() if isinstance(data, str) else data)
        resolve(csvfile.header, student_id_required=True, line=csvfile.header_line)
    except CsvFileError as error:
        return error
    raise AssertionError("the file was accepted")


def read(text: str) -> CsvFile:
    return read_csv(text.encode())


def parse(
    *lines: str,
    header: str = HEADER,
    mapping: ColumnMapping = DEFAULT_MAPPING,
    known: KnownNames = KNOWN,
    student_id_required: bool = True,
    max_rows: int = 50_000,
) -> list[ParsedRow]:
    """Parse a roster out of its header and physical lines."""
    csvfile = read("\r\n".join([header, *lines, ""]))
    columns = resolve(csvfile.header, mapping, student_id_required=student_id_required)
    return parse_rows(
        csvfile,
        columns,
        today=TODAY,
        known=known,
        student_id_required=student_id_required,
        max_rows=max_rows,
    )


def cell(field: str, value: str) -> ParsedRow:
    """Parse one otherwise valid row with `value` in the default column `field`."""
    cells = dict.fromkeys(HEADER.split(","), "") | {"Username": "ada@x.edu", "StudentId": "007"}
    cells[field] = '"' + value.replace('"', '""') + '"'
    return parse(",".join(cells.values()))[0]


def codes(problems: object) -> list[str]:
    return [problem.code for problem in problems]  # type: ignore[attr-defined]


def student(key: str, username: str, student_id: str | None, **fields: object) -> KnownStudent:
    """A stored student with nothing known but the identifiers, unless `fields` say more."""
    given = {
        "last_name": "",
        "first_name": "",
        "telephone": "",
        "date_of_birth": None,
        "on_campus": None,
        "memberships": {},
    }
    return KnownStudent(key, username, student_id, **(given | fields))  # type: ignore[arg-type]
