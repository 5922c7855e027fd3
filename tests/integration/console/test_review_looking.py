"""Looking at a case without taking it, safe cases by stretches of the list, pages turned, and who may be told what."""

import json
import uuid

import pytest

from pratique.accounts.roles import Role
from pratique.institutions.models import RequirementGroup
from pratique.records.models import Dose, Page, Submission
from pratique.reviews.queries import queue
from tests.integration.console.conftest import text_of
from tests.integration.reviews.situations import FIRST, PAPER, SECOND, TOO_EARLY, a_desk

pytestmark = pytest.mark.django_db


def send(client, address: str, **values):
    return client.post(address, json.dumps(values), content_type="application/json")


def test_a_case_is_looked_at_without_being_taken(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    page = nurse.get(f"/review/case/{case.id}/?look")
    assert "You are only looking." in text_of(page)
    assert 'data-deed="approve"' not in page.content.decode()
    assert 'data-deed="take"' in page.content.decode()
    with desk.scope():
        assert Submission.objects.get(id=case.id).claimed_by == ""
        assert Submission.objects.get(id=case.id).opened_at is None
    taken = send(nurse, f"/review/case/{case.id}/claim/")
    assert 'data-deed="approve"' in taken.content.decode()


def test_what_was_approved_before_stands_beside_the_case(nurse, desk):
    with desk.scope():
        desk.decide(desk.claimed(FIRST, TOO_EARLY))
        desk.decide(desk.claimed(PAPER, keys=("physical_exam",)))
        case = desk.sent(SECOND)
    page = text_of(nurse.get(f"/review/case/{case.id}/?look"))
    stands = page.split("On record already")[1].split("Messages")[0]
    # The dose that came too early stands there as what it is; a paper for another requirement does not.
    said = ["MMR", "M-M-R II May 1, 2007", "M-M-R II May 10, 2007", "Does not count"]
    assert stands.split()[: len(" ".join(said).split())] == " ".join(said).split()
    assert "15 days too early" in stands


def test_a_spare_dose_on_record_is_not_called_wrong(nurse, desk):
    with desk.scope():
        desk.decide(desk.claimed(FIRST, {**SECOND, "administered_on": "2015-03-01"}))
        case = desk.sent(SECOND)
    page = text_of(nurse.get(f"/review/case/{case.id}/?look"))
    assert "Mar 1, 2015" in page.replace("March", "Mar")
    assert "Does not count" not in page


def test_what_stands_already_is_not_said_to_come_of_the_case(nurse, desk):
    with desk.scope():
        desk.decide(desk.claimed(FIRST, SECOND))
        case = desk.sent()
    page = text_of(nurse.get(f"/review/case/{case.id}/?look"))
    assert "MMR is approved already" in page
    assert "would be approved" not in page


def test_a_first_case_has_nothing_on_record(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST, SECOND)
    assert "On record already" not in text_of(nurse.get(f"/review/case/{case.id}/?look"))


def test_a_student_s_page_leads_to_a_look_and_a_coordinator_s_nowhere(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    address = f"/students/{case.student_id}/"
    assert f'href="/review/case/{case.id}/?look"' in nurse.get(address).content.decode()
    coordinator = signed_in(Role.COORDINATOR)
    for page in (address, "/", "/review/reasons/", "/review/reasons/unreadable/"):
        said = coordinator.get(page).content.decode()
        assert 'href="/review/case/' not in said, page
        assert 'href="/review/"' not in said, page
        assert 'href="/review/pace/"' not in said, page


def test_looking_at_what_a_colleague_has_offers_nothing(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    signed_in(Role.ADMINISTRATOR).get(f"/review/case/{case.id}/")
    page = nurse.get(f"/review/case/{case.id}/?look").content.decode()
    assert 'data-deed="take"' not in page
    assert "A colleague is working on this case." in page


def test_safe_cases_are_found_by_stretches_of_the_list(nurse, desk, monkeypatch):
    monkeypatch.setattr(queue, "MOST_LOOKED_AT", 1)
    monkeypatch.setattr(queue, "_LOOKED_AT_ONCE", 1)
    with desk.scope():
        desk.sent(FIRST)  # not safe: a second dose is missing
        desk.sent(FIRST, SECOND, username="ben@x.edu")
    first = text_of(nurse.get("/review/?safe=1"))
    assert "0 safe cases" in first
    assert "cases 1 to 1 of 2 looked at" in first
    assert "None of these cases is safe" in first
    assert "Go on from case 2 of 2" in first
    second = text_of(nurse.get("/review/?safe=1&from=2"))
    assert "1 safe case" in second
    assert "Ben" in second
    assert "Go on" not in second
    for odd in ("0", "-1", "9999999", "x"):
        assert nurse.get(f"/review/?safe=1&from={odd}").status_code == 200


def test_the_queue_is_filtered_by_requirement_group(nurse, desk):
    with desk.scope():
        desk.sent(FIRST)
        groups = list(RequirementGroup.objects.all())
        with_tracker = [one for one in groups if one.tracker_set.exists()]
    found = {str(one.id): nurse.get(f"/review/?group={one.id}").context["page"].total for one in with_tracker}
    assert sorted(found.values(), reverse=True)[0] == 1
    assert sum(found.values()) == 1
    assert nurse.get(f"/review/?group={uuid.uuid4()}").context["page"].total == 0


def test_a_page_that_was_turned_stays_so(nurse, desk, other_school):
    with desk.scope():
        case = desk.sent(FIRST)
        page = case.page_set.first()
    assert nurse.post(f"/review/pages/{page.id}/turn/", {"turned": "90"}).status_code == 204
    with desk.scope():
        assert Page.objects.get(id=page.id).turned == 90
    assert 'data-turned="90"' in nurse.get(f"/review/case/{case.id}/").content.decode()
    for odd in ("45", "x", ""):
        assert nurse.post(f"/review/pages/{page.id}/turn/", {"turned": odd}).status_code == 400
    foreign = a_desk()
    with foreign.scope():
        other = foreign.sent(FIRST).page_set.first()
    assert nurse.post(f"/review/pages/{other.id}/turn/", {"turned": "90"}).status_code == 404
    with foreign.scope():
        assert Page.objects.get(id=other.id).turned == 0


def test_vaccines_are_looked_up_in_the_body_alone(nurse, desk):
    assert nurse.get("/review/products/?q=mmr").status_code == 405
    assert nurse.post("/review/products/?q=mmr").json() == {"options": []}
    assert nurse.post("/review/products/", {"q": "mmr"}).json()["options"]


def test_hostile_deeds_change_nothing(nurse, signed_in, desk):
    with desk.scope():
        case, other = desk.sent(FIRST, pages=2), desk.sent(SECOND, username="ben@x.edu", pages=2)
        own = Dose.objects.get(submission=case)
        strange = Dose.objects.get(submission=other)
        page = other.page_set.first()
        students = [str(one) for one in (case.student_id, uuid.uuid4())]
    foreign = a_desk()
    colleague = foreign.school.staff[Role.REVIEWER]
    address = f"/review/case/{case.id}/"
    nurse.get(address)

    def back(**values):
        piece = {"kind": "dose", "id": str(own.id), "approve": False, **values}
        return send(nurse, f"{address}decide/", decisions=[piece])

    def add(cvx, product, day):
        given = {"cvx": cvx, "product": product, "administered_on": day}
        return send(nurse, f"{address}add/", kind="dose", values=given)

    not_ours = [{"kind": "dose", "id": str(strange.id), "approve": True}]
    tried = [
        send(nurse, f"{address}decide/", decisions=not_ours),
        back(reason="no_such_reason"),
        back(reason=""),
        send(nurse, f"{address}undo/"),
        send(nurse, f"{address}split/", pages=[str(page.id)], requirement="physical_exam"),
        send(nurse, f"{address}split/", pages={"a": 1}, requirement="physical_exam"),
        add("99999", "x", "4 Mar 2007"),
        add("03", "M-M-R II", "4 Mar 2999"),
        send(nurse, f"{address}add/", kind="spell", values={}),
        send(nurse, f"{address}correct/", kind="dose", id=str(strange.id), values={"lot": "X"}),
        send(nurse, f"{address}correct/", kind="dose", id=str(own.id), values={"administered_on": "4 Mar 2999"}),
        *(send(nurse, f"{address}hand-over/", to=to) for to in (*students, str(colleague.id))),
        send(nurse, f"/review/case/{other.id}/decide/", decisions=not_ours),
    ]  # fmt: skip
    assert [answer.status_code for answer in tried] == [409] * len(tried)
    with desk.scope():
        assert set(Dose.objects.values_list("state", flat=True)) == {"pending"}
        assert Submission.objects.get(id=case.id).handed_to == ""
        assert Page.objects.filter(submission=other).count() == 2
    big = nurse.post(f"{address}decide/", b"{" + b" " * 10_000_000 + b"}", content_type="application/json")
    assert big.status_code in (400, 413)
    # A text with markup is text, and one of 5,000 characters is refused or cut, never an error.
    answer = back(reason="unreadable", text="<b>" + "x" * 5_000)
    assert answer.status_code in (200, 409)
    marked = back(reason="unreadable", text="<img src=x onerror=alert(1)>")
    assert marked.status_code in (200, 409)
    assert "<img src=x" not in nurse.get(address).content.decode()
    kept = nurse.post("/review/keep/", {"case": str(case.id)}).json()["lost"]
    assert str(case.id) in kept
    assert send(signed_in(Role.ADMINISTRATOR), f"{address}undo/").status_code == 409
