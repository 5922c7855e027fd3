"""The student's pages, from the first look at the list to the receipt, without scripts."""

import json
import re

import pytest

from pratique.records.models import Dose, Submission
from pratique.records.queries import submissions_of
from tests.schools import EXAM, MMR, requires
from tests.students import client_of, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def ana(place):
    return client_of(place, with_account(place, "ana@x.edu"))


def words(page):
    text = re.sub(r"<(script|template).*?</\1>", " ", page.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def started(client, way, key="mmr"):
    answer = client.post("/my/hand-in/", {"item": key, "way": way})
    assert answer.status_code == 302, answer
    return answer.headers["Location"]


def seen(page):
    return re.search(r'name="seen" value="([^"]*)"', page.content.decode())[1]


def dose(row="aa", vaccine="MMR II", day="4", month="3", year="2007", **more):
    return {
        "row": row,
        f"dose-{row}-vaccine": vaccine,
        f"dose-{row}-day": day,
        f"dose-{row}-month": month,
        f"dose-{row}-year": year,
    } | {f"dose-{row}-{name}": value for name, value in more.items()}


def two_doses(second="2010"):
    one, two = dose(year="2008"), dose("bb", year=second)
    return one | two | {"row": ["aa", "bb"]}


def test_the_list_says_what_is_missing(ana):
    page = ana.get("/my/")
    assert page.status_code == 200
    assert "0 of 2 done · due Aug. 10, 2026" in words(page), words(page)[150:600]
    assert "MMR: dose 1 of 2 is missing" in words(page) or "MMR: no dose" in words(page), words(page)


def test_one_record_is_sent_for_everything_that_it_may_show(ana, place):
    assert "Send my vaccine record" not in words(ana.get("/my/")), (
        "one vaccine is asked: there is nothing to join"
    )
    tdap = MMR | {"key": "tdap", "name": "Tdap", "rule": MMR["rule"] | {"vaccine": "Tdap", "cvx": ["115"]}}
    requires(place.institution, MMR, EXAM, tdap)
    assert "Send that once, for 2 requirements" in words(ana.get("/my/"))
    started(ana, "pages", key=["mmr", "tdap"])
    with place.scope():
        assert Submission.objects.get().requirement_keys == ["mmr", "tdap"]
    assert ana.post("/my/hand-in/", {"item": ["mmr", "nothing"], "way": "pages"}).status_code == 404
    assert ana.post("/my/hand-in/", {"way": "pages"}).status_code == 404


def test_the_requirement_says_what_satisfies_it_and_how_to_hand_in(ana, place):
    link = re.search(r'href="(/my/requirements/[^"]+/mmr/)"', ana.get("/my/").content.decode())[1]
    page = ana.get(link)
    assert "What satisfies it" in words(page)
    assert "Type dates of vaccines" in words(page)
    assert "28 days" in words(page)


def test_typed_doses_are_judged_saved_and_sent(ana, place):
    step = started(ana, "doses")
    page = ana.get(step)
    assert "MMR (measles, mumps, rubella)" in page.content.decode()
    answer = ana.post(step, two_doses() | {"seen": seen(page), "go": "next"})
    assert answer.status_code == 302, words(answer)
    page = ana.get(answer.headers["Location"])
    assert "Counts as dose 2 of MMR" in words(page)
    assert "you have done your part" in words(page)
    send = re.search(r'action="(/my/hand-in/[^"]+/send/)"', page.content.decode())[1]
    answer = ana.post(send, {"seen": seen(page), "note": "From my old doctor."})
    receipt = ana.get(answer.headers["Location"])
    assert "We have it" in words(receipt)
    assert words(receipt) == words(ana.get(answer.headers["Location"]))
    assert ana.post(send, {}).headers["Location"] == answer.headers["Location"]
    with place.scope():
        (sent,) = submissions_of(student_of(place, "ana@x.edu").id)
        assert (sent.note, Dose.objects.count()) == ("From my old doctor.", 2)
    assert "waiting for review" in words(ana.get("/my/")).lower()


def test_a_dose_too_early_says_when_another_helps(ana):
    step = started(ana, "doses")
    typed = dose(day="4", month="7", year="2026") | dose("bb", day="25", month="7", year="2026")
    page = ana.post(f"{step}check/", typed | {"row": ["aa", "bb"]})
    said = json.loads(page.content)
    assert "Counts as dose 1 of MMR" in said["parts"]["verdict-aa"]
    assert (
        "3 days too early: another dose is needed on or after Aug. 1, 2026" in said["parts"]["verdict-bb"]
    ), said
    assert said["kept"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param(dose(day="31", month="2"), "February 2007 has only 28 days", id="31 February"),
        pytest.param(dose(year="2027"), "This date is in the future", id="the future"),
        pytest.param(dose(year="2001"), "before your date of birth", id="before birth"),
        pytest.param(dose(year="07"), "four digits", id="two digits"),
        pytest.param(dose(vaccine="xyzzy"), "We do not know a vaccine", id="no such vaccine"),
        pytest.param(dose(vaccine="MMR"), "Which one of these is it?", id="several vaccines"),
        pytest.param(
            dose(day="04/03/2007", month="", year=""),
            "March 4, 2007 or April 3, 2007",
            id="pasted, two readings",
        ),
        pytest.param({"row": "aa"}, "Fill in the date of at least one dose", id="nothing"),
    ],
)
def test_what_is_wrong_names_the_field_and_the_remedy(ana, typed, says):
    step = started(ana, "doses")
    page = ana.post(step, typed | {"go": "next"})
    assert page.status_code == 422
    assert says in words(page)
    anchors = re.findall(r'<li><a href="#([^"]+)"', page.content.decode())
    assert anchors
    assert all(f'id="{anchor}"' in page.content.decode() for anchor in anchors)


