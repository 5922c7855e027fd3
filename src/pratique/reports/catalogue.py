"""All reports there are. A new one is a module in `definitions/` and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from pratique.reports.definitions import (
    completion_rates,
    compliance_summary,
    missing_items,
    not_complete,
    roster_results,
    student_detail,
)
from pratique.reports.types import ReportDefinition, ReportError

# In the order in which a category lists them.
_MODULES = (
    compliance_summary,
    student_detail,
    missing_items,
    not_complete,
    completion_rates,
    roster_results,
)

REPORTS: Mapping[str, ReportDefinition] = MappingProxyType(
    {module.REPORT.key: module.REPORT for module in _MODULES}
)


class UnknownReportError(ReportError):
    """No report has this key; the message lists those there are."""


def definition(key: str) -> ReportDefinition:
    """Return the report called `key`. Raises UnknownReportError."""
    if key not in REPORTS:
        raise UnknownReportError(
            _("There is no report “%(key)s”. Known: %(known)s.")
            % {"key": key[:60], "known": ", ".join(REPORTS)}
        )
    return REPORTS[key]
