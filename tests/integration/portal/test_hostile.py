"""What no browser of ours sends: other people's ids, too much, letters that no database keeps, what was not offered.

Nothing of it is an error of the server, nothing is lost without a word, and nobody sees another student's things.
"""

import re

import pytest

from pratique.foundation.ids import new_id
from pratique.records import forms
from pratique.records.actions.forms import define_form
from pratique.records.models import Exemption, Submission
from pratique.students.models import Membership
from tests.integration.portal.test_pages import dose, seen, started, two_doses, words
from tests.schools import BY, EXAM, MMR, NOW, TODAY, judged, requires
from tests.students import client_of, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")

NUL, SURROGATE = "a\0b", "a\ud800b"
EVERY_WAY = MMR | {
    "rule": {
        "kind": "any_of",
        "rules": [
            MMR["rule"],
            {"kind": "titer", "antibodies": ["measles", "mumps"]},
            {"kind": "document", "document": "immunization_record"},
            {"kind": "form", "form": "tb_questionnaire", "questions": ["tb_risk"], "signature": True},
        ],
    },
    "exemptions": [{"exemption": "religious", "needs_document": False}],
}


@pytest.fixture
def ana(place):
    with place.scope():
        form = forms.ready("tb_questionnaire")
        define_form(institution_id=place.institution.id, definition=form, by=BY, now=NOW)
    requires(place.institution, EVERY_WAY, EXAM, applies_from=TODAY)
    judged(place.institution)
    client = client_of(place, with_account(place, "ana@x.edu"))
    client.raise_request_exception = False
    return client


def encoded(values: dict) -> bytes:
    """A form's body with the letters as they are, lone surrogates too."""
    from urllib.parse import quote

    pairs = [
        (name, one)
        for name, given in values.items()
        for one in (given if isinstance(given, list) else [given])
    ]
    return "&".join(f"{quote(name)}={quote(one, errors='surrogatepass')}" for name, one in pairs).encode()


def posted(client, address, values):
    return client.post(address, encoded(values), content_type="application/x-www-form-urlencoded")


