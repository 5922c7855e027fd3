"""Reports about where students stand: what is missing, completion, the days, what ends, the state's survey."""

import datetime

import pytest

from pratique.compliance.actions import note_day
from pratique.compliance.models import Item, RequirementDay, TrackerDay
from pratique.compliance.tasks import note_days
from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries
from pratique.rules import preset
from pratique.students.models import Membership
from tests.integration.reports.population import NOW, TODAY, a_school, answers, dose, exemption, paper, titer
from tests.integration.reports.seeded import BORN, GRADUATE
from tests.integration.reports.test_tables import NURSING, rows_of

pytestmark = pytest.mark.django_db
DEMO = {one["key"]: one for one in preset("demo")}
MMR, TDAP, EXAM = DEMO["mmr"], DEMO["tdap"], DEMO["physical_exam"]


def chart_of(school, key, **raw):
    with institution_scope(school.id):
        return queries.chart(key, queries.checked_parameters(key, raw), now=NOW)


@pytest.fixture
def school():
    """One student for each way of not being complete, under the real rules of MMR, Tdap and the exam."""
    school = a_school(requirements=(MMR, TDAP, EXAM))
    done = (
        dose("03", "2006-05-01"),
        dose("03", "2010-05-01"),
        dose("115", "2020-05-01"),
        paper("physical_exam", "2026-08-01"),
    )
    given = {
        "complete": done,
        "one dose short": (dose("03", "2026-08-20"), done[2], done[3]),
        "waits": (*done[:2], dose("115", "2020-05-01", "pending"), done[3]),
        "lapsed": (*done[:2], dose("115", "2016-08-20"), done[3]),
        "nothing": (),
    }  # fmt: skip
    for name, pieces in given.items():
        tracker = GRADUATE if name == "nothing" else NURSING
        school.hand_in(school.student(name, tracker=tracker, last_name=name, date_of_birth=BORN), *pieces)
    school.student("on no tracker", tracker=None)
    school.student("archived", state="archive", date_of_birth=BORN)
    school.judge()
    return school


def test_what_is_missing_is_said_in_words_item_by_item(school):
    found = {(row["username"], row["requirement"]): row for row in rows_of(school, "missing-items")}
    assert sorted(found) == [
        ("lapsed", "Tdap"), ("nothing", "MMR"), ("nothing", "Physical exam"), ("nothing", "Tdap"),
        ("one dose short", "MMR"), ("waits", "Tdap"),
    ]  # fmt: skip
    short, lapsed = found["one dose short", "MMR"], found["lapsed", "Tdap"]
    assert short["missing"].startswith(
        "MMR: dose 2 of 2 can be given on or after Sept. 17, 2026. Or: a positive titer"
    )
    assert (short["status"], short["next_action_on"]) == ("incomplete", datetime.date(2026, 9, 17))
    assert (short["overdue_days"], found["nothing", "MMR"]["overdue_days"]) == (22, None)
    assert "due by" in lapsed["missing"]
    # What has been asked for since August is asked today.
    assert lapsed["next_action_on"] == TODAY
    assert found["waits", "Tdap"]["missing"].startswith("Everything is handed in")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param({"status": "expired"}, ["lapsed"], id="by status"),
        pytest.param({"requirement": "MMR"}, ["nothing", "one dose short"], id="by requirement"),
        pytest.param({"overdue": "no"}, ["nothing"], id="not due yet"),
        pytest.param({"overdue": "yes", "requirement": "tdap"}, ["lapsed", "waits"], id="overdue, one requirement"),
        pytest.param({"state": "archive"}, ["archived"], id="archived ones"),
    ],
)  # fmt: skip
def test_missing_items_and_the_students_who_lack_them(school, raw, found):
    assert sorted({row["username"] for row in rows_of(school, "missing-items", **raw)}) == found
    listed = rows_of(school, "not-complete", **raw)
    assert sorted(row["username"] for row in listed) == found
    # Who is archived is told apart where archived ones can be among the rows.
    assert {row.get("state") for row in listed} == {raw.get("state")}
    assert {row["state"] for row in rows_of(school, "missing-items", state="all")} == {"active", "archive"}


