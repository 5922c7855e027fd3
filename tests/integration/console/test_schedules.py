"""Schedules in the console: their health, the form, one of them, and the link that colleagues get."""

import uuid
from datetime import time, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pysequoia import Tsk

from pratique.accounts.roles import Role
from pratique.delivery.actions import deliveries as delivering
from pratique.delivery.actions import schedules as actions
from pratique.delivery.models import Delivery, DeliveryState, Destination, Schedule
from pratique.delivery.queries import ScheduleStanding, plan_of
from pratique.delivery.timing import Calendar
from pratique.delivery.types import PAUSES, STOPS, Place, SchedulePlan, sentence
from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.foundation.models import AuditEvent
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.console import schedule_forms, schedule_words
from pratique.reports.actions.saved import delete_report, save_report
from pratique.reports.types import ChosenColumn, Format, Layout, saved_key
from pratique.screens import words
from tests.destinations import a_destination
from tests.integration.console.conftest import text_of
from tests.schools import BY, NOW, imported, judged

pytestmark = pytest.mark.django_db
AT = "/reports/schedules/"
HOST_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIHmBqlDAmFrcwFyQ8dbXVbkl4vwXzgEl2NBVQFZFLQcM"
ANA, BEN = (
    "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0",
)


@pytest.fixture
def coordinator(signed_in):
    return signed_in(Role.COORDINATOR)


@pytest.fixture
def housing(school) -> Destination:
    return a_destination(school.institution, name="Housing", pinned=HOST_KEY)


def a_schedule(school, destination=None, **plan) -> Schedule:
    values = {
        "name": f"Schedule {uuid.uuid4().hex[:6]}", "report_key": "student-detail", "contents": "delta",
        "place": Place(destination_id=destination.id if destination else None), "every_minutes": 15,
        "template": "students-{date:%Y%m%d-%H%M}-{n}.csv",
    }  # fmt: skip
    return actions.create_schedule(
        institution=school.institution, plan=SchedulePlan(**(values | plan)), by=BY, now=NOW
    )


def set_to(schedule, **values) -> None:
    with institution_scope(schedule.institution_id):
        Schedule.objects.filter(id=schedule.id).update(**values)


def deliver(schedule, number=1, **values) -> list[Delivery]:
    """Deliveries of a schedule, as they would be after a while."""
    given = {"state": DeliveryState.DELIVERED, "finished_at": NOW, "rows": 7, "size": 900, "tries": 1}
    given |= values
    name = given.pop("file_name", "")
    with institution_scope(schedule.institution_id):
        return Delivery.objects.bulk_create(
            Delivery(
                institution_id=schedule.institution_id, destination_id=schedule.destination_id, staff=schedule.staff,
                schedule_id=schedule.id, report_key=schedule.report_key, format=schedule.format,
                file_name=name or f"students-{uuid.uuid4()}.csv", requested_by="system:schedule",
                requested_at=NOW - timedelta(minutes=back), **given,
            )
            for back in range(number)
        )  # fmt: skip


def the(schedule) -> Schedule:
    with institution_scope(schedule.institution_id):
        return Schedule.objects.get(id=schedule.id)


def filled(destination, **more) -> dict:
    """What a browser sends for a new schedule."""
    values = {
        "s-name": "Housing, each morning", "s-report": "student-detail", "columns-of": "student-detail",
        "s-columns": "usual", "s-contents": "whole", "s-begin": "everything", "s-send_empty": "skip",
        "s-format": "csv", "s-template": "students-{date:%Y%m%d-%H%M}.csv", "s-header": "on", "s-neutralise": "on",
        "s-when": "calendar", "s-times": "06:00", "s-on": "every", "s-place": "destination",
        "s-destination": str(destination.id), "state": "active", "deed": "save",
    }  # fmt: skip
    return values | more


# --- who, and whose ------------------------------------------------------------------------------------------------


