"""What charts count: one grouped query over a report's own source, and what it found told in one sentence."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils.translation import ngettext

from pratique.reports.types import ChartSeries, ReportChart, ReportContext, Source, Text


def grouped(source: Source, context: ReportContext, select: str, rest: str) -> list[tuple[Any, ...]]:
    """Return the rows of `select ... from` the report's rows, with `rest` (group by, order by) after the conditions."""
    where = f"where {' and '.join(source.where)}" if source.where else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {select} from {source.from_sql} {where} {rest}",
            {
                **source.arguments,
                "institution": context.institution_id,
                "time_zone": context.time_zone,
                "today": context.today,
            },
        )
        return list(cursor.fetchall())


def hours_in_words(hours: int) -> str:
    """Return hours as people say them: whole days from two days on, because nobody reads 726 hours."""
    if hours < 48:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}


def bars(
    title: Text, name: Text, titles: Mapping[str, Text], counts: Mapping[str, int], summary: str
) -> ReportChart:
    """Return a chart with one bar for each of `titles`, in their order."""
    return ReportChart(
        kind="bar",
        title=title,
        labels=list(titles.values()),
        series=[ChartSeries(name, [counts.get(key, 0) for key in titles])],
        summary=summary,
    )


def stacked(
    title: Text,
    labels: Mapping[str, Text],
    parts: Mapping[str, Text],
    counts: Mapping[tuple[str, str], int],
    summary: str,
    *,
    statuses: Mapping[str, str] | None = None,
) -> ReportChart:
    """Return a bar for each of `labels`, made of `parts`; `counts` are by (label, part), `statuses` colour parts."""
    return ReportChart(
        kind="stacked_bar",
        title=title,
        labels=list(labels.values()),
        series=[
            ChartSeries(
                name,
                [counts.get((label, part), 0) for label in labels],
                (statuses or {}).get(part, ""),
            )
            for part, name in parts.items()
        ],
        summary=summary,
    )


def listed(titles: Mapping[str, Text], counts: Mapping[str, int]) -> str:
    """Return "7 approved, 5 pending": each count before its title, in their order, without those that are nil."""
    return ", ".join(
        f"{counts[key]:,} {_lowered(str(title))}" for key, title in titles.items() if counts.get(key)
    )


def by_first(rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    """Return rows of (key, count) as a mapping; rows with the same key are added up."""
    found: dict[str, int] = {}
    for key, *_middle, count in rows:
        found[key] = found.get(key, 0) + count
    return found


def _lowered(title: str) -> str:
    """Begin with a small letter inside a sentence, but leave abbreviations such as "TB test" alone."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
