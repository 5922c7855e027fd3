"""The review pages: who reaches them, what each state of a case shows, and what every deed answers."""

import json
import uuid

import pytest

from pratique.accounts.roles import STAFF_ROLES, Role
from pratique.foundation import audit
from pratique.foundation.audit import Actor
from pratique.records.actions import drafts
from pratique.records.models import Dose, EvidenceState, Submission
from pratique.reviews.actions import claiming
from pratique.reviews.models import Message
from tests.integration.console.conftest import text_of
from tests.integration.reviews.situations import (
    EXEMPT,
    FIRST,
    NURSE,
    SECOND,
    STUDENT,
    TOO_EARLY,
    Desk,
    a_desk,
    add_pages,
)
from tests.schools import NOW

pytestmark = pytest.mark.django_db


def me(desk: Desk) -> Actor:
    return Actor("staff", str(desk.school.staff[Role.REVIEWER].id))


def send(client, address: str, **values):
    return client.post(address, json.dumps(values), content_type="application/json")


REVIEWERS = {Role.REVIEWER, Role.ADMINISTRATOR}
REASONS = {Role.COORDINATOR, Role.ADMINISTRATOR}
GETS = [
    ("/review/", REVIEWERS),
    ("/review/case/{case}/", REVIEWERS),
    ("/review/pace/", REVIEWERS),
    ("/review/reasons/", REASONS),
    ("/review/reasons/add/", REASONS),
    ("/review/reasons/unreadable/", REASONS),
]
POSTS = [
    ("/review/start/", REVIEWERS),
    ("/review/next/", REVIEWERS),
    ("/review/keep/", REVIEWERS),
    ("/review/release/", REVIEWERS),
    ("/review/products/", REVIEWERS),
    ("/review/pages/{page}/turn/", REVIEWERS),
    ("/review/bulk/", REVIEWERS),
    ("/review/bulk/approve/", REVIEWERS),
    ("/review/reasons/unreadable/retire/", REASONS),
    ("/students/{student}/messages/", REVIEWERS),
    *(
        (f"/review/case/{{case}}/{deed}/", REVIEWERS)
        for deed in (
            "claim", "decide", "undo", "correct", "add", "remove", "split", "hand-over", "second-opinion", "message",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_who_may_open_and_do_what(role, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
        ids = {"case": case.id, "student": case.student_id, "page": case.page_set.first().id}
    client = signed_in(role)
    for address, allowed in GETS:
        got = client.get(address.format(**ids)).status_code
        assert (got == 200) == (role in allowed), address
        assert got in (200, 403), address
    for address, allowed in POSTS:
        got = client.post(address.format(**ids)).status_code
        assert (got != 403) == (role in allowed), address
        assert got < 500, address


def test_another_school_s_case_is_not_found(nurse, other_school):
    foreign = a_desk()
    with foreign.scope():
        case = foreign.sent(FIRST)
    assert nurse.get(f"/review/case/{case.id}/").status_code == 404
    assert send(nurse, f"/review/case/{case.id}/decide/").status_code == 404


def test_a_draft_is_the_student_s_own(nurse, desk):
    with desk.scope():
        draft = desk.draft(FIRST)
    assert nurse.get(f"/review/case/{draft.id}/").status_code == 404


def test_a_picture_asked_for_without_its_case_leaves_a_row_and_with_it_no_second(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
        (page,) = add_pages(case)

    def rows():
        with desk.scope():
            return audit.about("student", case.student_id).filter(action="reviews:case:viewed").count()

    for _ in range(2):
        nurse.get(f"/review/pages/{page.id}/")
        assert rows() == 1
    administrator = signed_in(Role.ADMINISTRATOR)
    administrator.get(f"/review/case/{case.id}/")
    administrator.get(f"/review/pages/{page.id}/thumbnail/")
    assert rows() == 2


def test_a_draft_that_was_thrown_away_is_nobody_s_to_read(nurse, desk):
    with desk.scope():
        draft = desk.draft(FIRST)
        drafts.discard_draft(submission_id=draft.id, by=STUDENT, now=NOW)
    assert nurse.get(f"/review/case/{draft.id}/").status_code == 404


def test_values_that_are_no_values_are_missing_values(nurse, desk):
    with desk.scope():
        case = desk.claimed(FIRST, by=me(desk))
    for values in ([1], "text", 1):
        answer = send(nurse, f"/review/case/{case.id}/add/", kind="dose", values=values)
        assert (answer.status_code, answer.json()["code"]) == (409, "piece"), values


def test_an_empty_queue_says_so(nurse, desk):
    said = text_of(nurse.get("/review/"))
    assert "The queue is empty." in said
    assert "Start reviewing" not in said
    assert "Nothing waits" in text_of(nurse.post("/review/next/"))
    assert nurse.post("/review/start/").headers["Location"] == "/review/"


def test_the_queue_lists_filters_and_sorts(nurse, desk):
    with desk.scope():
        ana = desk.sent(FIRST, SECOND)
        desk.sent(EXEMPT, username="ben@x.edu", pages=0)
    page = nurse.get("/review/")
    assert [row.student_name for row in page.context["page"].rows] == ["Ana Nunez", "Ben Okafor"]
    assert "It holds an exemption, which a person has to read." in text_of(page)
    found = {
        query: [row.student_name.split()[0] for row in nurse.get(f"/review/?{query}").context["page"].rows]
        for query in (
            "safe=1", "q=okafor", f"q={ana.number}", "requirement=physical_exam", "age=1", "due=14", "view=handed",
            "view=second", "view=team&sort=-student", "sort=nonsense&tracker=nonsense&view=nonsense",
        )
    }  # fmt: skip
    assert found == {
        "safe=1": ["Ana"], "q=okafor": ["Ben"], f"q={ana.number}": ["Ana"], "requirement=physical_exam": [],
        "age=1": [], "due=14": ["Ana"], "view=handed": [], "view=second": [], "view=team&sort=-student": ["Ben", "Ana"],
        "sort=nonsense&tracker=nonsense&view=nonsense": ["Ana", "Ben"],
    }  # fmt: skip


def test_a_case_opens_with_the_machine_s_verdict_and_is_claimed(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST, TOO_EARLY)
    page = nurse.get(f"/review/case/{case.id}/")
    said = text_of(page)
    assert "Ana Nunez" in said
    assert "born" in said
    assert "Does not count" in said
    assert "blob:" in page.headers["Content-Security-Policy"]
    assert "blob:" not in nurse.get("/review/").headers["Content-Security-Policy"]
    with desk.scope():
        assert Submission.objects.get(id=case.id).claimed_by == str(me(desk))


def test_a_colleague_s_case_is_for_reading(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    signed_in(Role.ADMINISTRATOR).get(f"/review/case/{case.id}/")
    page = nurse.get(f"/review/case/{case.id}/")
    assert "is working on this case, until" in text_of(page)
    assert 'data-deed="approve"' not in page.content.decode()
    assert 'data-deed="take-over"' not in page.content.decode()
    refused = send(nurse, f"/review/case/{case.id}/claim/", over=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yours")


def test_what_was_taken_back_shows_nothing_of_it(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST)
        desk.withdraw(case)
    said = text_of(nurse.get(f"/review/case/{case.id}/"))
    assert "The student has taken this back." in said
    assert "M-M-R II" not in said


STATES = [
    ({"pages": 0}, "No document was handed in: everything was typed."),
    ({"pages": 1}, "Page 1"),
    ({"pages": 20}, "Page 20"),
]


@pytest.mark.parametrize(("options", "sentence"), STATES, ids=["typed only", "one page", "twenty pages"])
def test_the_document_in_each_state(nurse, desk, options, sentence):
    with desk.scope():
        case = desk.sent(FIRST, **options)
    assert sentence in nurse.get(f"/review/case/{case.id}/").content.decode()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("checking", "The document is still being checked."),
        ("refused", "The file was refused, so there is no page"),
    ],
)
def test_a_file_that_cannot_be_looked_at(nurse, desk, state, sentence):
    with desk.scope():
        case = desk.sent(FIRST, pages=0)
        (page,) = add_pages(case, state=state)
        page.delete()
    assert sentence in text_of(nurse.get(f"/review/case/{case.id}/"))


def test_an_exemption_s_statement_is_shown_to_whoever_may_read_it(nurse, desk):
    with desk.scope():
        case = desk.sent(EXEMPT, pages=0)
    assert "Private." in text_of(nurse.get(f"/review/case/{case.id}/"))


def test_decide_undo_and_a_second_decision(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST, SECOND)
        doses = list(Dose.objects.order_by("administered_on"))
    address = f"/review/case/{case.id}/"
    nurse.get(address)
    decisions = [
        {"kind": "dose", "id": str(doses[0].id), "approve": True},
        {
            "kind": "dose",
            "id": str(doses[1].id),
            "approve": False,
            "reason": "unreadable",
            "text": "The stamp.",
        },
    ]
    decided = send(nurse, f"{address}decide/", decisions=decisions, seconds=7)
    assert decided.json() == {"number": case.number, "undo_seconds": 10}
    again = send(signed_in(Role.ADMINISTRATOR), f"{address}decide/", decisions=decisions)
    assert (again.status_code, again.json()["sentence"]) == (409, "This was decided already.")
    with desk.scope():
        assert [dose.state for dose in Dose.objects.order_by("administered_on")] == ["approved", "rejected"]
    undone = send(nurse, f"{address}undo/")
    assert 'data-deed="approve"' in undone.content.decode()
    with desk.scope():
        assert set(Dose.objects.values_list("state", flat=True)) == {EvidenceState.PENDING}


UNREADABLE = {
    "a list": b"[]",
    "no json": b"nonsense",
    "a text": b'"text"',
    "half a character": rb'{"note": "\ud800"}',
    "no number": b'{"seconds": NaN}',
    "a number without end": b'{"seconds": 1e999}',
    "deeper than anything": b'{"decisions": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_refused(nurse, desk, body):
    with desk.scope():
        case = desk.sent(FIRST)
    answer = nurse.post(f"/review/case/{case.id}/decide/", body, content_type="application/json")
    assert answer.status_code == 400


ODD = [
    {"decisions": "all"},
    {"decisions": [1, None]},
    {"decisions": [{"kind": "dose", "id": "no id", "approve": "yes"}], "seconds": "many"},
    {"decisions": [{"kind": None, "id": None}], "seconds": True},
]


@pytest.mark.parametrize("values", ODD, ids=["text", "numbers", "no id", "nothing"])
def test_odd_decisions_change_nothing(nurse, desk, values):
    with desk.scope():
        case = desk.sent(FIRST)
    nurse.get(f"/review/case/{case.id}/")
    assert send(nurse, f"/review/case/{case.id}/decide/", **values).status_code == 409


def test_correct_add_and_remove(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST, keys=("mmr",))
        dose = Dose.objects.get()
    address = f"/review/case/{case.id}/"
    nurse.get(address)
    fixed = send(
        nurse, f"{address}correct/", kind="dose", id=str(dose.id), values={"administered_on": "2 May 2007"}
    )
    assert "Date as handed in" in text_of(fixed)
    wrong = send(
        nurse, f"{address}correct/", kind="dose", id=str(dose.id), values={"administered_on": "04/05/2007"}
    )
    assert (wrong.status_code, wrong.json()["problems"][0][0]) == (409, "administered_on")
    added = send(
        nurse,
        f"{address}add/",
        kind="dose",
        values={"cvx": "03", "product": "M-M-R II", "administered_on": "May 2010"},
    )
    assert "added here" in text_of(added)
    with desk.scope():
        dose.refresh_from_db()
        assert dose.administered_on.isoformat() == "2007-05-02"
        mine = Dose.objects.get(source="reviewer")
    assert "added here" not in text_of(send(nurse, f"{address}remove/", kind="dose", id=str(mine.id)))
    refused = send(nurse, f"{address}remove/", kind="dose", id=str(dose.id))
    assert refused.json()["code"] == "students_own"


def test_split_pages_to_another_requirement(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST, pages=2)
        page = case.page_set.order_by("position").last()
    address = f"/review/case/{case.id}/"
    nurse.get(address)
    assert send(nurse, f"{address}split/", pages=[str(page.id)], requirement="nonsense").status_code == 409
    assert (
        send(nurse, f"{address}split/", pages=[str(page.id)], requirement="physical_exam").status_code == 200
    )
    with desk.scope():
        assert Submission.objects.filter(requirement_keys=["physical_exam"]).count() == 1


def test_hand_over_and_second_opinion(nurse, signed_in, desk):
    with desk.scope():
        case, other = desk.sent(FIRST), desk.sent(FIRST, username="ben@x.edu")
    address = f"/review/case/{case.id}/"
    nurse.get(address)
    assert send(nurse, f"{address}hand-over/", to="nobody").json()["code"] == "nobody"
    admin = desk.school.staff[Role.ADMINISTRATOR]
    assert send(nurse, f"{address}hand-over/", to=str(admin.id), note="The stamp?").status_code == 200
    assert "The stamp?" in text_of(signed_in(Role.ADMINISTRATOR).get(address))
    nurse.get(f"/review/case/{other.id}/")
    assert send(nurse, f"/review/case/{other.id}/second-opinion/", note="Look").status_code == 200
    assert "somebody else decides it" in text_of(nurse.get(f"/review/case/{other.id}/"))


def test_a_message_is_written_about_the_case(nurse, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    nurse.get(f"/review/case/{case.id}/")
    sent = send(nurse, f"/review/case/{case.id}/message/", requirement="mmr", body="Is this yours?")
    assert "Is this yours?" in text_of(sent)
    with desk.scope():
        assert Message.objects.get().requirement_key == "mmr"
    assert send(nurse, f"/review/case/{case.id}/message/", body=" ").status_code == 409


def test_the_next_case_comes_claimed_and_is_kept_and_given_back(nurse, signed_in, desk):
    with desk.scope():
        first, second = desk.sent(FIRST), desk.sent(FIRST, username="ben@x.edu")
    nurse.get(f"/review/case/{first.id}/")
    part = nurse.post("/review/next/", {"after": str(first.id)}).content.decode()
    assert f'data-case="{second.id}"' in part
    assert "<html" not in part
    assert nurse.post("/review/keep/", {"case": [str(first.id), str(second.id)]}).json() == {"lost": {}}
    assert nurse.post("/review/release/", {"case": str(second.id)}).status_code == 204
    assert nurse.post("/review/keep/", {"case": str(second.id)}).json() == {"lost": {}}
    nurse.post("/review/release/", {"case": [str(first.id), "nonsense"]})
    signed_in(Role.ADMINISTRATOR).get(f"/review/case/{first.id}/")
    assert list(nurse.post("/review/keep/", {"case": str(first.id)}).json()["lost"]) == [str(first.id)]


def test_bulk_approval_shows_first_and_leaves_what_changed(nurse, desk):
    with desk.scope():
        ana = desk.sent(FIRST, SECOND)
        ben = desk.sent(FIRST, SECOND, username="ben@x.edu")
    chosen = {"case": [str(ana.id), str(ben.id), str(uuid.uuid4()), "nonsense"]}
    preview = text_of(nurse.post("/review/bulk/", chosen))
    assert "Approve 2 cases?" in preview
    assert "M-M-R II" in preview
    assert "1 case does not wait any more." in preview
    with desk.scope():
        claiming.claim(submission_id=ben.id, by=NURSE, now=NOW)
    done = text_of(nurse.post("/review/bulk/approve/", chosen, follow=True))
    assert "1 case is approved." in done
    assert f"{ben.number} was left" in done
    assert nurse.post("/review/bulk/", {}).headers["Location"] == "/review/"


def test_reasons_are_added_reworded_and_retired(signed_in, desk):
    client = signed_in(Role.COORDINATOR)
    assert "Return reasons" in text_of(client.get("/review/reasons/"))
    values = {
        "name": "Blurred stamp",
        "place": "1",
        "wording_en": "We cannot read the stamp.",
        "wording_es": "",
    }
    assert client.post("/review/reasons/add/", values).status_code == 302
    said = text_of(client.get("/review/reasons/"))
    assert "Blurred stamp" in said
    assert "Not there yet" in said
    assert "required" in text_of(client.post("/review/reasons/add/", {**values, "name": ""})).lower()
    client.post("/review/reasons/blurred_stamp/retire/")
    assert "1 retired reason" in text_of(client.get("/review/reasons/"))
    assert "always stays" in text_of(client.post("/review/reasons/other/retire/", follow=True))
    assert client.get("/review/reasons/nonsense/").status_code == 404


def test_pace_of_oneself_and_the_team(nurse, desk):
    assert "Nobody decided anything" in text_of(nurse.get("/review/pace/"))
    with desk.scope():
        case = desk.claimed(FIRST, by=me(desk), at=NOW)
        desk.decide(case, by=me(desk), now=NOW, seconds=12)
        desk.sent(FIRST, username="ben@x.edu")
    said = text_of(nurse.get("/review/pace/"))
    assert "1 case waits" in said
    assert "(you)" in said
    assert "12" in said


def test_the_student_s_page_shows_cases_and_answers_messages(nurse, signed_in, desk):
    with desk.scope():
        case = desk.sent(FIRST)
    address = f"/students/{case.student_id}/"
    assert case.number in text_of(nurse.get(address))
    assert nurse.post(f"{address}messages/", {"body": "Hello"}).status_code == 302
    assert "Hello" in text_of(nurse.get(address))
    assert "Write something first." in text_of(nurse.post(f"{address}messages/", {"body": ""}, follow=True))
    assert "Hello" in text_of(signed_in(Role.COORDINATOR).get(address))
