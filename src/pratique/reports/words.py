"""Cells that a column puts into words (`Column.words`): once for each different value."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from pratique.reports.statements import Compiled

# More different values than this would cost memory: then some are put into words again.
_REMEMBERED = 5_000


def in_words(
    report: Compiled, rows: Iterable[tuple[Any, ...]], finish: Callable[[str], str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows with the words of each column that has some; null stays null.

    `finish` is done to the words besides, such as disarming them for spreadsheets.
    """
    wording = {
        position: _remembering(column.words, finish)
        for position, column in enumerate(report.columns)
        if column.words
    }
    if not wording:
        yield from rows
        return
    for row in rows:
        cells = list(row)
        for position, words in wording.items():
            if cells[position] is not None:
                cells[position] = words(cells[position])
        yield tuple(cells)


def _remembering(words: Callable[[Any], str], finish: Callable[[str], str] | None) -> Callable[[Any], str]:
    return lru_cache(maxsize=_REMEMBERED)(words if finish is None else lambda value: finish(words(value)))
