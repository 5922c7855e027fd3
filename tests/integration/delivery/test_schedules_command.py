"""`pratique schedules`, as people and scripts call it."""

import orjson
import pytest
from typer.testing import CliRunner

from pratique.delivery.actions import schedules
from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.types import Place, SchedulePlan
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli.schedules import app
from pratique.reports.models import SavedReport
from pratique.reports.types import saved_key
from tests.integration.delivery.conftest import REPORT, tried
from tests.schools import BY, NOW
from tests.transactions import settle
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")


def test_a_schedule_is_looked_at_run_paused_resumed_replayed_and_sent_again(school, tmp_path, clocked):
    def call(*arguments, status=0):
        done = CliRunner().invoke(app, [*arguments, "--institution", school.slug])
        assert done.exit_code == status, done.output
        return done.output

    def asked(*arguments, status=0):
        return orjson.loads(call(*arguments, "--json", status=status))

    account = an_account(school, tmp_path)
    plan = SchedulePlan(
        name="Housing", report_key=REPORT, place=Place(account_id=account.account.id), contents="delta",
        send_empty=False, every_minutes=15,
    )  # fmt: skip
    schedules.create_schedule(institution=school, plan=plan, by=BY, now=NOW)
    settle(school)
    (listed,) = asked("list")
    assert (listed["standing"], listed["when"], listed["to"]) == (
        "never",
        "every 15 minutes",
        account.username,
    )
    assert "is on its way" in call("run", "housing")
    with institution_scope(school.id):
        delivery = Delivery.objects.get()
    assert tried(delivery).state == "delivered"
    shown = asked("show", listed["id"])
    assert [(one["state"], one["rows"]) for one in shown["deliveries"]] == [("delivered", 1)]
    assert "There is nothing to send." in call("run", "Housing")
    assert asked("pause", "Housing")["standing"] == "paused"
    assert "paused" in asked("run", "Housing", status=2)["error"]
    assert [len(asked("list", "--state", one)) for one in ("paused", "failing")] == [1, 0]
    assert "'paused'" in call("list", "--state", "sad", status=2)
    assert asked("resume", "Housing")["next_at"] == "2026-08-03T11:15:00-04:00"
    assert "goes back" in call("replay", "Housing", "--since", "2026-08-01")
    assert asked("resend", str(delivery.id))["file"].endswith("-2.csv")
    with institution_scope(school.id):
        saved = SavedReport.objects.create(
            institution=school,
            name="For housing",
            base=REPORT,
            created_at=NOW,
            created_by="x",
            changed_at=NOW,
        )
        Schedule.objects.update(report_key=saved_key(saved.id))
    for said in (call("list"), call("show", "Housing")):
        assert "For housing" in said
        assert "saved-" not in said
    (listed,) = asked("list")
    assert (listed["report"], listed["title"]) == (saved_key(saved.id), "For housing")
    assert "Known: Housing" in call("show", "nothing", status=2)
