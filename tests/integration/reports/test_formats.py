"""What goes into a file comes out of it: each format, read back by another reader."""

import csv
import datetime
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from pratique.foundation.neutralise import neutralise, neutralise_sql
from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries
from pratique.reports.statements import Compiled
from pratique.reports.types import ChosenColumn, Column, ColumnKind, Format, Layout, Source
from pratique.reports.writers import WRITERS, WriterOptions, xlsx_writer
from tests.integration.reports.population import NOW, a_school

pytestmark = pytest.mark.django_db
DELIMITERS = {Format.CSV: ",", Format.TSV: "\t", Format.PIPE: "|"}
PAYLOADS = Path(__file__).resolve().parents[4] / "shared" / "data" / "csv" / "injection" / "payloadbox.txt"

ODD_NAMES = [
    "O'Neill", 'Quote "Q" Quoted', "Comma, Junior", "Line\nfeed", "CR\r\nLF", "Nguyễn", "عائشة", "e\u0301",
    "李", " leading", "\\.", "\\N", "'apostrophe", "🎓", "a\tb", "x" * 150, '"', "null", "TRUE", "1e5", "007",
]  # fmt: skip


@pytest.fixture
def school():
    school = a_school()
    for number, name in enumerate(ODD_NAMES):
        school.student(
            f"u{number:02}", last_name=name, student_id=f"{number:05}", statuses={"mmr": "approved"}
        )
    return school


def file_of(school, format, *, key="student-detail", **options):
    with institution_scope(school.id):
        parameters = queries.checked_parameters(key, options.pop("raw", {}))
    if format == Format.FIXED:
        options.setdefault("layout", Layout(cut=True))
    stream = queries.stream(key, parameters, format, institution_id=school.id, now=NOW, **options)
    return b"".join(stream)


def read_csv(content, delimiter=","):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=delimiter))


def rows_of(content, format):
    """Return the rows, and what stands before them, as another reader finds them."""
    if format in DELIMITERS:
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=DELIMITERS[format]))
        return rows[1:], rows[0]
    if format == Format.FIXED:
        lines = content.decode().split("\r\n")
        return lines[1:-1], lines[0]
    if format == Format.JSONL:
        return content.splitlines(), []
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    return sheet[1:], sheet[0]


def read_xlsx(content):
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    header, *rows = sheet.to_python(skip_empty_area=False)
    return [dict(zip(header, row, strict=True)) for row in rows]


def read_jsonl(content):
    return [json.loads(line) for line in content.splitlines()]


def test_odd_names_come_out_of_csv_as_they_were(school):
    rows = read_csv(file_of(school, Format.CSV, sort="username"))
    assert [row["Last name"] for row in rows] == ODD_NAMES
    assert [row["Student ID"] for row in rows] == [f"{number:05}" for number in range(len(ODD_NAMES))]


def test_csv_follows_rfc_4180():
    school = a_school()
    school.student("a", last_name='He said "hi"', first_name="two\nlines")
    content = file_of(school, Format.CSV)
    assert content.startswith(b"Package,Username,")
    assert content.endswith(b"\r\n")
    assert b'"He said ""hi""","two\nlines"' in content
    assert content.count(b"\r\n") == 2
    assert file_of(school, Format.CSV, bom=True) == b"\xef\xbb\xbf" + content


def test_odd_names_come_out_of_excel_as_they_were(school):
    rows = read_xlsx(file_of(school, Format.XLSX, sort="username"))
    # XML knows one line end; a reader gives back the line feed alone.
    assert [row["Last name"].replace("\r\n", "\n") for row in rows] == [
        n.replace("\r\n", "\n") for n in ODD_NAMES
    ]
    assert [row["Student ID"] for row in rows] == [f"{number:05}" for number in range(len(ODD_NAMES))]


def test_odd_names_come_out_of_json_lines_as_they_were(school):
    rows = read_jsonl(file_of(school, Format.JSONL, sort="username"))
    assert [row["last_name"] for row in rows] == ODD_NAMES
    assert rows[0]["requirement:mmr"] == "approved"
    assert rows[0]["requirement:tdap"] is None