def test_the_day_that_was_meant_is_taken(ana):
    step = started(ana, "doses")
    answer = ana.post(step, dose(day="04/03/2007", month="", year="", meant="2007-04-03") | {"go": "next"})
    assert "April 3, 2007" in words(ana.get(answer.headers["Location"]))


def test_a_second_window_is_told_and_loses_nothing(ana, place):
    step = started(ana, "doses")
    before = seen(ana.get(step))
    assert ana.post(step, dose("aa", year="2008") | {"seen": before, "go": "next"}).status_code == 302
    page = ana.post(step, dose("bb", year="2010") | {"seen": before, "go": "next"})
    assert page.status_code == 409
    assert "another window" in words(page)
    assert {"aa", "bb"} <= set(re.findall(r'name="row" value="(\w+)"', page.content.decode()))
    answer = ana.post(step, two_doses() | {"seen": seen(page), "go": "next"})
    assert answer.status_code == 302


def test_what_was_typed_after_another_window_sent_it_is_kept(ana, place):
    step = started(ana, "doses")
    page = ana.get(step)
    ana.post(step, dose("aa", year="2008") | {"seen": seen(page), "go": "next"})
    ana.post(step.replace("doses/", "send/"), {})
    answer = ana.post(step, two_doses() | {"seen": seen(page), "go": "next"})
    fresh = ana.get(answer.headers["Location"])
    assert "What you typed here was not part of it" in words(fresh)
    with place.scope():
        assert Submission.objects.count() == 2


def test_rows_come_and_go_without_scripts(ana):
    step = started(ana, "doses")
    page = ana.post(step, dose(year="2008") | {"go": "add:aa"})
    rows = re.findall(r'name="row" value="(\w+)"', page.content.decode().split("<template")[0])
    assert len(rows) == 2
    page = ana.post(step, dose(year="2008") | {"go": "remove:aa", "seen": seen(page)})
    assert "dose-aa-day" not in page.content.decode()


def test_the_record_can_be_taken_away(ana, place):
    step = started(ana, "doses")
    ana.post(step, two_doses() | {"go": "next"})
    ana.post(step.replace("doses/", "send/"), {})
    assert "M-M-R II" in words(ana.get("/my/record/")) or "MMR II" in words(ana.get("/my/record/"))
    taken = json.loads(ana.get("/my/record/record.json").content)
    assert [one["given_on"] for one in taken["doses"]] == ["2008-03-04", "2010-03-04"]
    pdf = ana.get("/my/record/record.pdf")
    assert pdf.content.startswith(b"%PDF")


def test_messages_go_both_ways(ana, place):
    page = ana.post("/my/messages/mmr/", {"body": "Is <b>this</b> enough?"}, follow=True)
    assert "&lt;b&gt;this&lt;/b&gt;" in page.content.decode()
    assert ana.post("/my/messages/mmr/", {"body": "  "}).status_code == 422
    assert "MMR" in words(ana.get("/my/messages/"))


def test_another_students_things_are_not_found(ana, place):
    step = started(ana, "doses")
    ben = client_of(place, with_account(place, "ben@x.edu"))
    for address in (
        step,
        step.replace("doses/", "summary/"),
        step.replace("hand-in", "handed-in").replace("doses/", ""),
    ):
        assert ben.get(address).status_code == 404, address
    link = re.search(r'href="(/my/requirements/[^"]+/mmr/)"', ana.get("/my/").content.decode())[1]
    assert ben.get(link).status_code == 404
