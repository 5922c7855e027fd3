"""Student compliance detail as CSV into a file, against psql's COPY of the same query.

Ours adds what a report must have: neutralised cells, the institution's own time, CRLF, a header.
The floor is the bare query of the same 30 columns under the same row security, printed by the server.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import measure
import population

KEY = "student-detail"


def ours(n: int) -> None:
    """Write the report as a download does."""
    from pratique.foundation import clock
    from pratique.reports import files, queries
    from pratique.reports.types import Format

    school = population.prepared(n)
    with tempfile.TemporaryDirectory() as folder:
        blocks = queries.stream(KEY, {}, Format.CSV, institution_id=school.institution_id, now=clock.now())
        files.write(Path(folder) / "report.csv", blocks)


def floor(n: int) -> None:
    """Let psql copy the same rows to a file."""
    school = population.prepared(n)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "report.csv", "wb") as file:
        scope = f"set pratique.institution = '{school.institution_id}'"
        copy = f"copy ({os.environ['BENCH_STATEMENT']}) to stdout (format csv, header)"
        subprocess.run(
            [school.psql, "-X", "-q", "-c", scope, "-c", copy, school.url()], stdout=file, check=True
        )
        file.flush()
        os.fsync(file.fileno())


def setup(n: int) -> population.School:
    """Prepare the school; the parent writes the floor's statement down, with its values in it."""
    school = population.prepared(n)
    if "BENCH_STATEMENT" not in os.environ:
        os.environ["BENCH_STATEMENT"] = _statement(school)
    return school


def _statement(school: population.School) -> str:
    from django.db import connection
    from psycopg import ClientCursor

    from pratique.foundation import clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.reports import catalogue, queries
    from pratique.reports.statements import compiled, raw_expressions, whole_sql

    with institution_scope(school.institution_id):
        report = compiled(catalogue.definition(KEY), {}, queries.context(clock.now()))
        # Excel keys cells by title; SQL needs no names here at all.
        text = whole_sql(report, raw_expressions(report))
        return ClientCursor(connection.connection).mogrify(text, report.arguments)


if __name__ == "__main__":
    measure.compare(
        "report-csv", ours=ours, floor=floor, setup=setup, cleanup=population.throw_away, n=50_000
    )
