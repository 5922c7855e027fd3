"""What reports' pages say: formats, and what a row of a report is."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.reports.types import Format


@dataclass(frozen=True)
class FormatWords:
    """A format in words. `for_people` ones have a button of their own; the rest stand in a menu."""

    value: Format
    name: str | Promise
    says: str | Promise
    for_people: bool = False


FORMATS = (
    FormatWords(Format.CSV, _("CSV"), _("For any spreadsheet or program"), True),
    FormatWords(Format.XLSX, _("Excel"), _("Dates are dates, ids keep their zeros"), True),
    FormatWords(Format.TSV, _("Tab-separated"), _("For programs that split at tabs")),
    FormatWords(Format.PIPE, _("Pipe-separated"), _("For programs that split at |")),
    FormatWords(Format.FIXED, _("Fixed width"), _("Each column has its place in the line")),
    FormatWords(Format.JSONL, _("JSON Lines"), _("One JSON object for each row, as it is stored")),
)

# What a row is, for those who build a report: by the key of the report whose rows they are.
ROWS: Mapping[str, str | Promise] = {
    "student-detail": _("A student"),
    "missing-items": _("Something that a student still has to do"),
    "doses": _("A dose"),
    "titers": _("A titer result"),
    "exemptions": _("An exemption"),
    "status-changes": _("A change of a status"),
    "review-queue": _("Something that waits for review"),
    "rejected": _("Something that was sent back"),
}
