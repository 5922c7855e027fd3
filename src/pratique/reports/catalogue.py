"""All reports there are. A new one is a module in `definitions/` and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from pratique.reports.definitions import compliance_summary, roster_results, student_detail
from pratique.reports.types import ReportDefinition, ReportError

_MODULES = (compliance_summary, student_detail, roster_results)

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