def test_only_those_who_may_schedule_reach_a_page_and_only_their_schools(
    signed_in, school, other_school, housing
):
    schedule, theirs = a_schedule(school, housing), None
    (delivery,) = deliver(schedule)
    theirs = a_schedule(other_school, a_destination(other_school.institution, pinned=HOST_KEY))
    pages = ["", "new/", "{0}/", "{0}/change/", "{0}/replay/", "{0}/delete/"]
    deeds = [
        "{0}/run/",
        "{0}/pause/",
        "{0}/resume/",
        "{0}/delete/",
        f"{{0}}/deliveries/{delivery.id}/resend/",
    ]
    nurse, coordinator = signed_in(Role.REVIEWER), signed_in(Role.COORDINATOR)
    for pattern in pages:
        assert nurse.get(AT + pattern.format(schedule.id)).status_code == 403, pattern
        assert coordinator.get(AT + pattern.format(schedule.id)).status_code == 200, pattern
        if "{0}" in pattern:
            assert coordinator.get(AT + pattern.format(theirs.id)).status_code == 404, pattern
    for pattern in [*deeds, "preview/"]:
        assert nurse.post(AT + pattern.format(schedule.id)).status_code == 403, pattern
    for pattern in deeds:
        assert coordinator.post(AT + pattern.format(theirs.id)).status_code == 404, pattern
    assert coordinator.post(f"{AT}{schedule.id}/eat/").status_code == 404
    assert theirs.name not in text_of(coordinator.get(AT))
    assert the(schedule).paused_at is None


# --- the list ------------------------------------------------------------------------------------------------------


def test_the_list_begins_with_health_and_can_be_narrowed(coordinator, school, housing):
    assert "No schedule yet" in text_of(coordinator.get(AT))
    well, stopped = (
        a_schedule(school, housing, name="Well"),
        a_destination(school.institution, pinned=HOST_KEY),
    )
    set_to(well, delivered_at=NOW)
    a_schedule(school, stopped, name="Gateway")
    doubt, rests = a_schedule(school, housing, name="Doubt"), a_schedule(school, housing, name="Rests")
    set_to(doubt, paused_at=NOW, paused_by="system:x", paused_for="in_doubt", next_at=None)
    actions.pause_schedule(schedule=rests, by=BY, now=NOW)
    failing = a_schedule(school, housing, name="Failing")
    deliver(failing, state=DeliveryState.WAITING, failure="connect_timeout", finished_at=None)
    with school.scope():
        Destination.objects.filter(id=stopped.id).update(stopped_at=NOW, stopped_for="host_key_changed")
    page = coordinator.get(AT)
    said = text_of(page)
    assert "3 schedules fail, or wait for somebody" in said
    assert "1 of 5" in said
    assert "1 is paused" in said
    for sentence_ in (PAUSES["in_doubt"], STOPS["host_key_changed"], sentence("connect_timeout")):
        assert str(sentence_) in unescape(said)
    for stands in ScheduleStanding:
        assert words.chip("schedule", stands) is not words.UNKNOWN
        assert stands in schedule_words.STANDINGS

    def listed(query: str) -> set[str]:
        return {row.name for row in coordinator.get(f"{AT}?{query}").context["page"].rows}

    everything = {"Well", "Gateway", "Doubt", "Rests", "Failing"}
    assert listed("state=nonsense&sort=nonsense") == everything
    assert listed("state=care") == {"Gateway", "Doubt", "Failing"}
    assert listed("state=paused") == {"Rests"}
    assert listed("state=ready") == {"Well"}
    assert listed("q=gate") == {"Gateway"}
    assert listed("report=student-detail") == everything
    assert "Nothing fits these filters" in text_of(coordinator.get(f"{AT}?q=zzz"))
    for sort in ("-name", "next", "-delivered", "report"):
        assert listed(f"sort={sort}") == everything
    assert f'href="{AT}"' in coordinator.get("/reports/").content.decode()
    assert f'href="{AT}"' in coordinator.get("/transfers/").content.decode()


def test_pages_take_a_fixed_number_of_queries(coordinator, school, housing):
    schedule, counts = a_schedule(school, housing), []
    deliver(schedule, 2)
    paths = (AT, f"{AT}?state=care", f"{AT}{schedule.id}/?sort=file_name")
    for round_ in range(2):
        for path in paths:
            with CaptureQueriesContext(connection) as made:
                assert coordinator.get(path).status_code == 200
            counts.append(len(made))
        deliver(schedule, 40)
        for number in range(4):
            there = a_destination(school.institution, name=f"There {round_} {number}", pinned=HOST_KEY)
            more = a_schedule(
                school,
                there,
                report_key=("student-detail", "compliance-summary")[number % 2],
                contents="whole",
            )
            deliver(more, state=DeliveryState.DELIVERED)
        staff = tuple(school.staff[role].id for role in (Role.COORDINATOR, Role.ADMINISTRATOR))
        a_schedule(school, place=Place(staff=staff))
    assert counts[0] <= counts[3] <= counts[0] + 1, "names of colleagues are one more query, once"
    assert counts[1:3] == counts[4:]


