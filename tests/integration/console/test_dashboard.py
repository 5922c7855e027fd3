"""The dashboard: figures, the line over time, what changed since the last look, the forecast, what needs attention."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.compliance.actions import add_past_days, note_day
from pratique.compliance.models import TrackerDay
from pratique.delivery.models import Delivery, DeliveryState
from pratique.foundation import clock
from pratique.institutions.models import Package, Tracker
from pratique.interfaces.console import dashboard
from pratique.reminders.models import Batch, BatchKind, BatchState
from pratique.reviews.actions.claiming import claim
from pratique.rosters.models import RosterImport
from pratique.students.actions.memberships import close_membership
from pratique.students.models import Membership
from tests.destinations import a_destination
from tests.integration.console.conftest import text_of
from tests.integration.reviews.situations import FIRST, NURSE, PAPER, SECOND
from tests.schools import BY, NOW, TODAY, imported, judged

pytestmark = pytest.mark.django_db
UNDERGRADUATES = "Undergraduate - Fall 2026"


def at(monkeypatch, hours: float) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=hours))


def noted(school, complete: dict[int, int], *, students: int = 4, tracker: str = UNDERGRADUATES) -> Tracker:
    """Figures of some days ago, of one tracker."""
    with school.scope():
        package, of = Package.objects.get(), Tracker.objects.get(name=tracker)
        add_past_days(
            institution=school.institution,
            trackers=[
                TrackerDay(day=TODAY - timedelta(days=ago), package=package, tracker=of, students=students,
                           complete=count, user_complete=count)
                for ago, count in complete.items()
            ],
            requirements=[], by=BY, now=NOW,
        )  # fmt: skip
    return of


def test_a_new_school_is_told_how_to_begin_and_from_when_figures_are_kept(school, signed_in):
    client = signed_in()
    page = text_of(client.get("/"))
    assert "No students yet" in page
    assert "You look here for the first time" in page
    assert "Compliance over time" not in page
    imported(school.institution, "ana@x.edu,0001,Núñez,Ana,,04/03/2006,Undergraduate,Fall 2026,1")
    judged(school.institution)
    assert "Figures are kept from today on" in text_of(client.get("/"))
    note_day(institution=school.institution, today=TODAY, now=NOW)
    answer = client.get("/")
    assert "Figures are kept from Aug. 3, 2026 on. A line needs two days" in text_of(answer)
    assert b'<canvas data-chart="over-time' not in answer.content
    assert b"<polyline" not in answer.content


def test_the_line_is_drawn_for_what_was_chosen(desk, signed_in):
    tracker = noted(desk.school, {20: 1, 10: 2, 1: 3})
    noted(desk.school, {20: 0, 10: 0, 1: 1}, tracker="Nursing - Spring 2027")
    client = signed_in()
    whole = client.get("/")
    assert "Complete, %: 12% on July 14, 2026, 50% on Aug. 2, 2026." in text_of(whole)
    assert "Figures are kept from July 14, 2026 on." in text_of(whole)
    # Nobody is complete today: the small line ends there, whatever was noted before.
    assert 'aria-label="Cleared students: 1 on July 14, 2026, 0 today"' in whole.content.decode()
    assert "1 fewer than on July 14, 2026" in text_of(whole)
    address = f"/?line=tracker-{tracker.id}&days=30"
    one = client.get(address)
    assert "Complete, %: 25% on July 14, 2026, 75% on Aug. 2, 2026." in text_of(one)
    assert f'<option value="tracker-{tracker.id}" selected>' in one.content.decode()
    assert f"day_from=2026-07-05&amp;tracker={tracker.id}" in one.content.decode()
    # Only that part is exchanged, and looking at another line is not looking anew.
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "div#over-time"}).content.decode()
    assert part.strip().startswith('<div id="over-time"')
    assert "75% on Aug. 2, 2026" in part
    assert "what you chose has not two yet" in text_of(client.get("/?line=requirement-mmr&days=365"))
    assert "12% on July 14" in text_of(client.get("/?line=requirement-x'&days=x"))


def test_what_changed_is_told_since_the_last_look(desk, signed_in, monkeypatch):
    client, nurse = signed_in(), signed_in(Role.REVIEWER)
    with desk.scope():
        waiting = desk.sent(FIRST, SECOND, PAPER, at=NOW - timedelta(hours=1))
    at(monkeypatch, 1)
    for one in (client, nurse):
        one.get("/")
    at(monkeypatch, 3)
    assert "Nothing: no student became complete" in text_of(client.get("/"))
    # Ana is complete, and Ben's paper goes back to him; one more comes in.
    later = NOW + timedelta(hours=4)
    with desk.scope():
        returned = desk.sent(PAPER, at=later, username="ben@x.edu", keys=("physical_exam",))
        for case, without in ((waiting, ()), (returned, ("document",))):
            desk.decide(claim(submission_id=case.id, by=NURSE, now=later), *without, now=later)
        desk.sent(FIRST, at=later, username="ben@x.edu")
    judged(desk.institution, now=later)
    at(monkeypatch, 5)
    applied = imported(
        desk.institution, "cy@x.edu,0003,Li,Cy,,04/03/2006,Nursing,Fall 2026,1", "b,0002,,,,13/13/2001,,,"
    )
    with desk.scope():
        RosterImport.objects.filter(id=applied.id).update(applied_at=later)
        cy = Membership.objects.get(student__username="cy@x.edu")
        close_membership(membership=cy, expires_on=None, by=BY, now=clock.now())
        Delivery.objects.create(
            institution=desk.institution, destination=a_destination(desk.institution), report_key="student-detail",
            format="csv", file_name="x.csv", state=DeliveryState.FAILED, requested_at=later, requested_by="system",
            finished_at=later,
        )  # fmt: skip
    at(monkeypatch, 6)
    answer = client.get("/")
    page = text_of(answer)
    assert "What changed since you last looked Aug. 3, 2026, 2 p.m." in page
    for told in (
        "1 student became complete", "2 new cases came in , 1 still waits", "1 item was returned to a student",
        "1 roster was imported , with 1 new student", "1 row of a roster was refused",
        "1 delivery of a file failed", "1 registration was put into the archive",
    ):  # fmt: skip
        assert told in page, told
    for link in (
        "/reports/newly-processed/?event=complete&amp;at_from=2026-08-03",
        "/reports/status-changes/?status=rejected&amp;at_from=2026-08-03",
        "/reports/schedules/?state=care",
        "/reports/archived-memberships/?ended=archived",
    ):
        assert link in answer.content.decode(), link
    # A reviewer, who looked for the last time at first, is led only to where they may go.
    theirs = nurse.get("/")
    assert "since you last looked Aug. 3, 2026, noon" in text_of(theirs)
    assert "/review/?view=team" in theirs.content.decode()
    assert "/reports/schedules/" not in theirs.content.decode()
    for address in set(_links(theirs)) | set(_links(answer)):
        assert signed_in(Role.ADMINISTRATOR).get(address).status_code == 200, address


def _links(answer) -> list[str]:
    found = re.findall(r'href="(/[^"]*)"', answer.content.decode().split("<main")[1])
    return [one.replace("&amp;", "&") for one in found if not one.startswith("/static/")]


def test_the_queue_is_told_by_its_age(desk, signed_in):
    with desk.scope():
        for hours in (1, 30, 100, 200, 400):
            desk.sent(FIRST, at=NOW - timedelta(hours=hours))
        figures = dashboard.dashboard(today=TODAY, now=NOW).figures
    assert (figures.waiting, figures.waiting_since) == (5, NOW - timedelta(hours=400))
    assert list(figures.ages) == [1, 1, 1, 2]
    assert "/review/?view=team&amp;age=7" in signed_in(Role.REVIEWER).get("/").content.decode()
    assert "/reports/review-queue/?hours=168" in signed_in().get("/").content.decode()


def test_who_will_miss_the_due_date_follows_from_the_pace(desk, signed_in):
    noted(desk.school, {28: 0})
    answer = signed_in().get("/")
    page = text_of(answer)
    assert "1 of 1 student whose due date is to come will not be cleared in time" in page
    assert "Not known yet" in page, "of nursing students no figures are a week old"
    assert "Undergraduate - Fall 2026 Aug. 10, 2026 7 1 0 0 1 of Undergraduate - Fall 2026" in page
    with desk.scope():
        tracker = Tracker.objects.get(name=UNDERGRADUATES)
    assert f"/reports/due-date-forecast/?tracker={tracker.id}" in answer.content.decode()
    assert "/reports/not-complete/?due_from=2026-08-03&amp;due_to=2026-08-17" in answer.content.decode()


def test_what_waits_for_somebody_needs_attention(desk, signed_in):
    stopped = a_destination(desk.institution, name="Housing office")
    with desk.scope():
        type(stopped).objects.update(stopped_at=NOW, stopped_for="host_key_changed")
        Batch.objects.create(
            institution=desk.institution, kind=BatchKind.LADDER, state=BatchState.WAITING, students=700,
            created_at=NOW, created_by="system",
        )  # fmt: skip
    answer = signed_in()
    page = text_of(answer.get("/"))
    assert "Housing office : deliveries to this server are stopped" in page
    assert "1 batch of reminders waits for approval" in page


def test_the_number_of_queries_does_not_grow(desk):
    def queries() -> int:
        with desk.scope(), CaptureQueriesContext(connection) as asked:
            dashboard.dashboard(today=TODAY, now=NOW, since=NOW - timedelta(days=1))
        return len(asked)

    noted(desk.school, dict.fromkeys(range(1, 5), 1))
    before = queries()
    rows = (f"u{n}@x.edu,1{n:03},L,F,,04/03/2006,Nursing,Fall 2026,1" for n in range(40))
    imported(desk.institution, *rows)
    judged(desk.institution)
    noted(desk.school, dict.fromkeys(range(1, 60), 1), tracker="Nursing - Fall 2026")
    with desk.scope():
        desk.sent(FIRST, PAPER)
    assert queries() == before
