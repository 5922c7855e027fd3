"""Student compliance detail as Excel into a file, against XlsxWriter in constant memory with the same rows.

Both read the rows from the database in the same way; both write real dates, text and numbers.
"""

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
        blocks = queries.stream(KEY, {}, Format.XLSX, institution_id=school.institution_id, now=clock.now())
        files.write(Path(folder) / "report.xlsx", blocks)


def floor(n: int) -> None:
    """Write the same rows through XlsxWriter."""
    import xlsxwriter

    from pratique.foundation import clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.reports import catalogue, queries
    from pratique.reports.statements import compiled, xlsx_expressions
    from pratique.reports.types import ColumnKind
    from pratique.reports.writers.rows import read_rows

    school = population.prepared(n)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with tempfile.TemporaryDirectory() as folder, institution_scope(school.institution_id):
        report = compiled(catalogue.definition(KEY), {}, queries.context(clock.now()))
        book = xlsxwriter.Workbook(str(Path(folder) / "report.xlsx"), options)
        sheet = book.add_worksheet()
        patterns = {ColumnKind.DATE: "yyyy-mm-dd", ColumnKind.INSTANT: "yyyy-mm-dd hh:mm:ss"}
        kinds = {kind: book.add_format({"num_format": text}) for kind, text in patterns.items()}
        formats = [kinds.get(column.kind) for column in report.columns]
        sheet.write_row(0, 0, [str(column.title) for column in report.columns])
        for number, row in enumerate(read_rows(report, xlsx_expressions(report, neutralise=True)), 1):
            for position, value in enumerate(row):
                sheet.write(number, position, value, formats[position])
        book.close()


if __name__ == "__main__":
    measure.compare(
        "report-xlsx", ours=ours, floor=floor, setup=population.prepared, cleanup=population.throw_away,
        n=50_000, repeats=3,
    )  # fmt: skip