# --- the form ------------------------------------------------------------------------------------------------------


def test_a_report_as_it_is_shown_fills_the_form_in(coordinator, housing):
    page = coordinator.get(
        f"{AT}new/?report=student-detail&on_campus=yes&columns=student_id,mmr&title.student_id=EMPLID&sort=-student_id"
        f"&destination={housing.id}"
    )
    form, part = page.context["form"], page.context["part"]
    assert (part.rows[0].key, part.rows[0].own) == ("student_id", "EMPLID")
    assert part.parameters["on_campus"] == "yes"
    assert (form["sort"].value(), form["columns"].value()) == ("-student_id", "own")
    said = text_of(page)
    assert "student-detail-20260803-110000.csv" in said, "the real name, by the school's clock"
    assert said.count("Aug. 4, 2026, 6 a.m.") == 1
    assert "Ready" in said
    nothing = coordinator.get(f"{AT}new/?report=no-such-report")
    assert "Choose a report, and its filters and columns appear here." in text_of(nothing)


def test_a_schedule_is_made_with_all_that_the_form_says_and_shown_again_as_it_was_made(
    coordinator, school, housing
):
    sent = filled(
        housing, **{
            "s-columns": "own", "column": ["student_id", "last_name"], "title.student_id": "EMPLID",
            "width.student_id": "9", "s-contents": "delta", "s-begin": "now", "s-send_empty": "send",
            "s-format": "fixed",
            "s-sort": "-last_name", "s-dates": "%m/%d/%Y", "s-instants": "other", "s-own_instants": "%Y%m%d%H%M",
            "s-yes": "1", "s-no": "0", "s-cut": "on", "s-bom": "on", "s-times": "18:30, 06:00", "s-on": "days",
            "s-days": "last, 15 1", "s-weekdays": ["2"], "on_campus": "yes",
        }
    )  # fmt: skip
    del sent["s-neutralise"], sent["s-header"]
    answer = coordinator.post(f"{AT}new/", sent, follow=True)
    said = text_of(answer)
    assert "It runs by itself at its next time." in said
    assert "Nothing yet: the first file holds what changes from Aug. 3, 2026, 11 a.m. on." in said
    with school.scope():
        made = Schedule.objects.get()
    plan = plan_of(made)
    assert plan == SchedulePlan(
        name="Housing, each morning", report_key="student-detail", place=Place(destination_id=housing.id),
        format=Format.FIXED, parameters=plan.parameters, sort="-last_name",
        layout=Layout(
            (ChosenColumn("student_id", "EMPLID", 9), ChosenColumn("last_name")), "%m/%d/%Y", "%Y%m%d%H%M", ("1", "0"),
            header=False, cut=True,
        ),
        neutralise=False, bom=True, template="students-{date:%Y%m%d-%H%M}.csv", contents="delta", send_empty=True,
        calendar=Calendar((time(6), time(18, 30)), days=(-1, 1, 15)),
    )  # fmt: skip
    assert plan.parameters["on_campus"] == "yes"
    assert made.cursor

    # What the page shows, sent back as it is, changes nothing.
    page = coordinator.get(f"{AT}{made.id}/change/")
    form, part = page.context["form"], page.context["part"]
    back = {"columns-of": part.key, "deed": "save", "column": [row.key for row in part.rows]}
    back |= {f"title.{row.key}": row.own for row in part.rows} | {
        f"width.{row.key}": row.width for row in part.rows
    }
    back |= {field.key: list(field.values) for field in part.fields if field.widget != "range"}
    for field in form:
        if (value := field.value()) not in (None, False):
            back[field.html_name] = value
    answer = coordinator.post(f"{AT}{made.id}/change/", back, follow=True)
    assert "The schedule is saved." in text_of(answer)
    assert plan_of(the(made)) == plan

    # Another filter of a delta is saved, and what that means is said.
    answer = coordinator.post(f"{AT}{made.id}/change/", back | {"on_campus": "no"}, follow=True)
    assert "replay from an earlier date" in text_of(answer)