def test_values_have_the_types_of_each_format():
    school = a_school()
    changed = datetime.datetime(2026, 3, 2, 3, 30, 15, 999999, tzinfo=datetime.UTC)
    school.student(
        "a", student_id="00012345678901234567890", date_of_birth=datetime.date(2001, 2, 3), on_campus=True,
        statuses={"mmr": "approved", "tdap": "expired"}, changed_at=changed,
    )  # fmt: skip
    (text,) = read_csv(file_of(school, Format.CSV))
    assert text["Date of birth"] == "2001-02-03"
    assert text["Last changed"] == "2026-03-01 22:30:15"
    assert (text["On campus"], text["Complete"], text["Items"]) == ("true", "false", "2")
    assert text["Student ID"] == "00012345678901234567890"
    assert text["First name"] == ""
    (cells,) = read_xlsx(file_of(school, Format.XLSX))
    assert cells["Date of birth"] == datetime.date(2001, 2, 3)
    assert cells["Last changed"] == datetime.datetime(2026, 3, 1, 22, 30, 15)  # noqa: DTZ001  (Excel has no zones)
    assert cells["On campus"] is True
    assert cells["Items"] == 2.0
    assert cells["Student ID"] == "00012345678901234567890"
    (record,) = read_jsonl(file_of(school, Format.JSONL))
    assert record["date_of_birth"] == "2001-02-03"
    assert record["status_changed_at"] == "2026-03-02T03:30:15.999999Z"
    assert (record["on_campus"], record["num_items"], record["expires_on"]) == (True, 2, None)


def test_percentages_are_numbers_everywhere():
    school = a_school()
    school.student("a", statuses={"mmr": "approved"})
    school.student("b", statuses={"mmr": "pending"})
    school.student("c", statuses={"mmr": "pending"})
    raw = {"group": "Nursing"}
    (text,) = read_csv(file_of(school, Format.CSV, key="compliance-summary", raw=raw))
    (cells,) = read_xlsx(file_of(school, Format.XLSX, key="compliance-summary", raw=raw))
    (record,) = read_jsonl(file_of(school, Format.JSONL, key="compliance-summary", raw=raw))
    assert (text["Complete, %"], cells["Complete, %"], record["percent_complete"]) == (
        "33.3",
        pytest.approx(0.333),
        33.3,
    )
    assert (text["Items approved"], cells["Items approved"], record["items_approved"]) == ("1", 1.0, 1)


def test_dates_that_excel_does_not_know_are_text():
    school = a_school()
    school.student("a", last_name="A", date_of_birth=datetime.date(2000, 1, 1))
    school.student("b", last_name="B", date_of_birth=datetime.date(1899, 12, 31))
    # Excel has a day too much in this year, and others do not.
    school.student("c", last_name="C", date_of_birth=datetime.date(1900, 2, 28))
    school.student("d", last_name="D", date_of_birth=datetime.date(1900, 3, 1))
    found = [row["Date of birth"] for row in read_xlsx(file_of(school, Format.XLSX))]
    assert found == [datetime.date(2000, 1, 1), "1899-12-31", "1900-02-28", datetime.date(1900, 3, 1)]


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("key", ["student-detail", "roster-results"])
def test_an_empty_report_still_has_its_header(format, key):
    rows, header = rows_of(file_of(a_school(), format, key=key), format)
    assert rows == []
    assert "Username" in header or format == Format.JSONL


def _payloads():
    known = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        '=HYPERLINK("http://x")',
        " =1+1",
        "＝1+1",
        "＋1",
        "－1",
        "＠1",
    ]
    return known + (PAYLOADS.read_text().splitlines() if PAYLOADS.exists() else [])


# A column of words beside them sends the rows through the other printer.
@pytest.mark.parametrize("more", [(), (ChosenColumn("missing:mmr"),)], ids=["copied", "printed here"])
def test_payloads_are_disarmed_for_spreadsheets_and_kept_for_programs(more):
    school = a_school(requirements=(("mmr", "=1+MMR"),))
    payloads = _payloads()
    for number, payload in enumerate(payloads):
        school.student(f"u{number:02}", last_name=payload)
    disarmed = [neutralise(payload) for payload in payloads]
    names = (ChosenColumn("last_name"), ChosenColumn("requirement:mmr"), *more)

    def taken(format, **options):
        options.setdefault("layout", Layout(names))
        return rows_of(file_of(school, format, sort="username", **options), format)

    for format in (Format.CSV, Format.TSV, Format.PIPE, Format.XLSX):
        rows, header = taken(format)
        assert [row[0] for row in rows] == disarmed
        assert header[:2] == ["Last name", "'=1+MMR"]
    rows, header = taken(Format.CSV, neutralise=False)
    assert [row[0] for row in rows] == payloads
    assert header[1] == "=1+MMR"
    lines, _none = taken(Format.JSONL)
    assert [json.loads(line)["last_name"] for line in lines] == payloads
    lines, _header = taken(Format.FIXED, layout=Layout((ChosenColumn("last_name", width=200), *more)))
    # A tab or a line end would break the line: a blank stands for it.
    assert [line[:200].rstrip() for line in lines] == [re.sub(r"[\t\r]", " ", name) for name in disarmed]


