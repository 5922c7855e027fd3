"""Writers: one module a format. Each turns a compiled report into blocks of bytes as its rows arrive.

    blocks(report, options, progress) -> Iterator[bytes]

`progress` is called now and then with the number of rows written so far; what it raises ends the writing. All
run inside an open `institution_scope` and hold one statement open, so what they write is one moment's truth.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pratique.reports.statements import Compiled
from pratique.reports.types import Format
from pratique.reports.writers import csv_writer, fixed_writer, jsonl_writer, xlsx_writer
from pratique.reports.writers.options import Progress, WriterOptions

__all__ = ["WRITERS", "Progress", "WriterOptions"]

WRITERS: Mapping[Format, Callable[[Compiled, WriterOptions, Progress], Iterator[bytes]]] = {
    Format.CSV: csv_writer.blocks,
    Format.TSV: partial(csv_writer.blocks, delimiter="\t"),
    Format.PIPE: partial(csv_writer.blocks, delimiter="|"),
    Format.FIXED: fixed_writer.blocks,
    Format.XLSX: xlsx_writer.blocks,
    Format.JSONL: jsonl_writer.blocks,
}