WRONG = {
    "nothing at all": (
        {"s-name": "", "s-place": "", "s-times": "", "s-template": "{x}"},
        ["name", "place", "times", "template"], "This field is required.",
    ),
    "a time that is none": ({"s-times": "25:00"}, ["times"], "Write times as hour and minute with a colon"),
    "minutes too few": (
        {"s-when": "minutes", "s-every_minutes": "4"}, ["every_minutes"], "Choose a number from 5 to 10080",
    ),
    "no day of the week": ({"s-on": "weekdays"}, ["weekdays"], "Choose a day."),
    "a day of the month that is none": ({"s-on": "days", "s-days": "32"}, ["days"], "from 1 to 31"),
    "no destination": ({"s-destination": ""}, ["destination"], "Choose a destination."),
    "nobody": ({"s-place": "staff"}, ["staff"], "Choose somebody."),
    "one word of two": ({"s-yes": "Y"}, ["no"], "Give both words, or neither."),
    "a way of writing dates that is none": (
        {"s-dates": "other", "s-own_dates": "%Q"}, ["own_dates"], "Begin with one of",
    ),
    "two columns of one name": (
        {"s-columns": "own", "column": ["student_id", "mmr"], "title.student_id": "A", "title.mmr": "a"},
        ["columns"], "Two columns are called",
    ),
    "files of one name": ({"s-template": "students.csv"}, ["template"], "would have the same name"),
    "a key that is none": ({"s-pgp_key": "hello"}, ["pgp_key"], "That is no OpenPGP public key."),
}  # fmt: skip


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(coordinator, school, housing):
    for name, (changed, fields, says) in WRONG.items():
        sent = filled(housing, **{"on_campus": "yes"} | changed)
        answer = coordinator.post(f"{AT}new/", sent)
        assert answer.status_code == 422, name
        assert sorted(answer.context["form"].errors) == sorted(fields), name
        said = unescape(text_of(answer))
        assert says in said, name
        assert "Nothing that you typed is lost." in said
        assert answer.context["part"].parameters["on_campus"] == "yes"
        for field in ("s-name", "s-template", "s-times"):
            assert answer.context["form"][field.removeprefix("s-")].value() == sent[field]
    with school.scope():
        assert not Schedule.objects.exists()


def test_a_destination_that_cannot_deliver_yet_is_told_of_before_and_refused(coordinator, school):
    unpinned = a_destination(school.institution, name="New one")
    sent = filled(unpinned)
    said = text_of(coordinator.post(f"{AT}preview/", sent))
    assert "Test the connection first, and trust the key that it shows." in said
    answer = coordinator.post(f"{AT}new/", sent)
    assert list(answer.context["form"].errors) == ["destination"]
    assert "needs a way to sign in, and a trusted host key" in unescape(text_of(answer))


def test_the_preview_names_the_file_and_reads_the_key(coordinator, housing):
    def said(**more) -> str:
        return unescape(text_of(coordinator.post(f"{AT}preview/", filled(housing, **more))))

    assert "students-20260803-1100.csv" in said()
    assert "knows {date}, {report} and {n}" in said(**{"s-template": "{x}"})
    wrong = said(**{"s-pgp_key": "hello"})
    assert "students-20260803-1100.csv.pgp" in wrong
    assert "That is no OpenPGP public key." in wrong
    refused = coordinator.post(f"{AT}new/", filled(housing, **{"s-pgp_key": "hello"}))
    assert unescape(text_of(refused)).count("That is no OpenPGP public key.") == 1, (
        "said once, beside its field"
    )
    key = said(**{"s-pgp_key": str(Tsk.generate("Housing <it@housing.example>").extract_certificate())})
    assert "Files are encrypted to: Housing <it@housing.example>" in key


def test_a_private_key_is_refused_and_not_sent_back(coordinator, housing):
    pasted = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nsecret\n-----END PGP PRIVATE KEY BLOCK-----"
    for deed in ("save", "report"):
        answer = coordinator.post(f"{AT}new/", filled(housing, **{"s-pgp_key": pasted, "deed": deed}))
        assert "PRIVATE KEY" not in answer.content.decode()