SIMPLE = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(
    names=st.lists(SIMPLE, min_size=1, max_size=5),
    format=st.sampled_from(list(DELIMITERS)),
    single=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_what_was_written_is_read_back_the_same(db, names, format, single):
    """Both printers: COPY, and ours for a report with words; of one column, where an empty line would be no row."""
    rows = [(name, str(number)) for number, name in enumerate(names)]
    for words in (None, str):
        columns = (
            Column("name", "Name", ColumnKind.TEXT, "x.name", words=words),
            *(() if single else (Column("place", "Place", ColumnKind.INTEGER, "x.place - 1"),)),
        )
        source = Source(
            "unnest(%(names)s::text[]) with ordinality x(name, place)", "x.place", arguments={"names": names}
        )
        report = Compiled(None, columns, source, "x.place", source.from_sql, source.arguments, Layout())
        blocks = WRITERS[format](report, WriterOptions(neutralise=False), lambda count: None)
        read, _header = rows_of(b"".join(blocks), format)
        assert read == [list(row[: len(columns)]) for row in rows]


def test_a_cell_longer_than_excel_allows_is_cut_there_and_whole_elsewhere():
    school = a_school()
    problem = {"code": "too_long", "column": "", "message": "x" * 40_000}
    school.roster_import({"outcome": "refused", "username": "a", "errors": [problem]})
    assert len(read_xlsx(file_of(school, Format.XLSX, key="roster-results"))[0]["Errors"]) == 32_767
    assert len(read_csv(file_of(school, Format.CSV, key="roster-results"))[0]["Errors"]) == 40_000


def test_more_rows_than_excel_holds_is_a_sentence(school, monkeypatch):
    monkeypatch.setattr(xlsx_writer, "MAX_ROWS", 3)
    with pytest.raises(xlsx_writer.TooManyRowsForExcelError, match="3 rows at most"):
        file_of(school, Format.XLSX)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
def test_the_rule_is_the_same_in_sql_and_in_python(db, text):
    with connection.cursor() as cursor:
        cursor.execute(f"select {neutralise_sql('%(x)s::text')}", {"x": text})
        assert cursor.fetchone() == (neutralise(text),)


@pytest.mark.parametrize("format", list(Format))
def test_what_ends_early_leaves_the_connection_usable(school, format):
    stream = queries.stream(
        "student-detail", {}, format, institution_id=school.id, now=NOW, layout=Layout(cut=True)
    )
    assert next(stream)
    stream.close()
    assert len(file_of(school, format)) > 100


@pytest.mark.parametrize("format", list(Format))
def test_progress_tells_the_rows_and_may_stop_the_writing(school, format):
    told = []
    file_of(school, format, progress=told.append)
    assert told[-1] == len(ODD_NAMES)

    def stop(rows):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        file_of(school, format, progress=stop)


@pytest.mark.parametrize("format", list(Format))
def test_files_hold_one_institutions_rows_only(school, format):
    a_school("theirs").student("stranger", last_name="Stranger")
    content = file_of(school, format)
    rows, _header = rows_of(content, format)
    assert len(rows) == len(ODD_NAMES)
    assert "Stranger" not in str(rows)


SURVIVORS = [
    ("00042", "Núñez", datetime.date(2001, 2, 3)),
    ("0", "عائشة بنت", datetime.date(1900, 3, 1)),
    ("1e5", "李 🎓", datetime.date(1899, 12, 31)),
    ("0001-02", "e\u0301 Nguyễn", datetime.date(2026, 12, 31)),
]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="soffice (LibreOffice) is absent")
def test_ids_dates_and_every_script_survive_a_spreadsheet(tmp_path):
    """Opened in LibreOffice and saved as CSV; `test_odd_names_come_out_of_excel_as_they_were` has calamine's view."""
    school = a_school()
    for student_id, name, born in SURVIVORS:
        school.student(f"u{student_id}", student_id=student_id, last_name=name, date_of_birth=born)
    school.student("formula", student_id="9", last_name="=1+1", statuses={"mmr": "approved"})
    columns = ("student_id", "last_name", "date_of_birth", "complete", "num_items")
    layout = Layout(tuple(map(ChosenColumn, columns)), date_format="%d.%m.%Y")
    book = tmp_path / "report.xlsx"
    book.write_bytes(file_of(school, Format.XLSX, layout=layout, neutralise=False))
    subprocess.run(
        [
            "soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to",
            # Comma, double quote, UTF-8, and each cell as it is shown.
            "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true", "--outdir", str(tmp_path), str(book),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    shown = read_csv((tmp_path / "report.csv").read_bytes())
    found = {row["Student ID"]: (row["Last name"], row["Date of birth"]) for row in shown}
    assert found == {
        **{student_id: (name, f"{born:%d.%m.%Y}") for student_id, name, born in SURVIVORS},
        # A cell of text even undisarmed: a workbook has formulas only where somebody wrote one.
        "9": ("=1+1", ""),
    }
    assert {(row["Complete"], row["Items"]) for row in shown} == {("FALSE", "0"), ("TRUE", "1")}