def test_who_is_not_complete_is_one_row_with_a_list(school):
    found = {row["username"]: row for row in rows_of(school, "not-complete")}
    assert sorted(found) == ["lapsed", "nothing", "on no tracker", "one dose short", "waits"]
    assert found["nothing"]["open_requirements"] == "MMR; Tdap; Physical exam"
    assert (found["waits"]["open_items"], found["waits"]["to_do"]) == (1, 0)
    assert found["on no tracker"]["open_requirements"] is None
    chart = chart_of(school, "not-complete")
    assert list(chart.series[0].values) == [1, 3, 0, 1, 0]
    assert chart.summary == (
        "5 students are not complete; 3 lack one requirement only. "
        "Nothing is asked yet of 1 student, who may have no tracker."
    )


def test_completion_rates(school):
    found = {row["requirement"]: row for row in rows_of(school, "completion-rates")}
    assert list(found) == ["MMR", "Tdap", "Physical exam"]
    tdap = found["Tdap"]
    assert (tdap["items"], tdap["approved"], tdap["pending"], tdap["expired"], tdap["incomplete"]) == (
        5,
        2,
        1,
        1,
        1,
    )
    assert (tdap["percent_approved"], tdap["percent_handed_in"]) == (40.0, 60.0)
    (graduate,) = rows_of(school, "completion-rates", tracker=GRADUATE, requirement="mmr")
    assert (graduate["items"], graduate["percent_approved"]) == (1, 0.0)
    assert (
        "Most often approved: Physical exam (80%). Least often: Tdap (40%)."
        in chart_of(school, "completion-rates").summary
    )


def test_an_item_that_an_exemption_approves_is_counted_apart(school):
    school.hand_in(school.student("exempt", date_of_birth=BORN), exemption("medical", "mmr"))
    school.judge()
    found = {row["requirement"]: row["exempt"] for row in rows_of(school, "completion-rates")}
    assert found == {"MMR": 1, "Tdap": 0, "Physical exam": 0}


def days(school, **raw):
    return [
        (row["day"].day, row["students"], row["complete"])
        for row in rows_of(school, "compliance-over-time", sort="day", **raw)
    ]


def test_the_last_note_of_a_day_is_the_one_that_stays(school):
    other = a_school("theirs")
    yesterday = TODAY - datetime.timedelta(days=1)
    for day in (yesterday, TODAY):
        note_day(institution=school.institution, today=day, now=NOW)
    with institution_scope(school.id):
        noted = TrackerDay.objects.count(), RequirementDay.objects.count()
        Membership.objects.filter(student__username="complete").update(state="archive")
        Item.objects.filter(requirement_key="tdap", membership__student__username="nothing").delete()
    note_day(institution=school.institution, today=TODAY, now=NOW)
    with institution_scope(school.id):
        assert (TrackerDay.objects.count(), RequirementDay.objects.count()) == noted
        gone = RequirementDay.objects.get(
            day=TODAY, requirement_key="tdap", tracker=school.trackers[GRADUATE]
        )
        assert (gone.incomplete, gone.approved) == (0, 0)
    assert days(school) == [(31, 6, 1), (1, 5, 0)]
    assert days(school, tracker=NURSING, day_from="2026-09-01") == [(1, 3, 0)]
    assert days(other) == []


def test_a_day_is_noted_for_each_institution_at_its_own_date(school, monkeypatch):
    tokyo = a_school("tokyo")
    tokyo.student("a")
    with institution_scope(tokyo.id):
        tokyo.institution.time_zone = "Asia/Tokyo"
        tokyo.institution.save()
    monkeypatch.setattr(clock, "now", lambda: datetime.datetime(2026, 9, 1, 3, tzinfo=datetime.UTC))
    note_days(0)
    assert (days(school), days(tokyo)) == ([(31, 6, 1)], [(1, 1, 0)])


def test_compliance_over_time_is_drawn_and_told(school):
    for ago in (100, 30, 0):
        with institution_scope(school.id):
            Item.objects.filter(requirement_key="mmr").update(status="approved" if ago == 0 else "incomplete")
        note_day(institution=school.institution, today=TODAY - datetime.timedelta(days=ago), now=NOW)
    chart = chart_of(school, "compliance-over-time", requirement="MMR")
    # Ninety days, unless somebody asks for more.
    assert (chart.kind, list(chart.series[0].values)) == ("line", [0, 100])
    assert chart.summary == "0% on Aug. 2, 2026, 100% on Sept. 1, 2026."
    assert len(chart_of(school, "compliance-over-time", requirement="MMR", day_from="2026-01-01").labels) == 3
    by_tracker = chart_of(school, "compliance-over-time", by="tracker")
    assert {str(one.name): list(one.values) for one in by_tracker.series} == {
        GRADUATE: [0, 0], NURSING: [25, 25], "None Selected": [0, 0],
    }  # fmt: skip
    (row, *_others) = rows_of(school, "compliance-over-time", requirement="mmr")
    assert (row["items"], row["approved"], row["percent_approved"]) == (5, 5, 100.0)