def test_buttons_of_the_form_work_without_script(coordinator, housing):
    """Choosing a report, and moving columns, are buttons that send the form and draw it again."""

    def columns(deed: str, **more) -> list[str]:
        answer = coordinator.post(f"{AT}new/", filled(housing, **{"deed": deed, "s-columns": "own"}, **more))
        assert answer.status_code == 200
        assert answer.context["form"]["name"].value() == "Housing, each morning"
        assert not answer.context["form"].errors
        return [row.key for row in answer.context["part"].rows]

    chosen = {"column": ["student_id", "last_name", "mmr"]}
    assert columns("up:mmr", **chosen) == ["student_id", "mmr", "last_name"]
    assert columns("down:student_id", **chosen) == ["last_name", "student_id", "mmr"]
    assert columns("remove:last_name", **chosen) == ["student_id", "mmr"]
    assert columns("add:first_name", **chosen) == ["student_id", "last_name", "mmr", "first_name"]
    assert columns("report", **chosen, **{"columns-of": "compliance-summary"})[0] == "package", (
        "another report's columns are forgotten"
    )
    answer = coordinator.post(
        f"{AT}new/", filled(housing, **{"deed": "report", "s-report": "compliance-summary"})
    )
    assert "this report cannot tell what changed" in text_of(answer)


def test_a_saved_report_can_be_scheduled_with_its_columns(coordinator, school, housing):
    mine = school.staff[Role.COORDINATOR]
    with school.scope():
        saved = save_report(
            institution=school.institution, name="For housing", description="", base="student-detail",
            parameters={"state": "active", "on_campus": "yes"}, layout=Layout((ChosenColumn("student_id", "ID"),)),
            sort="", shared_with=(), by=Actor("staff", str(mine.id)), now=NOW,
        )  # fmt: skip
    key = saved_key(saved.id)
    page = coordinator.get(f"{AT}new/?report={key}")
    form = page.content.decode()
    order = [
        form.index(f'value="{one}"')
        for one in ("calendar", "06:00", "every", "weekdays", "days", "minutes", "15")
    ]
    assert order == sorted(order), "what belongs to a choice stands under it"
    assert [(row.key, row.own) for row in page.context["part"].rows] == [("student_id", "ID")]
    assert page.context["part"].parameters["on_campus"] == "yes"
    sent = filled(housing, **{"s-report": key, "columns-of": key, "on_campus": ""})
    coordinator.post(f"{AT}new/", sent)
    with school.scope():
        made = Schedule.objects.get()
    assert made.report_key == key
    assert "on_campus" not in made.parameters, "an empty choice lifts what the saved report narrows"
    assert "For housing" in text_of(coordinator.get(AT))
    again = coordinator.get(f"{AT}{made.id}/change/")
    assert "on_campus" not in again.context["part"].parameters
    # Once it is deleted, that is said at once, not only when the schedule's time has come.
    delete_report(saved=saved, by=Actor("staff", str(mine.id)), now=NOW)
    for page in (AT, f"{AT}?state=report_gone", f"{AT}{made.id}/"):
        assert "Its report was deleted, so it can make no file." in text_of(coordinator.get(page))
    assert [row.name for row in coordinator.get(f"{AT}?state=report_gone").context["page"].rows] == [
        made.name
    ]


@pytest.mark.parametrize(
    ("read", "typed", "understood"),
    [
        (schedule_forms.read_times, "6:05;18:30, 18:30", (time(6, 5), time(18, 30))),
        (schedule_forms.read_days, "last 15,1", (1, 15, -1)),
    ],
    ids=["times", "days"],
)
def test_times_and_days_are_understood_as_people_write_them(read, typed, understood):
    assert read(typed) == understood


# --- one schedule --------------------------------------------------------------------------------------------------


