"""Clearing up after a killed server looks at open sessions alone, however many have ended."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions.journal import end_sessions_of
from pratique.transfers.models import TransferSession
from tests.schools import a_school
from tests.transfers import an_account

pytestmark = pytest.mark.django_db


def test_open_sessions_are_found_by_an_index_of_their_own(tmp_path: Path) -> None:
    school = a_school()
    account = an_account(school, tmp_path).account
    server, now = uuid4(), timezone.now()
    ended = [now - timedelta(minutes=number) for number in range(2000)]
    with institution_scope(school.id):
        TransferSession.objects.bulk_create(
            TransferSession(
                id=new_id(), institution_id=school.id, account_id=account.id, started_at=at, ended_at=at_end,
                server=server,
            )
            for at, at_end in [*zip(ended, ended, strict=True), (now, None)]
        )  # fmt: skip
        left = TransferSession.objects.filter(server=server, ended_at=None)
        with connection.cursor() as cursor:
            cursor.execute("analyze transfers_transfersession")
        assert "transfer_session_open" in left.explain()
    assert end_sessions_of(server, institution_id=school.id, now=now) == 1
    assert end_sessions_of(server, institution_id=school.id, now=now) == 0
