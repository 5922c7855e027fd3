"""What the demo institution does with its figures: a past of ninety days, a shared report, schedules, reminders.

A demo that was loaded before there were these gets them too.
"""

from datetime import datetime, time

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.compliance.actions import add_past_days, note_day
from pratique.delivery.actions.schedules import create_schedule, run_now
from pratique.delivery.models import Contents
from pratique.delivery.timing import Calendar
from pratique.delivery.types import Place, SchedulePlan
from pratique.foundation import audit, clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, RequirementGroup
from pratique.interfaces.cli.demo_history import known, past_days
from pratique.reminders.actions.ladders import set_ladder, set_settings
from pratique.reminders.actions.plan import plan
from pratique.reminders.steps import SUGGESTED
from pratique.reminders.types import Rules
from pratique.reports.actions import save_report, set_favourite
from pratique.reports.types import Format, Layout, saved_key
from pratique.students.models import Membership, MembershipState
from pratique.transfers.models import TransferAccount

GROUP = "Nursing"
# Fewer than the group has to remind: its first batch waits for somebody, as one at a large school does.
APPROVAL_ABOVE = 100


def add_reports(institution: Institution, *, by: audit.Actor, now: datetime) -> bool:
    """Make all of it, once; return whether it was made. Does nothing while the school has no students.

    Whoever tries the demo may delete any of it: that it was made is known from the audit trail.
    """
    with institution_scope(institution.id):
        group = RequirementGroup.objects.filter(name=GROUP).first()
        coordinator = (
            User.objects.filter(role=Role.COORDINATOR, is_active=True).order_by("created_at", "id").first()
        )
        made = AuditEvent.objects.filter(action="compliance:days:added").exists()
        if made or group is None or coordinator is None or not Membership.objects.exists():
            return False
        person = audit.Actor("staff", str(coordinator.id))
        _past(institution, by=by, now=now)
        _shared_report(institution, group, coordinator, by=person, now=now)
        _schedules(institution, coordinator, by=person, now=now)
        _reminders(institution, group, by=person, now=now)
    return True


def _past(institution: Institution, *, by: audit.Actor, now: datetime) -> None:
    today = clock.today(institution.time_zone, at=now)
    rows = (
        Membership.objects.filter(state=MembershipState.ACTIVE)
        .order_by("student__student_id", "id")
        .values_list(
            "student__student_id", "package_id", "tracker_id", "item__requirement_key", "item__status"
        )
    )
    figures = past_days(known(rows), today=today)
    add_past_days(
        institution=institution, trackers=figures.trackers, requirements=figures.requirements, by=by, now=now
    )
    note_day(institution=institution, today=today, now=now)


def _shared_report(
    institution: Institution, group: RequirementGroup, coordinator: User, *, by: audit.Actor, now: datetime
) -> None:
    saved = save_report(
        institution=institution, name="Nursing: who is not complete", base="not-complete",
        description="Before clinical placements: who lacks what, the latest change last.",
        parameters={"group": [str(group.id)], "state": "active"}, layout=Layout(), sort="last_name",
        shared_with=[Role.REVIEWER.value], by=by, now=now,
    )  # fmt: skip
    for key in ("compliance-summary", "due-date-forecast", saved_key(saved.id)):
        set_favourite(user=coordinator, key=key, wanted=True)


def _schedules(institution: Institution, coordinator: User, *, by: audit.Actor, now: datetime) -> None:
    account = TransferAccount.objects.filter(closed_at__isnull=True).order_by("created_at", "id").first()
    if account is not None:
        changes = SchedulePlan(
            name="Standing of students, for the student information system", report_key="student-detail",
            place=Place(account_id=account.id, destination_id=None), contents=Contents.DELTA.value,
            send_empty=False, every_minutes=60, template="standing-{date:%Y%m%d-%H%M}.csv",
        )  # fmt: skip
        # Its first file holds everybody; the worker delivers it.
        run_now(
            schedule=create_schedule(institution=institution, plan=changes, by=by, now=now), by=by, now=now
        )
    weekly = SchedulePlan(
        name="Monday: compliance summary", report_key="compliance-summary", format=Format.XLSX,
        place=Place(account_id=None, destination_id=None, staff=(coordinator.id,)),
        calendar=Calendar((time(7, 0),), weekdays=(1,)),
    )  # fmt: skip
    create_schedule(institution=institution, plan=weekly, by=by, now=now)


def _reminders(institution: Institution, group: RequirementGroup, *, by: audit.Actor, now: datetime) -> None:
    usual = Rules()
    set_settings(
        institution=institution, quiet_from=usual.quiet_from, quiet_until=usual.quiet_until,
        weekdays=usual.weekdays, most_a_week=usual.most_a_week, days_between=usual.days_between,
        approval_above=APPROVAL_ABOVE, by=by, now=now,
    )  # fmt: skip
    set_ladder(institution=institution, requirement_group=group, steps=SUGGESTED, is_on=True, by=by, now=now)
    plan(institution=institution, now=now)
