"""Charts as data for the browser. Each stands beside its table and its summary in words, never alone."""

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise

from pratique.reports.types import ReportChart


def stacked_bars(
    labels: Sequence[str], series: Sequence[tuple[str | Promise, str, Sequence[int]]]
) -> dict[str, Any]:
    """Return horizontal stacked bars: one for each label; a series has a name, a tone and its values."""
    return {
        "kind": "stacked_bar",
        "labels": list(labels),
        "series": [
            {"name": str(name), "tone": tone, "values": list(values)} for name, tone, values in series
        ],
    }


def of_report(chart: ReportChart) -> dict[str, Any]:
    """Return a report's chart: "bar", "stacked_bar" or "line"."""
    return {
        "kind": chart.kind,
        "labels": [str(label) for label in chart.labels],
        "series": [
            {"name": str(one.name), "tone": one.status, "values": list(one.values)} for one in chart.series
        ],
    }


def rows(chart: ReportChart) -> list[tuple[str, Sequence[int]]]:
    """Return the chart's figures as a table: for each label, a value of each series."""
    return [
        (str(label), [one.values[place] for one in chart.series]) for place, label in enumerate(chart.labels)
    ]