@pytest.fixture
def ending():
    """Something that ends in 10 and in 40 days, or ended, of each kind."""
    school = a_school(requirements=(MMR, TDAP))

    def student(name, *pieces, **more):
        school.hand_in(school.student(name, date_of_birth=BORN, **more), *pieces)

    student("tdap, 10 days", dose("115", "2016-09-11"))
    student("tdap, 40 days", dose("115", "2016-10-11"))
    student("tdap, ended", dose("115", "2016-08-22"))
    student("exempt, 10 days", exemption("medical", "mmr", ends="2026-09-11"))
    student("exempt, ended", exemption("religious", "other", ends="2026-08-30"))
    student("exempt, no end", exemption("religious", "other"))
    student("exempt, waits", exemption("medical", "other", ends="2026-09-11", state="pending"))
    student("archived", dose("115", "2016-09-11"), exemption("medical", ends="2026-08-30"), state="archive")
    with institution_scope(school.id):
        for name, ends in (("tdap, 10 days", "2026-09-06"), ("exempt, no end", "2026-08-31")):
            Membership.objects.filter(student__username=name).update(expires_on=ends)
    school.judge()
    return school


def test_what_ends_soon_and_what_ended(ending):
    def told(key, **raw):
        return [
            (row["username"], row["what"], row["ends_on"].isoformat()) for row in rows_of(ending, key, **raw)
        ]

    soon = [
        ("tdap, 10 days", "registration", "2026-09-06"),
        ("exempt, 10 days", "exemption", "2026-09-11"),
        ("exempt, 10 days", "requirement", "2026-09-11"),
        ("tdap, 10 days", "requirement", "2026-09-11"),
    ]
    assert sorted(told("expiring")) == sorted(soon)
    assert told("expiring", days="5") == soon[:1]
    assert ("tdap, 40 days", "requirement", "2026-10-11") in told("expiring", days="40", what="requirement")
    assert told("expiring", what="exemption") == soon[1:2]
    assert sorted(told("expired")) == [
        ("exempt, ended", "exemption", "2026-08-30"),
        ("exempt, no end", "registration", "2026-08-31"),
        ("tdap, ended", "requirement", "2026-08-22"),
    ]
    assert told("expired", ended_from="2026-08-31") == [("exempt, no end", "registration", "2026-08-31")]
    assert (
        chart_of(ending, "expiring").summary
        == "Within 30 days: requirements 2, exemptions 1, registrations 1."
    )


def test_exemptions_by_kind_and_standing_and_never_in_the_students_words(ending):
    ending.hand_in(
        ending.student("secret", date_of_birth=BORN),
        exemption("other", "mmr", statement="Our private reasons"),
    )
    found = {row["username"]: row for row in rows_of(ending, "exemptions")}
    assert {name: row["standing"] for name, row in found.items()} == {
        "exempt, 10 days": "in_force", "exempt, ended": "ended", "exempt, no end": "in_force",
        "exempt, waits": "pending", "secret": "in_force",
    }  # fmt: skip
    assert "private" not in repr(found)
    with institution_scope(ending.id):
        assert not [one for one in queries.columns("exemptions", {}, now=NOW) if "statement" in one.sql]
    ten = found["exempt, 10 days"]
    assert (ten["requirement"], ten["kind"], ten["has_document"]) == ("MMR", "medical", True)
    medical = rows_of(ending, "exemptions", kind="medical", expires_to="2026-09-30")
    assert sorted(row["username"] for row in medical) == ["exempt, 10 days", "exempt, waits"]
    counted = {(row["requirement"], row["kind"]): row for row in rows_of(ending, "exemption-summary")}
    religious = counted["other", "religious"]
    assert (religious["students"], religious["in_force"], religious["ended"]) == (2, 1, 1)
    assert chart_of(ending, "exemptions").summary == (
        "5 exemptions, 3 in force (1 medical, 1 religious, 1 other)."
    )


