"""The application's own settings with `slow_tasks` added, and without what only costs time here."""

from dataclasses import replace

from pratique.config.settings import *  # noqa: F403

PROCRASTINATE_IMPORT_PATHS = [*PROCRASTINATE_IMPORT_PATHS, "tests.integration.process.slow_tasks"]  # noqa: F405
# A killed process loses nothing that was handed to the kernel; only a crash of the machine would.
EMBEDDED_POSTGRES = replace(EMBEDDED_POSTGRES, settings=(("fsync", "off"), ("full_page_writes", "off")))  # noqa: F405
STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
