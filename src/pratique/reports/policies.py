"""What a run's state allows, and to whom a saved report belongs. The rest is `accounts.roles`' business."""

from datetime import timedelta

from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.reports.models import ReportRun, RunState, SavedReport
from pratique.reports.types import ReportError

# How long a file is kept; contracts/reports.md: "for a set time".
FILES_KEPT = timedelta(days=7)
OPEN = (RunState.QUEUED, RunState.RUNNING)


class RunNotReadyError(ReportError):
    """The run has no file to take: it is not done yet, failed, was cancelled, or its file was deleted."""


def check_run_can_be_downloaded(run: ReportRun) -> None:
    """Raise RunNotReadyError, with the reason, unless the run's file can be taken."""
    if run.deleted_at is not None:
        raise RunNotReadyError(
            _("The file was deleted after %(days)d days. Run the report again.") % {"days": FILES_KEPT.days}
        )
    if run.state in OPEN:
        raise RunNotReadyError(_("The report is still being made."))
    if run.state != RunState.DONE:
        raise RunNotReadyError(_("The report was not finished, so there is no file. Run it again."))


def run_can_be_downloaded(run: ReportRun) -> bool:
    """Return whether the run's file can be taken."""
    return run.deleted_at is None and run.state == RunState.DONE


def run_can_be_cancelled(run: ReportRun) -> bool:
    """Return whether there is still something to stop."""
    return run.state in OPEN


def may_change_report(saved: SavedReport, user: User) -> bool:
    """Return whether somebody may change or delete a saved report: whoever made it, and administrators."""
    return user.role == Role.ADMINISTRATOR or saved.created_by == f"staff:{user.id}"