SURVEY = {
    # name: (evidence, MMR, Tdap, all)
    "both": ((dose("03", "2006-05-01"), dose("03", "2010-05-01"), dose("115", "2020-05-01")),
             "up_to_date", "up_to_date", "up_to_date"),
    "by titer": ((*(titer(one, "positive") for one in ("measles", "mumps", "rubella")), dose("115", "2020-05-01")),
                 "up_to_date", "up_to_date", "up_to_date"),
    "exempt from one": ((exemption("medical", "mmr"), dose("115", "2020-05-01")), "medical", "up_to_date", "medical"),
    "exempt from one, lacks the other": ((exemption("religious", "mmr"),), "religious", "no_record", "religious"),
    "both kinds": ((exemption("religious", "mmr"), exemption("medical", "tdap")), "religious", "medical", "medical"),
    "waits": ((dose("03", "2006-05-01"), dose("03", "2010-05-01"), dose("115", "2020-05-01", "pending")),
              "up_to_date", "in_process", "in_process"),
    "next dose not yet possible": ((dose("03", "2026-08-20"), dose("115", "2020-05-01")),
                                   "in_process", "up_to_date", "in_process"),
    "next dose long possible": ((dose("03", "2016-08-20"), dose("115", "2020-05-01")),
                                "overdue", "up_to_date", "overdue"),
    "lapsed": ((dose("03", "2006-05-01"), dose("03", "2010-05-01"), dose("115", "2016-05-01")),
               "up_to_date", "overdue", "overdue"),
    "a form and an exam are no record": ((paper("physical_exam", "2026-08-01"), answers("tb_questionnaire", {})),
                                         "no_record", "no_record", "no_record"),
    "no record": ((), "no_record", "no_record", "no_record"),
    "no record of one": ((dose("03", "2006-05-01"), dose("03", "2010-05-01")), "up_to_date", "no_record", "overdue"),
}  # fmt: skip


def test_the_survey_counts_each_student_once_in_each_line():
    school = a_school(requirements=(MMR, TDAP, EXAM))
    for name, (pieces, *_standings) in SURVEY.items():
        school.hand_in(school.student(name, date_of_birth=BORN, attributes={"grade": name}), *pieces)
    school.student("too old to be asked", tracker=None, attributes={"grade": "too old"})
    school.judge()
    rows = rows_of(school, "state-survey")
    standings = [
        str(key) for key in rows[0] if key not in ("level", "vaccine", "enrolled", "percent_up_to_date")
    ]
    for row in rows:
        assert sum(row[one] for one in standings) == row["enrolled"] == 1
    found = {(row["level"], row["vaccine"]): next(one for one in standings if row[one]) for row in rows}
    for name, (_pieces, mmr, tdap, everything) in SURVEY.items():
        of_all = found[name, "All required vaccines"]
        assert (found[name, "MMR"], found[name, "Tdap"], of_all) == (mmr, tdap, everything), name
    assert found["too old", "All required vaccines"] == "not_required"
    assert {vaccine for _level, vaccine in found} == {"All required vaccines", "MMR", "Tdap"}


def test_the_survey_by_grade_else_by_age_on_a_day():
    school = a_school(requirements=(MMR,))
    school.student("seventh", attributes={"grade": "7"}, date_of_birth=datetime.date(2014, 3, 1))
    school.student("kindergarten", attributes={"grade": "K"})
    school.student("eighteen in October", date_of_birth=datetime.date(2008, 10, 1))
    school.student("eighteen", date_of_birth=datetime.date(2008, 9, 1))
    school.student("nothing known")
    school.judge()

    def levels(**raw):
        rows = [row for row in rows_of(school, "state-survey", **raw) if row["vaccine"] != "MMR"]
        return [(row["level"], row["enrolled"]) for row in rows]

    assert levels() == [("K", 1), ("7", 1), ("17 years", 1), ("18 years", 1), (None, 1)]
    assert levels(level="age", age_on="term") == [("12 years", 1), ("17 years", 2), (None, 2)]
    assert levels(level="all") == [("All students", 5)]
    assert chart_of(school, "state-survey").summary == "All required vaccines, 5 students: 5 no record."
