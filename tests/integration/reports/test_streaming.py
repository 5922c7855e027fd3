"""A large report: the first block leaves before the last row is read, and memory stays flat."""

import tracemalloc

import pytest
from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries
from pratique.reports.types import ChosenColumn, Format, Layout
from tests.integration.reports.population import NOW, a_school

pytestmark = pytest.mark.django_db
N = 20_000
WIDE = Layout((ChosenColumn("username"), ChosenColumn("errors", width=1100)))
LIMIT = 6 * 1024 * 1024


@pytest.fixture
def large_import():
    """An import of N rows, each with a long message: about 20 MB as text."""
    school = a_school()
    stored = school.roster_import()
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute(
            "insert into rosters_rowresult "
            "(institution_id, roster_import_id, row, line, outcome, username, student_id, errors) "
            "select %s, %s, i, i + 1, 'refused', 'user' || i, i::text, jsonb_build_array("
            "jsonb_build_object('code', 'x', 'column', 'Group', 'message', repeat('m', 1000))) "
            "from generate_series(1, %s) i",
            [school.id, stored.id, N],
        )
    return school


# TSV and PIPE are CSV with another sign between the cells.
@pytest.mark.parametrize("format", [Format.CSV, Format.FIXED, Format.JSONL, Format.XLSX])
def test_memory_stays_flat(large_import, format):
    stream = queries.stream(
        "roster-results", {}, format, institution_id=large_import.id, now=NOW, layout=WIDE
    )
    tracemalloc.start()
    try:
        size = sum(len(block) for block in stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > (20_000_000 if format != Format.XLSX else 100_000)
    assert peak < LIMIT


@pytest.mark.parametrize("format", [Format.CSV, Format.FIXED, Format.JSONL])
def test_the_first_block_leaves_before_the_last_row_is_read(large_import, format):
    rows = []
    stream = queries.stream(
        "roster-results",
        {},
        format,
        institution_id=large_import.id,
        now=NOW,
        progress=rows.append,
        layout=WIDE,
    )
    assert next(stream)
    next(stream)
    assert not rows or rows[-1] < N
    assert len(next(stream)) < 512 * 1024
    stream.close()