def test_one_schedule_says_how_it_stands_and_what_was_delivered(coordinator, school, housing):
    imported(school.institution, ANA, BEN)
    schedule = a_schedule(school, housing, name="Housing, every 15 minutes")
    page = f"{AT}{schedule.id}/"
    assert "Nothing yet: the first file holds everything." in text_of(coordinator.get(page))
    said = text_of(coordinator.post(f"{page}run/", follow=True))
    assert "The file is on its way." in said
    assert "On its way" in said
    with school.scope():
        Delivery.objects.update(
            state=DeliveryState.DELIVERED, finished_at=NOW, rows=200, size=12_000, tries=2
        )
    set_to(schedule, delivered_at=NOW, cursor_at=NOW)
    deliver(schedule, 30)
    said = text_of(coordinator.get(page))
    assert "Everything up to Aug. 3, 2026, 11 a.m. is delivered." in said
    assert "1 to 25 of 31" in said
    assert "every 15 minutes" in said
    assert coordinator.get(page).content.decode().count("Aug. 3, 2026, 11 a.m.</time>") > 25
    failed = deliver(schedule, state=DeliveryState.FAILED, failure="write_no_room")[0]
    set_to(schedule, paused_at=NOW, paused_by="system:schedule", paused_for="in_doubt", next_at=None)
    said = text_of(coordinator.get(page))
    assert str(PAUSES["in_doubt"]) in said
    assert str(sentence("write_no_room")) in said
    assert "It arrived: go on after it" in said
    assert f"/deliveries/{failed.id}/retry/" not in coordinator.get(page).content.decode(), (
        "the answer decides"
    )
    assert "say so" in text_of(coordinator.post(f"{page}resume/", follow=True))


def test_pausing_resuming_deleting(coordinator, school, housing):
    schedule = a_schedule(school, housing)
    page = f"{AT}{schedule.id}/"
    said = text_of(coordinator.post(f"{page}pause/", follow=True))
    assert "It is paused." in said
    assert "Coordinator O’Neill" in said
    assert "Run now" not in said
    assert "Resume it first." in text_of(coordinator.post(f"{page}run/", follow=True))
    assert "It goes on from its next time." in text_of(coordinator.post(f"{page}resume/", follow=True))
    deliver(schedule, state=DeliveryState.WAITING, finished_at=None)
    assert "1 delivery that waits is cancelled" in text_of(coordinator.get(f"{page}delete/"))
    assert "The schedule is deleted." in text_of(coordinator.post(f"{page}delete/", follow=True))
    assert coordinator.get(page).status_code == 404


def test_sending_again_trying_again_and_cancelling(coordinator, school, housing, monkeypatch):
    schedule = a_schedule(school, housing)
    at = f"{AT}{schedule.id}/deliveries/"
    (delivered,) = deliver(schedule)
    said = text_of(coordinator.post(f"{at}{delivered.id}/resend/", follow=True))
    assert "files are kept for seven days" in said
    monkeypatch.setattr(actions, "file_is_kept", lambda delivery: True)
    assert "It is sent again as" in text_of(coordinator.post(f"{at}{delivered.id}/resend/", follow=True))
    assert "sent again" in text_of(coordinator.get(f"{AT}{schedule.id}/"))
    with school.scope():
        again = Delivery.objects.get(resends_id=delivered.id)
    assert "The delivery is cancelled." in text_of(coordinator.post(f"{at}{again.id}/cancel/", follow=True))
    assert "cannot be cancelled any more" in text_of(coordinator.post(f"{at}{again.id}/cancel/", follow=True))
    (failed,) = deliver(schedule, state=DeliveryState.FAILED, failure="folder_missing", size=None)
    monkeypatch.setattr(delivering, "_is_overtaken", lambda delivery: False)
    assert "It is tried again now." in text_of(coordinator.post(f"{at}{failed.id}/retry/", follow=True))
    assert coordinator.post(f"{at}{failed.id}/eat/").status_code == 404
    elsewhere = a_schedule(school, housing)
    assert coordinator.post(f"{AT}{elsewhere.id}/deliveries/{failed.id}/retry/").status_code == 404


def test_a_replay_says_first_how_many_rows_that_is(coordinator, school, housing, monkeypatch):
    imported(school.institution, ANA, BEN)
    judged(school.institution)
    schedule = a_schedule(school, housing)
    set_to(schedule, cursor=2**60, cursor_at=NOW, delivered_at=NOW)
    page = f"{AT}{schedule.id}/replay/"
    monkeypatch.setattr("pratique.reports.queries.changes_before", lambda: 2**60)
    said = text_of(coordinator.get(f"{page}?since=2026-08-01"))
    assert "2 rows changed since Aug. 1, 2026" in said
    assert the(schedule).cursor == 2**60, "looking changes nothing"
    for wrong, says in (("2026-08-09", "That day is still to come."), ("soon", "Choose a day.")):
        answer = coordinator.get(f"{page}?since={wrong}")
        assert answer.status_code == 422
        assert says in text_of(answer)
    said = text_of(coordinator.post(page, {"since": "2026-08-01"}, follow=True))
    assert "The next file begins with what changed since that day." in said
    assert the(schedule).cursor < 2**60


