"""The parts of the load script that read what the server says; the load itself is `make bench-load`."""

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from evidence import installation, photos, report, reviewer, student
from evidence.book import Book
from evidence.browser import Answer, Browser

ONE, TWO = "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002"


def answer(text="", status=200, **headers):
    return Answer(status, headers, text.encode())


def test_a_case_is_read_off_its_page():
    page = answer(
        f'<section class="case" data-case="{ONE}" data-number="AB12" data-works="1" data-address="/x/">'
        '<script type="application/json">[{"code": "unreadable", "name": "Cannot be read", "place": 1}]</script>'
        f'<tr class="piece" data-piece="{TWO}" data-kind="dose" data-waits tabindex="-1">'
        f'<tr class="piece" data-piece="{ONE}" data-kind="titer" tabindex="-1">'
        f'<button data-src="/review/pages/{TWO}/">'
    )
    case = reviewer.read(page)
    assert case == reviewer.Case(ONE, True, [("dose", TWO)], [f"/review/pages/{TWO}/"], ["unreadable"])
    assert reviewer.read(answer("<p>Nothing waits.</p>")) is None


def test_fields_are_read_as_a_browser_reads_them():
    page = answer(
        '<input type="hidden" name="seen" value="2026-08-03T15:00:00+00:00"><input name="a" value="R&amp;D">'
    )
    assert student.seen(page) == "2026-08-03T15:00:00+00:00"
    assert student.field_of(page, "a") == "R&D"
    assert student.field_of(page, "b") == ""


@pytest.mark.parametrize(
    ("status", "location", "faults"),
    [
        pytest.param(200, "", 0, id="what was expected"),
        pytest.param(500, "", 1, id="an error"),
        pytest.param(302, "/account/login/?next=/my/", 1, id="signed out"),
    ],
)
def test_what_is_not_expected_is_a_fault_without_ids(status, location, faults):
    book = Book()
    browser = Browser(1, "198.51.0.1", book)
    browser.check(answer(status=status, location=location), "GET", f"/my/pages/{ONE}/", "page", (200, 302))
    assert len(book.faults) == faults
    assert not any(ONE in sentence for sentence in book.faults)


def test_the_same_picture_has_other_bytes_each_time():
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "JPEG")
    one, other = (photos.unlike_any_other(out.getvalue()) for _ in range(2))
    assert one != other
    for content in (one, other):
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()


@pytest.mark.parametrize(
    ("line", "is_bad"),
    [
        pytest.param(json.dumps({"level": "info", "event": "error"}), False, id="information"),
        pytest.param(json.dumps({"level": "error", "event": "x"}), True, id="an error"),
        pytest.param(json.dumps({"level": "warning", "event": "Conflict: /x/"}), False, id="a refusal"),
        pytest.param("Traceback (most recent call last):", True, id="a trace"),
        pytest.param("spawning", False, id="a line of the server"),
    ],
)
def test_lines_of_logs(line, is_bad):
    assert bool(installation._line(line)) is is_bad


def test_times_are_told_as_median_p95_and_largest():
    assert report._spread([0.1, 0.2, 0.3]) == {"number": 3, "median_ms": 200, "p95_ms": 300, "max_ms": 300}
