"""J5: a parent who is asked to help, on a phone: sees how things stand, hands in a paper, signs; and it ends."""

import re
from datetime import date

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from pratique.foundation.audit import Actor
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.reviews.actions import sending
from pratique.students.notices import send_waiting
from tests.guardians import CONSENT, PASSWORD, born, define_consent, helper
from tests.journeys.conftest import DESK, PHONE, sign_in
from tests.journeys.test_student_hands_in import Taps
from tests.schools import EXAM, MMR, NOW, TODAY, judged, requires
from tests.students import STUDENT_PASSWORD, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")
HEPB = MMR | {"key": "hepb", "name": "Hepatitis B"}
SELF = Actor("student", "tests")


def signed_in(page: Page, login: str, password: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username or e-mail").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def mailed_link(place, to: str) -> str:
    send_waiting(place.school.institution.id)
    (message,) = [one for one in mail.outbox if one.to == [to] and "/start/" in one.body]
    assert "mmr" not in (message.subject + message.body).lower()
    return re.search(r"/start/[\w-]{43}/", message.body)[0]


def invite(page: Page, name: str, email: str, *may: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Who is this person?").select_option(label="Parent")
    for what in may:
        page.locator("label", has_text=what).first.click()
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text(f"on its way to {name}")).to_be_visible()


def accept(page: Page, taps: Taps, link: str) -> None:
    page.goto(link)
    taps.look("born")
    page.get_by_label("Month").select_option("4")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Year").fill("2006")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Keep this password").click()


def sign(page: Page, taps: Taps, name: str) -> None:
    page.goto("/my/sign/")
    taps.look("forms")
    page.get_by_role("link", name="Read and sign").click()
    expect(page.get_by_text("I agree to treatment in an emergency.").first).to_be_visible()
    taps.look("form")
    # by the keyboard alone
    page.get_by_label("Your full name").focus()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have signed. Thank you.")).to_be_visible()


def a_confidential_one(place) -> None:
    ana = student_of(place.school, "ana@x.edu")
    piece = {"id": "d1", "kind": "dose", "cvx": "03", "product": "", "administered_on": "2008-03-04"}
    with place.school.scope():
        draft = start_submission(student=ana, requirement_keys=["hepb"], by=SELF, now=NOW, confidential=True)
        save_draft(submission_id=draft.id, draft={"pieces": [{**piece, "cvx": "08"}]}, by=SELF, now=NOW)
    sending.send(institution=place.school.institution, submission_id=draft.id, by=SELF, now=NOW, today=TODAY)


