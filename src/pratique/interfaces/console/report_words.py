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

# What people look for under another word: each report's own title and description are searched besides.
ALSO_CALLED: Mapping[str, str | Promise] = {
    "compliance-summary": _("overview dashboard percent progress"),
    "student-detail": _("status vaccine MMR who is complete cleared compliant list"),
    "missing-items": _(
        "non-compliant noncompliant incomplete outstanding overdue vaccine shot flu MMR why to do"
    ),
    "not-complete": _("non-compliant noncompliant incomplete outstanding overdue hold list why and"),
    "completion-rates": _("vaccination coverage vaccine flu MMR percent"),
    "compliance-over-time": _("trend history progress chart"),
    "expiring": _("expires renew booster soon"),
    "expired": _("overdue lapsed booster renew"),
    "exemptions": _("waiver medical religious declination"),
    "exemption-summary": _("waiver medical religious declination"),
    "immunity-roster": _("measles mumps rubella MMR varicella chickenpox flu susceptible exposure vaccine"),
    "doses": _("vaccine vaccination shot immunization CVX flu MMR"),
    "titers": _("blood test antibody laboratory immunity"),
    "tb-screening": _("tuberculosis skin test IGRA quantiferon"),
    "state-survey": _("state report health department vaccine kindergarten"),
    "due-date-forecast": _("overdue late risk deadline hold"),
    "review-queue": _("pending waiting backlog nurse documents"),
    "review-turnaround": _("nurse speed workload productivity"),
    "rejected": _("returned refused declined"),
    "newly-processed": _("newly complete cleared compliant"),
    "status-changes": _("history delta log"),
    "never-signed-in": _("not registered no login inactive invitation"),
    "activation": _("login registration adoption"),
    "reminders": _("e-mail mail text message notice nudge"),
    "escalations": _("hold registration block housing advisor"),
    "roster-imports": _("upload file errors students"),
    "roster-results": _("upload file row errors"),
    "transfer-activity": _("SFTP files inbound outbound"),
    "partner-activity": _("API calls integration"),
    "student-access": _("audit who looked FERPA record"),
}

# What a report that has nothing to show waits for, where that is not plain.
WAITS_FOR: Mapping[str, str | Promise] = {
    "compliance-over-time": _(
        "Figures are kept for each day from the first one on; a day’s are there within an hour."
    ),
    "reminders": _(
        "A reminder stands here as soon as a ladder of reminders plans it, or somebody sends one by hand."
    ),
    "escalations": _("A hold stands here as soon as a ladder of reminders asks for one after a due date."),
    "partner-activity": _("A school’s own system stands here as soon as it calls the partner API."),
}

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
