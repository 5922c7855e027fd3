"""All reports there are. A new one is a module in `definitions/` and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _

from pratique.reports.definitions import (
    activation,
    archived_memberships,
    completion_rates,
    compliance_over_time,
    compliance_summary,
    doses,
    due_date_forecast,
    escalations,
    exemption_summary,
    exemptions,
    expired,
    expiring,
    immunity_roster,
    missing_items,
    never_signed_in,
    newly_processed,
    not_complete,
    partner_activity,
    rejected,
    reminders,
    review_queue,
    review_turnaround,
    roster_imports,
    roster_results,
    state_survey,
    status_changes,
    student_access,
    student_detail,
    tb_screening,
    titers,
    transfer_activity,
)
from pratique.reports.types import ReportDefinition, ReportError

# In the order in which a category lists them.
_MODULES = (
    compliance_summary,
    student_detail,
    missing_items,
    not_complete,
    completion_rates,
    compliance_over_time,
    expiring,
    expired,
    exemptions,
    exemption_summary,
    immunity_roster,
    doses,
    titers,
    tb_screening,
    state_survey,
    due_date_forecast,
    review_queue,
    review_turnaround,
    rejected,
    newly_processed,
    status_changes,
    never_signed_in,
    activation,
    reminders,
    escalations,
    archived_memberships,
    roster_imports,
    roster_results,
    transfer_activity,
    partner_activity,
    student_access,
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
