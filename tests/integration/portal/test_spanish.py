"""Whoever reads Spanish reads nothing else: the portal's pages and mails hold no English sentence of the catalogue."""

import html
import io
import re
import runpy
from datetime import date
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.core.cache import cache as counters
from django.test import Client
from django.utils.translation import trans_real

from pratique.accounts.models import User
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.institutions.models import Tracker
from pratique.partners.actions.tokens import issue_token
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.reviews.actions import sending
from pratique.reviews.actions.claiming import claim
from pratique.reviews.actions.deciding import decide
from pratique.reviews.types import PieceDecision
from pratique.students.actions.links import issue_link
from pratique.students.actions.notices import Claimed
from pratique.students.models import Membership, NoticeKind, Student
from pratique.students.notices import compose
from tests.guardians import CONSENT, define_consent, helper, sent_consent
from tests.integration.portal.conftest import ANA, BEN
from tests.schools import EXAM, MMR, NOW, TODAY, imported, judged, requires
from tests.staff import make_school
from tests.students import birth, client_of, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed", "now", "spanish")
ROOT = Path(__file__).resolve().parents[3]
WORDS = 4  # shorter pieces ("Sign in") may be a name, or the same in both languages
SELF = Actor("student", "tests")
DAN = "dan@x.edu,0004,Moss,Dan,,01/01/2004,,,1"  # on no tracker
DOSE = {"id": "d1", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2008-03-04"}


@cache
def tool():
    return runpy.run_path(str(ROOT / "scripts" / "messages.py"))


@pytest.fixture
def spanish():
    """Spanish as it is in the sources, whatever was compiled last."""
    trans_real.translation("es").merge(GNUTranslations(io.BytesIO(tool()["compiled"]("es"))))
    counters.clear()


def plain(text):
    """The words of a text, one space apart, with the apostrophes of the keyboard."""
    return " ".join(html.unescape(text).replace("’", "'").split())


@cache
def english():
    """Every part of an English message of at least four words that stands between values, if Spanish differs."""
    parts = set()
    for message in tool()["catalogue"]("es"):
        if not message.id:
            continue
        forms = message.id if isinstance(message.id, tuple | list) else (message.id,)
        told = plain(" ".join(tool()["strings"](message)))
        for form in forms:
            for part in re.split(r"%\(\w+\)[a-z]|{\w*}|<[^>]+>", form):
                words = plain(part)
                if len(words.split()) >= WORDS and words not in told:
                    parts.add(words)
    assert len(parts) > 500
    return parts


def speaks_spanish(page, status=200):
    """Nothing of a page is English, its attributes and what its scripts say included."""
    assert page.status_code == status, page
    source = page.content.decode()
    assert '<html lang="es"' in source
    seen = plain(re.sub(r"<[^>]+>", " ", source)) + " " + plain(source)
    assert not [part for part in english() if part in seen]
    return source


@pytest.fixture
def place():
    school = make_school()
    requires(school.institution, MMR, EXAM, CONSENT)
    imported(school.institution, ANA, BEN)
    judged(school.institution)
    define_consent(school)
    return school


@pytest.fixture
def ana(place):
    return client_of(place, with_account(place, "ana@x.edu", language="es"))


@pytest.fixture
def dan(place):
    """Somebody who came from the school's portal: with no password, on no tracker."""
    imported(place.institution, DAN)
    client = Client(headers={"accept-language": "es"})
    assert (
        client.post("/sso/", {"token": token_for(place, "dan@x.edu")}).headers["Location"] == "/my/tracker/"
    )
    return client


def token_for(place, username):
    student = student_of(place, username)
    with place.scope():
        return issue_token(
            institution=place.institution, student_id=student.id, caller_identifier="live_x", now=NOW
        )


def handed_in(place, key, piece):
    student = student_of(place, "ana@x.edu")
    with place.scope():
        started = start_submission(student=student, requirement_keys=[key], by=SELF, now=NOW)
        save_draft(submission_id=started.id, draft={"pieces": [piece]}, by=SELF, now=NOW)
    sending.send(institution=place.institution, submission_id=started.id, by=SELF, now=NOW, today=TODAY)
    return started


def item_url(place, key):
    with place.scope():
        return f"/my/requirements/{Membership.objects.get(student__username='ana@x.edu').id}/{key}/"


def returned(place, submission, code="unreadable"):
    reviewer = Actor("staff", str(place.staff["reviewer"].id))
    with place.scope():
        claim(submission_id=submission.id, by=reviewer, now=NOW)
        decide(
            institution=place.institution, submission_id=submission.id, by=reviewer, now=NOW, today=TODAY,
            decisions=[PieceDecision("dose", submission.dose_set.get().id, False, code, "")],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/account/login/", 200),
        ("/account/password/reset/", 200),
        ("/start/ask/", 200),
        ("/nothing-here", 404),
    ],
)
def test_before_signing_in_a_browser_that_asks_for_spanish_gets_it(address, status):
    page = Client().get(address, headers={"accept-language": "es-US,es;q=0.9,en;q=0.5"})
    source = speaks_spanish(page, status)
    assert "English" in source or status == 404, "a language is called by its own name"


def test_a_first_sign_in(place):
    with place.scope():
        token = issue_link(
            student_id=Student.objects.get(username="ana@x.edu").id, by=Actor("staff", "tests"), now=NOW
        )
    client = Client(headers={"accept-language": "es"})
    speaks_spanish(client.get(f"/start/{token}/", follow=True))
    born = student_of(place, "ana@x.edu").date_of_birth
    speaks_spanish(client.post("/start/", birth(born.replace(day=9)), follow=True))
    speaks_spanish(client.post("/start/", birth(born), follow=True))
    speaks_spanish(client.post("/start/open/", {"password1": "short", "password2": "other"}))