def form_is_sent(place):
    """Ana fills in a form that needs two guardians besides herself, and sends it."""
    ana = student_of(place.school, "ana@x.edu")
    piece = {
        "id": "f1", "kind": "form", "form": "consent", "form_version": 1, "answers": {"agree": True},
        "signed_as": "Ana Núñez", "agreed": True,
    }  # fmt: skip
    with place.school.scope():
        draft = start_submission(student=ana, requirement_keys=["consent"], by=SELF, now=NOW)
        save_draft(submission_id=draft.id, draft={"pieces": [piece]}, by=SELF, now=NOW)
    sending.send(institution=place.school.institution, submission_id=draft.id, by=SELF, now=NOW, today=TODAY)
    return draft.id


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_parent_helps_until_the_student_ends_it(open_browser, place, size):
    # given a student with an account, and something confidential among what she handed in
    requires(place.school.institution, MMR, EXAM, CONSENT, HEPB)
    place.with_students()
    judged(place.school.institution)
    define_consent(place.school, guardians=2)
    with_account(place.school, "ana@x.edu")
    a_confidential_one(place)
    ana, eva, luis = (open_browser(viewport=size) for _person in range(3))
    at_ana, at_eva, at_luis = (
        Taps(page, f"j5-{name}-{size['width']}")
        for page, name in ((ana, "ana"), (eva, "eva"), (luis, "luis"))
    )

    # when she invites her mother to see how things stand, and nothing else
    signed_in(ana, "ana@x.edu", STUDENT_PASSWORD)
    ana.get_by_role("link", name="People who help me").click()
    at_ana.look("nobody")
    ana.get_by_role("link", name="Invite somebody").click()
    at_ana.look("invite")
    invite(ana, "Eva Núñez", "eva@home.example")
    at_ana.look("invited")
    # and the mother accepts from the mail
    accept(eva, at_eva, mailed_link(place, "eva@home.example"))
    # then she sees what is asked, but not what is confidential, and no way to hand in
    expect(eva.get_by_role("heading", level=1)).to_contain_text("Health requirements of Ana María Núñez")
    expect(eva.get_by_text("0 of 3 done")).to_be_visible()
    expect(eva.get_by_text("Hepatitis")).to_have_count(0)
    at_eva.look("home")
    eva.get_by_role("link", name=re.compile("Look ?: MMR")).click()
    expect(eva.get_by_text("What satisfies it")).to_be_visible()
    expect(eva.get_by_text("Type dates of vaccines")).to_have_count(0)
    at_eva.look("item")

    # when Ana ends that, and invites her to hand in and to sign instead
    ana.goto("/my/people/")
    at_ana.look("helping")
    ana.get_by_role("button", name="End access").click()
    expect(ana.get_by_text("This person has no access any more.")).to_be_visible()
    # then the open window is closed to her at the next tap
    eva.reload()
    expect(eva.get_by_role("heading", level=1)).to_have_text("You help nobody now")
    at_eva.look("ended")
    ana.get_by_role("link", name="Invite somebody").click()
    mail.outbox.clear()
    invite(ana, "Eva Núñez", "eva@home.example", "Hand in papers", "Sign forms")
    eva.goto(mailed_link(place, "eva@home.example"))
    eva.get_by_label("Month").select_option("4")
    eva.get_by_label("Day").fill("3")
    eva.get_by_label("Year").fill("2006")
    eva.get_by_role("button", name="Continue").click()
    at_eva.look("has-account")
    eva.get_by_role("link", name="Sign in and accept").click()
    at_eva.look("accept")
    eva.get_by_role("button", name="Accept").click()

    # when she types two doses and sends them
    eva.get_by_role("link", name=re.compile("Hand in ?: MMR")).click()
    eva.get_by_role("button", name="Type dates of vaccines").click()
    eva.get_by_label("Month").first.select_option("3")
    eva.get_by_label("Day").first.fill("4")
    eva.get_by_label("Year").first.fill("2008")
    eva.get_by_role("button", name="Continue", exact=True).click()
    eva.get_by_role("button", name="Send", exact=True).click()
    # then there is a receipt, for her too
    expect(eva.get_by_role("heading", level=1)).to_have_text("We have it")
    at_eva.look("receipt")

    # when Ana's form waits for two parents, and the father is invited from its receipt
    case = form_is_sent(place)
    ana.goto(f"/my/handed-in/{case}/")
    expect(ana.get_by_text("We have asked: Eva Núñez")).to_be_visible()
    at_ana.look("signatures")
    ana.get_by_role("link", name="Invite somebody to sign").click()
    ana.locator("label[for=may_see_status]").click()
    invite(ana, "Luis Núñez", "luis@home.example")
    accept(luis, at_luis, mailed_link(place, "luis@home.example"))
    # then he comes to the forms, and to nothing else
    expect(luis.get_by_role("heading", level=1)).to_have_text("Forms to sign")
    sign(eva, at_eva, "Eva Núñez")
    expect(eva.get_by_role("heading", name="Waiting for somebody else")).to_be_visible()
    at_eva.look("signed")
    sign(luis, at_luis, "Luis Núñez")
    expect(luis.get_by_text("Nothing to sign")).to_be_visible()

    # then the form goes to a reviewer, and Ana sees what each of them did
    ana.goto(f"/my/handed-in/{case}/")
    expect(ana.get_by_text("Luis Núñez")).to_be_visible()
    expect(ana.get_by_text("as soon as everybody")).to_have_count(0)
    ana.goto("/my/people/")
    expect(ana.get_by_text("Signed a form")).to_have_count(2)
    expect(ana.get_by_text("Handed something in")).to_have_count(1)
    at_ana.look("deeds")
    # and she ends it with one click
    ana.get_by_role("article", name="Eva Núñez").get_by_role("button", name="End access").click()
    eva.goto("/my/")
    expect(eva.get_by_role("heading", level=1)).to_have_text("You help nobody now")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_school_invites_somebody_for_a_minor(open_browser, place, size):
    # given a student who is under 18
    place.with_students()
    born(place.school, "ana@x.edu", date(2010, 4, 3))
    page = open_browser(viewport=size)
    taps = Taps(page, f"j5-school-{size['width']}")
    # when the coordinator opens the student's page and invites a parent
    sign_in(page, place)
    page.goto(f"/students/{student_of(place.school, 'ana@x.edu').id}/")
    page.get_by_role("link", name="People who help this student").click()
    taps.look("minor")
    invite(page, "Eva Núñez", "eva@home.example", "Sign forms")
    # then the parent is invited until the 18th birthday at the latest
    expect(page.get_by_text("Allowed by the school.")).to_be_visible()
    taps.look("invited")

    # and a helper of two chooses whom they look at
    user = helper(place.school, email="luis@home.example", name="Luis")
    helper(place.school, "ben@x.edu", email="luis@home.example", name="Luis")
    luis = open_browser(viewport=size)
    signed_in(luis, user.username, PASSWORD)
    at_luis = Taps(luis, f"j5-siblings-{size['width']}")
    expect(luis.get_by_role("heading", level=1)).to_have_text("Who are you looking at?")
    at_luis.look("choose")
    luis.get_by_role("button", name="Ben").click()
    expect(luis.get_by_role("heading", level=1)).to_contain_text("Health requirements of Ben")
    at_luis.look("ben")
    luis.get_by_role("link", name="Look at somebody else").click()
    luis.get_by_role("button", name="Ana").click()
    expect(luis.get_by_role("heading", level=1)).to_contain_text("Health requirements of Ana")
