"""What is written about reports: runs and takings, saved reports, favourites, looks at the dashboard."""

from pratique.reports.actions.favourites import set_favourite
from pratique.reports.actions.looks import look
from pratique.reports.actions.runs import (
    UnknownRunError,
    cancel_run,
    delete_old,
    download_run,
    export,
    run,
    start_run,
)
from pratique.reports.actions.saved import SavedReportError, change_report, delete_report, save_report

__all__ = [
    "SavedReportError",
    "UnknownRunError",
    "cancel_run",
    "change_report",
    "delete_old",
    "delete_report",
    "download_run",
    "export",
    "look",
    "run",
    "save_report",
    "set_favourite",
    "start_run",
]