@pytest.mark.parametrize(
    "address",
    [
        "", "messages/", "messages/general/", "messages/mmr/", "people/", "people/new/", "seen/", "record/",
        "settings/",
    ],
)  # fmt: skip
def test_the_pages_of_a_student(place, ana, address):
    handed_in(place, "mmr", DOSE)
    speaks_spanish(ana.get(f"/my/{address}"))


@pytest.mark.parametrize("key", ["mmr", "physical_exam", "consent"])
def test_a_requirement_and_every_way_to_hand_it_in(place, ana, key):
    source = speaks_spanish(ana.get(item_url(place, key)))
    ways = re.findall(r'name="way" value="([^"]+)"', source)
    assert ways
    for way in ways:
        step = ana.post("/my/hand-in/", {"item": key, "way": way}).headers["Location"]
        seen = re.search(r'name="seen" value="([^"]*)"', speaks_spanish(ana.get(step)))
        answer = ana.post(step, {"go": "next", "seen": seen[1] if seen else ""})
        if answer.status_code != 302:
            speaks_spanish(answer, 422)
        speaks_spanish(ana.get(re.sub(r"[^/]+/$", "summary/", step)))


def test_the_receipt_and_what_came_back(place, ana):
    submission = handed_in(place, "mmr", DOSE)
    speaks_spanish(ana.get(f"/my/handed-in/{submission.id}/"))
    returned(place, submission)
    judged(place.institution)
    source = speaks_spanish(ana.get(item_url(place, "mmr")))
    assert "No pudimos leer este documento." in source, "the library's reason, in the student's language"
    for address in (f"/my/handed-in/{submission.id}/", "/my/", "/my/record/"):
        speaks_spanish(ana.get(address))


def test_coming_in_from_the_schools_portal(place):
    client = Client(headers={"accept-language": "es"})
    speaks_spanish(client.get(f"/sso/{token_for(place, 'ana@x.edu')}"))
    speaks_spanish(client.post("/sso/", {"token": "x" * 32}), 410)
    client.post("/sso/", {"token": token_for(place, "ana@x.edu")})
    again = speaks_spanish(client.post("/sso/", {"token": "x" * 32}), 410)
    assert "Ir a su página" in again, "who is signed in already is told so"


@pytest.mark.parametrize(
    "address", ["", "tracker/", "settings/", "settings/password/", "seen/", "record/", "messages/"]
)
def test_the_pages_of_somebody_who_came_from_the_schools_portal(dan, address):
    speaks_spanish(dan.get(f"/my/{address}"))


def test_choosing_a_list(place, dan):
    source = speaks_spanish(dan.get("/my/tracker/"))
    held = re.search(r'name="membership" value="([^"]+)"', source)[1]
    tracker = re.search(r'name="tracker" value="([^"]+)"', source)[1]
    speaks_spanish(dan.get("/my/tracker/", {"membership": held, "tracker": ""}), 422)
    confirming = speaks_spanish(dan.get("/my/tracker/", {"membership": held, "tracker": tracker}))
    assert "Sí, esta es la mía" in confirming
    speaks_spanish(dan.post("/my/tracker/", {"membership": held, "tracker": tracker}, follow=True))
    assert "Eligió qué lista de requisitos le corresponde" in speaks_spanish(dan.get("/my/seen/"))


def test_a_list_that_is_not_chosen_yet_as_a_helper_sees_it(place):
    eva = helper(place, may_upload=True)
    with place.scope():
        User.objects.filter(id=eva.id).update(language="es")
        Membership.objects.filter(student__username="ana@x.edu").update(tracker=None)
        eva.refresh_from_db()
    assert "todavía tiene que elegir" in speaks_spanish(client_of(place, eva).get("/my/"))


def test_a_list_that_only_the_school_can_choose(place, dan):
    with place.scope():
        Membership.objects.update(tracker=None)
        Tracker.objects.all().delete()
    assert "cuál de sus listas le corresponde" in speaks_spanish(dan.get("/my/"))


def test_a_first_password(dan):
    speaks_spanish(dan.post("/my/settings/password/", {"password1": "short", "password2": "other"}))
    password = {"password1": "a long first password", "password2": "a long first password"}
    assert "su nombre de usuario y esta contraseña" in speaks_spanish(
        dan.post("/my/settings/password/", password, follow=True)
    )


def test_a_link_that_somebody_without_a_password_no_longer_needs(place, dan):
    with place.scope():
        token = issue_link(student_id=student_of(place, "dan@x.edu").id, by=Actor("staff", "tests"), now=NOW)
    speaks_spanish(Client(headers={"accept-language": "es"}).get(f"/start/{token}/", follow=True))


@pytest.mark.parametrize("address", ["/my/", "/my/sign/", "/my/messages/", "/my/settings/"])
def test_the_pages_of_somebody_who_helps(place, address):
    sent_consent(place)
    eva = helper(place, may_upload=True, may_sign=True)
    with place.scope():
        User.objects.filter(id=eva.id).update(language="es")
        eva.refresh_from_db()
    client = client_of(place, eva)
    source = speaks_spanish(client.get(address))
    for form in re.findall(r'href="(/my/sign/[^"]+/)"', source):
        speaks_spanish(client.get(form))


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_mails(place, kind):
    claimed = Claimed(
        id=new_id(), kind=kind, name="Ana", username="ana@x.edu", email="ana@x.edu", number="", language="es",
        # Who has none has not said a language yet: their reminder says in each that the page speaks it.
        has_account=kind == NoticeKind.REMINDER, guardian="", token="abc", due_on=date(2026, 8, 10),
    )  # fmt: skip
    mail = compose(claimed, place.institution)
    told = plain(f"{mail.subject} {mail.body}")
    assert not [part for part in english() if part in told]
