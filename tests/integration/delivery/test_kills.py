"""A worker killed (SIGKILL) anywhere in a delivery: the file is there once, whole, and was never sent twice."""

from datetime import timedelta

import pytest

from pratique.delivery import policies
from pratique.delivery.actions import sending as steps
from pratique.delivery.actions.deliveries import deliver
from pratique.delivery.types import Place
from pratique.foundation import clock
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.reports.types import Format
from pratique.transfers import outbound
from tests.destinations import a_destination_at
from tests.integration.delivery.conftest import REPORT, tried
from tests.integration.delivery.sender import WHERES
from tests.schools import BY
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")


def test_after_any_death_the_next_try_delivers_once(school, theirs, killed):
    destination = a_destination_at(theirs, school)
    theirs.faults.takes_away = True  # so that each arrival is counted, and the next try finds nothing there
    for where in WHERES:
        delivery = deliver(
            institution=school, place=Place(destination_id=destination.id), report=REPORT, parameters={},
            format=Format.CSV, template=f"{where}.csv", by=BY, now=clock.now(),
        )  # fmt: skip
        left = killed(delivery, where)
        assert left.state == "sending", where
        assert bool(left.renaming_at) is (where in ("after_the_note", "after_the_rename")), where
        # The queue runs a dead worker's job again at once; the sweep would after a while.
        due = clock.now() + policies.LEASE + timedelta(minutes=1)
        assert steps.ask_for_due(institution_id=school.id, now=due) == 1
        done = tried(left)
        assert (done.state, done.tries) == ("delivered", 2), where
    assert theirs.arrived == [f"{where}.csv" for where in WHERES]
    contents = {one.read_bytes() for one in theirs.root.iterdir()}
    assert len(list(theirs.root.iterdir())) == len(WHERES)
    assert len(contents) == 1
    assert "Núñez" in contents.pop().decode()
    assert list(blob_store().names(institution_id=school.id, prefix="delivery/")) == []


def test_an_account_gets_it_once_too(school, tmp_path, killed):
    account = an_account(school, tmp_path)
    for where in ("while_making", "after_the_rename"):
        delivery = deliver(
            institution=school, place=Place(account_id=account.account.id), report=REPORT, parameters={},
            format=Format.CSV, template=f"{where}.csv", by=BY, now=clock.now(),
        )  # fmt: skip
        assert killed(delivery, where).state == "sending"
        lying = {one.name for one in outbound.listed(school.id, account.account.id)}
        assert (f"{where}.csv" in lying) is (where == "after_the_rename")
        assert tried(delivery).state == "delivered"
    assert len(outbound.listed(school.id, account.account.id)) == 2
    with institution_scope(school.id):
        stored = blob_store().names(institution_id=school.id, prefix=f"account-{account.account.id}/")
        assert len(list(stored)) == 2