ADDRESSES = (
    "hand-in/{}/doses/", "hand-in/{}/doses/check/", "hand-in/{}/summary/", "hand-in/{}/send/", "hand-in/{}/discard/",
    "handed-in/{}/", "handed-in/{}/change/", "handed-in/{}/take-back/", "handed-in/{}/confidential/",
    "submissions/{}/files/", "submissions/{}/pages/", "submissions/{}/uploads/",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("state", ["draft", "sent"])
def test_another_students_submission_is_not_there(ana, place, address, state):
    step = started(ana, "doses")
    ana.post(step, two_doses() | {"go": "next"})
    if state == "sent":
        ana.post(step.replace("doses/", "send/"), {})
    with place.scope():
        mine = Submission.objects.get()
    ben = client_of(place, with_account(place, "ben@x.edu"))
    for unknown in (mine.id, new_id()):
        there = "/my/" + address.format(unknown)
        assert ben.get(there).status_code in (404, 405, 412), there
        assert ben.post(there, two_doses() | {"go": "next"}).status_code in (404, 405, 412), there
    with place.scope():
        assert (Submission.objects.get().changed_at, Submission.objects.get().state) == (
            mine.changed_at,
            mine.state,
        )


ODD = [
    pytest.param(NUL, id="NUL"),
    pytest.param(SURROGATE, id="lone surrogate"),
    pytest.param("😀" * 3000, id="long"),
]


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("end", ["", "check/"])
@pytest.mark.parametrize(
    ("way", "fields"),
    [
        ("doses", [f"dose-aa-{name}" for name in (
            "vaccine", "code", "day", "month", "year", "lot", "meant", "picked")]),
        ("results", [*(f"titer-measles-{name}" for name in ("result", "value", "unit", "reference_range")),
                     *(f"collected-{name}" for name in ("day", "month", "year", "meant"))]),
        ("exemption", ["exemption", "statement"]),
        ("pages", ["kind_of_document", "issued-day", "issued-month", "issued-year", "issued-meant", "covers"]),
        ("form-tb_questionnaire", ["answer-birth_country", "answer-where_and_when", "answer-tb_risk",
                                   "answer-lived_in_listed_country", "answer-nobody_asked", "signed_as", "agreed"]),
    ],
)  # fmt: skip
def test_odd_letters_in_every_field_of_a_step(ana, way, fields, end, text):
    step = started(ana, way)
    for values in (dict.fromkeys(fields, text), *({name: text} for name in fields)):
        given = values | {"row": ["aa"], "covers_asked": "yes", "go": "next", "seen": ""}
        answer = posted(ana, step + end, given)
        assert answer.status_code in (200, 302, 409, 422), (values, answer.status_code)
    for address in (step, re.sub("[^/]+/$", "summary/", step), "/my/"):
        assert ana.get(address).status_code == 200


@pytest.mark.parametrize("text", ODD)
def test_odd_letters_elsewhere(ana, text):
    step = started(ana, "doses")
    assert ana.get("/my/vaccines/", {"q": text.replace("\ud800", "")}).status_code == 200
    for name in ("seen", "go", "row"):
        assert posted(ana, step, {"row": "aa", name: text}).status_code in (200, 302, 409, 422), name
    assert posted(ana, "/my/hand-in/", {"item": text, "way": "doses"}).status_code == 404
    assert posted(ana, "/my/hand-in/", {"item": "mmr", "way": "form-" + text[:40]}).status_code == 404
    assert posted(ana, "/my/messages/mmr/", {"body": text}).status_code in (302, 422)
    assert posted(ana, step.replace("doses/", "send/"), {"note": text, "seen": text}).status_code in (
        302,
        422,
    )
    for address in ("/my/messages/a%00b/", "/my/messages/a%00b/confidential/", "/my/messages/%ED%A0%80/"):
        assert ana.get(address).status_code in (302, 400, 404, 405), address
        assert ana.post(address, {"body": "Hello"}).status_code in (302, 400, 404, 405), address


@pytest.mark.parametrize(
    "moment", ["2026-13-45T00:00:00", "2026-08-03", "yesterday", "2026-08-03T15:00:00", "9" * 400]
)
def test_a_window_that_says_nonsense_about_what_it_saw(ana, moment):
    step = started(ana, "doses")
    assert ana.post(step, dose() | {"seen": moment, "go": "next"}).status_code in (302, 409)


@pytest.mark.parametrize(
    "go", ["to:form-a/b", "to:form-nobodys", "to:", "add:zz", "remove:zz", "look", "x" * 500]
)
def test_a_button_that_no_page_has(ana, go):
    step = started(ana, "doses")
    assert ana.post(step, dose() | {"go": go}).status_code in (200, 302)


@pytest.mark.parametrize("way", ["summary", "nonsense", "form-a/b", "form-nobodys", "", "form-"])
def test_a_way_that_is_not_offered_begins_nothing(ana, place, way):
    assert ana.post("/my/hand-in/", {"item": "mmr", "way": way}).status_code == 404
    with place.scope():
        assert not Submission.objects.exists()


@pytest.mark.parametrize("way", ["doses", "results", "exemption", "form-tb_questionnaire"])
def test_a_way_that_another_requirement_offers_begins_nothing(ana, place, way):
    assert ana.post("/my/hand-in/", {"item": "physical_exam", "way": way}).status_code == 404
    with place.scope():
        assert not Submission.objects.exists()


def test_a_requirement_that_is_not_asked_begins_nothing(ana):
    assert ana.post("/my/hand-in/", {"item": "yellow_fever", "way": "doses"}).status_code == 404


def test_more_than_one_submission_holds_is_said_and_stays_on_the_page(ana, place):
    step = started(ana, "doses")
    rows = [f"r{number}" for number in range(61)]
    typed = {"row": rows, "go": "next"}
    for number, row in enumerate(rows):
        typed |= {
            name: value for name, value in dose(row, year=str(2007 + number % 19)).items() if name != "row"
        }
    page = ana.post(step, typed)
    assert page.status_code == 422
    assert "at most 60" in words(page)
    assert page.content.decode().split("<template")[0].count('name="row"') == 61
    assert ana.post(f"{step}check/", typed).status_code == 409


def test_a_note_that_is_too_long_is_said_and_not_cut(ana, place):
    step = started(ana, "doses")
    ana.post(step, two_doses() | {"go": "next"})
    note = "x" * 100_000
    page = ana.post(step.replace("doses/", "send/"), {"note": note})
    assert page.status_code == 422
    assert "at most 1,000 characters" in words(page)
    assert note in page.content.decode()
    # Lines end with two letters on their way here, which is nobody's fault.
    exact = "\r\n".join(["x" * 9] * 100)
    assert ana.post(step.replace("doses/", "send/"), {"note": exact}).status_code == 302
    with place.scope():
        assert Submission.objects.get().note == exact.replace("\r\n", "\n")


def test_a_statement_keeps_its_letters_and_is_never_markup(ana, place):
    step = started(ana, "exemption")
    said = "\r\n".join(["<script>alert(1)</script>"] * 100) + "y" * 1400
    assert len(said.replace("\r\n", "\n")) == 3999
    assert ana.post(step, {"exemption": "religious", "statement": said, "go": "next"}).status_code == 302
    page = ana.get(step)
    assert "<script>alert(1)" not in page.content.decode()
    ana.post(step.replace("exemption/", "send/"), {})
    with place.scope():
        assert Exemption.objects.get().statement == said.replace("\r\n", "\n")


def test_a_statement_that_is_too_long_is_said(ana):
    step = started(ana, "exemption")
    page = ana.post(step, {"exemption": "religious", "statement": "z" * 4200, "go": "next"})
    assert page.status_code == 422
    assert "at most 4,000 characters" in words(page)
    assert "z" * 4200 in page.content.decode()


@pytest.mark.parametrize("kind", ["medical", "philosophical", "other", "whim", "<b>"])
def test_an_exemption_that_the_school_does_not_accept(ana, place, kind):
    step = started(ana, "exemption")
    page = ana.post(step, {"exemption": kind, "statement": "Because.", "go": "next"})
    assert page.status_code == 422
    assert "Choose the reason that fits" in words(page)
    assert "Because." in page.content.decode()
    ana.post(step.replace("exemption/", "send/"), {})
    with place.scope():
        assert not Exemption.objects.exists()


@pytest.mark.parametrize(
    ("signed_as", "code"), [("", 422), ("   ", 422), ("N" * 500, 422), ("Ana María Núñez", 302)],
    ids=["empty", "blanks", "500 letters", "a name"],
)  # fmt: skip
def test_a_signature_is_a_name(ana, signed_as, code):
    step = started(ana, "form-tb_questionnaire")
    definition = forms.read(forms.ready("tb_questionnaire"))
    answers = {f"answer-{one.key}": "no" for one in definition.questions if one.kind == "yes_no"}
    answers |= {"answer-birth_country": "US", "signed_as": signed_as, "agreed": "yes", "go": "next"}
    page = ana.post(step, answers | {"answer-unknown": "?"})
    assert page.status_code == code, words(page)
    if code == 422:
        assert 'href="#signed_as"' in page.content.decode()


def test_a_vaccine_whose_name_belies_its_code(ana, place):
    step = started(ana, "doses")
    lie = dose(vaccine="Rabies, intramuscular", code="03|MSD|Rabies, intramuscular")
    ana.post(step, lie | {"go": "next"})
    with place.scope():
        (piece,) = Submission.objects.get().draft["pieces"]
    assert piece["cvx"] != "03"


@pytest.mark.parametrize(
    "step", ["doses", "results", "exemption", "pages", "form-tb_questionnaire", "summary"]
)
@pytest.mark.parametrize("deed", ["sent", "discarded"])
def test_posting_a_step_of_what_is_gone(ana, place, step, deed):
    first = started(ana, "doses")
    ana.post(first, two_doses() | {"go": "next"})
    ana.post(first.replace("doses/", "send/" if deed == "sent" else "discard/"), {})
    here = first.replace("doses/", f"{step}/")
    for values in (two_doses(), {"exemption": "religious", "statement": "x"}, {"signed_as": "Ana"}, {}):
        answer = ana.post(here, values | {"go": "next"})
        assert answer.status_code == 302, answer.status_code
        assert ana.get(answer.headers["Location"], follow=True).status_code == 200
        assert ana.post(f"{here}check/", values).status_code in (200, 409)
    with place.scope():
        stored = Submission.objects.get(id=first.split("/")[3])
    assert stored.state == ("waiting" if deed == "sent" else "withdrawn")
    answer = ana.post(first.replace("doses/", "send/"), {}, follow=True)
    assert answer.status_code == 200
    assert (
        ana.get(first.replace("hand-in", "handed-in").replace("doses/", ""), follow=True).status_code == 200
    )


def test_a_draft_whose_requirement_is_asked_no_more_can_be_looked_at_and_thrown_away(ana, place):
    places = {way: started(ana, way) for way in ("doses",)}
    ana.post(places["doses"], two_doses() | {"go": "next"})
    requires(place.institution, EXAM, applies_from=TODAY)
    step = places["doses"]
    for name in ("doses", "results", "exemption", "pages", "summary"):
        here = step.replace("doses/", f"{name}/")
        for answer in (ana.get(here, follow=True), ana.post(here, {"go": "next"}, follow=True)):
            assert answer.status_code in (200, 422), (name, answer.status_code)
    page = ana.get(step.replace("doses/", "summary/"))
    assert "does not ask for this any more" in words(page)
    answer = ana.post(step.replace("doses/", "discard/"), {}, follow=True)
    assert "Nothing was handed in" in words(answer)


def test_a_membership_that_ends_in_the_middle_keeps_the_draft(ana, place):
    step = started(ana, "doses")
    ana.post(f"{step}check/", two_doses())
    with place.scope():
        student = student_of(place, "ana@x.edu")
        Membership.objects.filter(student_id=student.id).update(state="archive")
    for answer in (ana.get(step), ana.post(step, two_doses() | {"go": "next"}),
                   ana.post(step.replace("doses/", "send/"), {})):  # fmt: skip
        assert answer.status_code == 403
        assert "Your registration has ended" in words(answer)
    with place.scope():
        assert len(Submission.objects.get().draft["pieces"]) == 2
        Membership.objects.filter(student_id=student.id).update(state="active")
    assert "2008" in words(ana.get(step.replace("doses/", "summary/")))


def test_sent_twice_at_once_is_one_receipt(ana, place):
    step = started(ana, "doses")
    page = ana.get(ana.post(step, two_doses() | {"go": "next"}).headers["Location"])
    send = step.replace("doses/", "send/")
    answers = [ana.post(send, {"seen": seen(page)}) for _ in range(2)]
    assert len({one.headers["Location"] for one in answers}) == 1
    back = ana.get(step.replace("doses/", "summary/"))
    assert back.headers["Location"] == answers[0].headers["Location"]
