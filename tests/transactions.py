"""Deltas are cut below the oldest open transaction of the whole cluster, which all tests that run at once share."""

import time
from typing import Any

from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries as reports


def settle(school: Any) -> None:
    """Wait until no transaction of another test holds back what was committed here."""
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()::text::bigint")
        ours = cursor.fetchone()[0]
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with institution_scope(school.id):
            if reports.changes_before() > ours:
                return
        time.sleep(0.02)
    raise AssertionError("a transaction stays open")
