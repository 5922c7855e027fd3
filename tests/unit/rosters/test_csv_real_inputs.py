"""CSV cases nobody here wrote, in ../shared/data/csv: csv-spectrum, RFC 4180 suites, formula payloads."""

import json
from pathlib import Path

import pytest
import yaml

from pratique.rosters.csvfile import CsvFileError, read_csv
from pratique.rosters.problems import FILE_ERROR_CODES
from tests.unit.rosters.factories import cell

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "csv"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is absent")


# --- csv-spectrum -----------------------------------------------------------------------------------------

SPECTRUM = sorted(SHARED.glob("csv-spectrum/csvs/*.csv"))
# Its JSON is one object and gives another telephone number than its CSV; the cells are compared by hand.
SPECTRUM_BY_HAND = "location_coordinates"


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda path: path.stem)
def test_csv_spectrum_means_its_json(path: Path) -> None:
    csvfile = read_csv(path.read_bytes())
    if path.stem == SPECTRUM_BY_HAND:
        (record,) = csvfile.records
        assert [error.code for error in record.errors] == ["bare_quote"]
        assert (record.cells[0], record.cells[2]) == ("2095257564", "Modesto")
        return
    expected = json.loads((SHARED / "csv-spectrum" / "json" / f"{path.stem}.json").read_text())
    found = [dict(zip(csvfile.header, record.cells, strict=True)) for record in csvfile.records]
    assert found == expected
    assert not any(record.errors for record in csvfile.records)


# --- RFC 4180 suites --------------------------------------------------------------------------------------

# The suites were written for lenient readers too; the contract is stricter than RFC 4180 allows in these.
REFUSED = {
    "comments-none-1": "long_row",
    "different-field-count-1": "long_row",
    "different-field-count-2": "truncated",
    "open-quotation-1": "quote_not_closed",
    "open-quotation-2": "quote_not_closed",
    "open-quotation-3": "bare_quote",
    "spaces-around-quotes-1": "text_after_quote",
    "spaces-around-quotes-2": "text_after_quote",
    "spaces-around-quotes-3": "bare_quote",
    "spaces-around-quotes-4": "bare_quote",
    "spaces-around-quotes-5": "bare_quote",
    "empty-file": "no_rows",
}
# Comments are no part of RFC 4180 or the contract: a "#" is text.
SKIPPED_SUITES = {"comments-read", "comments-skip"}
# A line feed and CRLF are line ends; the suites also try a bare carriage return, which the contract refuses.
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}


def suite_cases() -> list[object]:
    cases = []
    for path in sorted(SHARED.glob("rfc4180-yaml/*.yaml")):
        if path.stem in SKIPPED_SUITES:
            continue
        for check in yaml.safe_load(path.read_text())["checks"]:
            cases += [pytest.param(check, end, id=f"{check['id']}-{name}") for name, end in LINE_ENDS.items()]
    return cases


def literal(text: str, end: str) -> str:
    for sign, meaning in {"⏎": end, "␤": "\r\n", "␍": "\r", "␊": "\n", "␠": " "}.items():
        text = text.replace(sign, meaning)
    return text


@pytest.mark.parametrize(("check", "end"), suite_cases())
def test_rfc_4180_suites(check: dict[str, object], end: str) -> None:
    """Each case is read as the rows below a header of as many columns as its first record has."""
    records = [[literal(value, end) for value in record] for record in check["records"]]
    body = literal(check["input"], end)
    width = len(records[0]) if records else 1
    header = ",".join(f"column{number}" for number in range(width))
    code = REFUSED.get(check["id"])
    data = f"{header}\n{body}".encode()
    if code in FILE_ERROR_CODES:
        with pytest.raises(CsvFileError) as refused:
            read_csv(data)
        assert refused.value.code == code
        return
    found = read_csv(data).records
    codes = [error.code for record in found for error in record.errors]
    # A line with nothing on it is refused as blank and never read as a cell.
    codes = [each for each in codes if each != "blank_row"]
    if code is not None:
        assert code in codes
        return
    assert codes == []
    read = [list(record.cells) for record in found if not record.errors]
    assert [row for row in read if row != [""]] == [row for row in records if row != [""]]


# --- Formula payloads -------------------------------------------------------------------------------------


def payloads() -> list[str]:
    path = SHARED / "injection" / "payloadbox.txt"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("payload", payloads())
@pytest.mark.parametrize("field", ["Username", "LastName", "FirstName"])
def test_formula_payloads_stay_the_text_they_are(payload: str, field: str) -> None:
    parsed = cell(field, payload)
    assert parsed.errors == ()
    assert parsed.data is not None
    assert payload in parsed.data