# --- the link ------------------------------------------------------------------------------------------------------


def test_a_mailed_link_leads_to_the_file_for_a_week_and_says_who_took_it(
    signed_in, school, other_school, monkeypatch
):
    mine = school.staff[Role.COORDINATOR]
    schedule = a_schedule(
        school, place=Place(staff=(mine.id,)), contents="whole", report_key="compliance-summary"
    )
    (delivery,) = deliver(schedule, file_name="compliance-20260803.csv")
    blob_store().put(
        institution_id=school.institution.id,
        name=delivering.stored_name(delivery.id),
        content=b"a,b\r\n1,2\r\n",
    )
    at = f"/reports/deliveries/{delivery.id}/"
    coordinator = signed_in(Role.COORDINATOR)
    said = text_of(coordinator.get(at))
    for part in (
        "Compliance summary by tracker",
        "compliance-20260803.csv",
        "Aug. 10, 2026, 11 a.m.",
        "Download",
    ):
        assert part in said
    answer = coordinator.get(f"{at}file/")
    assert answer.getvalue() == b"a,b\r\n1,2\r\n"
    assert "compliance-20260803.csv" in answer["Content-Disposition"]
    with school.scope():
        (taken,) = AuditEvent.objects.filter(action="delivery:link:downloaded")
    assert taken.by == f"staff:{mine.id}"

    assert signed_in(Role.REVIEWER).get(at).status_code == 403, "reviewers take no reports away"
    assert signed_in(Role.COORDINATOR, of=other_school).get(at).status_code == 404
    (no_link,) = deliver(a_schedule(school, a_destination(school.institution, pinned=HOST_KEY)))
    assert coordinator.get(f"/reports/deliveries/{no_link.id}/").status_code == 404

    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=7, seconds=1))
    said = text_of(coordinator.get(at))
    assert "The file is no longer kept" in said
    assert "Make the report anew" in said
    assert "no longer kept" in text_of(coordinator.get(f"{at}file/", follow=True))


def test_a_delta_begins_with_archived_students_and_a_whole_file_without(coordinator, school, housing):
    usual = '<option value="" selected>Active; archived too where only changes are sent</option>'
    assert usual in coordinator.get(f"{AT}new/?report=student-detail").content.decode()
    assert usual not in coordinator.get(f"{AT}new/?report=student-detail&state=archive").content.decode()
    asked = {"s-when": "minutes", "s-every_minutes": "15"}
    for name, given, kept in (
        ("Whole", {"s-contents": "whole", "state": ""}, "active"),
        ("Delta", {"s-contents": "delta", "state": ""}, "all"),
        ("Chosen", {"s-contents": "delta", "state": "active"}, "active"),
    ):
        answer = coordinator.post(f"{AT}new/", filled(housing, **asked, **given, **{"s-name": name}))
        assert answer.status_code == 302, name
        with institution_scope(school.institution.id):
            assert Schedule.objects.get(name=name).parameters["state"] == kept, name
    # A whole file's usual filter was chosen by nobody: as a delta it tells of the archived.
    with institution_scope(school.institution.id):
        whole, chosen = Schedule.objects.get(name="Whole"), Schedule.objects.get(name="Chosen")
    assert usual in coordinator.get(f"{AT}{whole.id}/change/").content.decode()
    assert usual not in coordinator.get(f"{AT}{chosen.id}/change/").content.decode()


def test_addresses_that_make_no_sense_are_no_trouble(coordinator, school, housing):
    a_schedule(school, housing)
    for address in (
        "?report=%00", "?q=%00&state=%00&sort=%00", "new/?report=%00", "new/?destination=x", "new/?account=%00",
        "new/?report=student-detail&sort=%00&columns=%00,x&title.x=%00", "new/?report=saved-x&state=%00",
    ):  # fmt: skip
        assert coordinator.get(AT + address).status_code == 200, address
