"""What somebody who helps sees and does in the portal, and everything that they must not."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver

from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.foundation.models import AuditEvent
from pratique.interfaces.portal import urls
from pratique.interfaces.portal.guardian_routes import GUARDIAN_ROUTES
from pratique.records.actions.confidentiality import NeedsGuardianError, set_confidential
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.records.models import FormAnswer, Signature, Submission
from pratique.reviews.actions import messages, sending
from pratique.reviews.actions.signing import NotSignableError, sign
from pratique.reviews.errors import NotSendableError
from pratique.reviews.models import MessageSide
from pratique.students.actions import guardians as actions
from pratique.students.models import Guardianship, Membership, Notice
from tests.guardians import (
    CONSENT,
    EVA,
    PASSWORD,
    accepted,
    define_consent,
    draft_of_consent,
    helper,
    invite,
    link_to,
    sent_consent,
)
from tests.integration.console.conftest import sign_in
from tests.integration.portal.conftest import ANA, BEN
from tests.schools import EXAM, MMR, NOW, TODAY, imported, judged, requires
from tests.staff import make_school
from tests.students import birth, client_of, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")
SELF = Actor("student", "tests")
DOSES = [
    {"id": "d1", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2008-03-04"},
    {"id": "d2", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2010-03-04"},
]
BORN = {"ana@x.edu": (2006, 4, 3)}


class Time:
    now = NOW


@pytest.fixture(autouse=True)
def time(monkeypatch):
    cache.clear()
    told = Time()
    monkeypatch.setattr(clock, "now", lambda: told.now)
    return told


@pytest.fixture
def place():
    school = make_school()
    requires(school.institution, MMR, EXAM, CONSENT)
    imported(school.institution, ANA, BEN)
    judged(school.institution)
    define_consent(school)
    return school


def words(page):
    text = re.sub(r"<(script|template).*?</\1>", " ", page.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def submission(place, *pieces, key="mmr", by=SELF, send=True, confidential=False, username="ana@x.edu"):
    student = student_of(place, username)
    with place.scope():
        started = start_submission(
            student=student, requirement_keys=[key], by=by, now=NOW, confidential=confidential
        )
        save_draft(submission_id=started.id, draft={"pieces": list(pieces)}, by=by, now=NOW)
    if send:
        sending.send(institution=place.institution, submission_id=started.id, by=by, now=NOW, today=TODAY)
    return started


def item_url(place, key, username="ana@x.edu"):
    with place.scope():
        membership = Membership.objects.get(student__username=username)
    return f"/my/requirements/{membership.id}/{key}/"


def eva(place, **may):
    return client_of(place, helper(place, **may))


# --- what they may open --------------------------------------------------------------------------------------------


def routes(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.name


NEVER = {
    "portal_record", "portal_record_pdf", "portal_record_json", "portal_seen", "portal_guardians",
    "portal_guardian_invite", "portal_guardian_again", "portal_guardian_end", "portal_confidential",
    "portal_thread_confidential", "portal_settings_mail", "portal_settings_number", "portal_settings_code",
    "portal_tracker",
}  # fmt: skip
OUTSIDE = {"portal_helping", "portal_guardian_accept"}


def test_every_route_says_whether_a_guardian_may():
    known = set(routes(urls.urlpatterns))
    assert known == set(GUARDIAN_ROUTES) | NEVER | OUTSIDE


@pytest.mark.parametrize(
    "path",
    [
        "/my/record/",
        "/my/record/record.pdf",
        "/my/record/record.json",
        "/my/seen/",
        "/my/people/",
        "/my/people/new/",
    ],
)
def test_pages_of_the_student_alone(place, path):
    assert eva(place, may_upload=True, may_sign=True).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/students/", "/review/", "/reports/", "/activity/"])
def test_the_console_is_closed(place, path):
    assert eva(place, may_upload=True).get(path).status_code in (302, 403, 404)


def test_status_alone_shows_how_things_stand_and_no_way_to_hand_in(place):
    client = eva(place)
    home = client.get("/my/")
    assert "Health requirements of Ana María Núñez" in words(home)
    assert "0 of 3 done" in words(home)
    assert "People who help me" not in words(home)
    page = client.get(item_url(place, "mmr"))
    assert page.status_code == 200
    assert "Type dates of vaccines" not in words(page)
    assert client.post("/my/hand-in/", {"item": "mmr", "way": "doses"}).status_code == 404
    assert client.get("/my/sign/").status_code == 404


def test_to_sign_alone_shows_the_forms_and_nothing_else(place):
    client = eva(place, may_see_status=False, may_sign=True)
    assert client.get("/my/", follow=True).redirect_chain == [("/my/sign/", 302)]
    assert client.get(item_url(place, "mmr")).status_code == 404
    assert client.get("/my/messages/").status_code == 404


def test_another_students_ids_are_nobodys(place):
    client = eva(place, may_upload=True, may_sign=True)
    assert client.get(item_url(place, "mmr", "ben@x.edu")).status_code == 404
    case = submission(place, *DOSES, username="ben@x.edu")
    for path in (
        f"/my/handed-in/{case.id}/",
        f"/my/hand-in/{case.id}/summary/",
        f"/my/submissions/{case.id}/files/",
    ):
        assert client.get(path).status_code == 404, path
    answer = sent_consent(place, "ben@x.edu")
    assert client.get(f"/my/sign/{answer.id}/").status_code == 404
    client.post(f"/my/sign/{answer.id}/", {"name": "Eva Núñez", "agreed": "yes"})
    with place.scope():
        assert not Signature.objects.filter(role="guardian").exists()


def test_what_the_student_handed_in_or_began_is_not_theirs_to_open(place):
    client = eva(place, may_upload=True)
    for case in (submission(place, *DOSES), submission(place, DOSES[0], key="physical_exam", send=False)):
        for path in (f"/my/handed-in/{case.id}/", f"/my/hand-in/{case.id}/summary/"):
            assert client.get(path).status_code == 404
    assert "2008" not in words(client.get(item_url(place, "mmr")))


def test_what_they_hand_in_themselves_they_see_and_so_does_the_student(place):
    user = helper(place, may_upload=True)
    client = client_of(place, user)
    start = client.post("/my/hand-in/", {"item": "mmr", "way": "doses"}).headers["Location"]
    assert client.get(start).status_code == 200
    with place.scope():
        case = Submission.objects.get()
        save_draft(submission_id=case.id, draft={"pieces": DOSES}, by=SELF, now=NOW)
    assert client.post(f"/my/hand-in/{case.id}/send/").status_code == 302
    assert "We have it" in words(client.get(f"/my/handed-in/{case.id}/"))
    with place.scope():
        assert Submission.objects.get().sent_by == f"guardian:{user.id}"
    ana = client_of(place, with_account(place, "ana@x.edu"))
    assert "We have it" in words(ana.get(f"/my/handed-in/{case.id}/"))
    did = words(ana.get("/my/people/"))
    assert "Eva Núñez Handed something in" in did
    assert "Eva Núñez Looked at" in did


@pytest.mark.parametrize("way", ["form-consent", "exemption"])
def test_forms_and_exemptions_are_the_students_own_words(place, way):
    client = eva(place, may_upload=True)
    assert client.post("/my/hand-in/", {"item": "consent", "way": way}).status_code == 404


# --- what is confidential ------------------------------------------------------------------------------------------


def test_a_confidential_item_is_left_out_and_not_counted(place):
    submission(place, *DOSES, confidential=True)
    client = eva(place, may_upload=True)
    home = words(client.get("/my/"))
    assert "MMR" not in home
    assert "0 of 2 done" in home
    assert client.get(item_url(place, "mmr")).status_code == 404
    assert client.post("/my/hand-in/", {"item": "mmr", "way": "doses"}).status_code == 404


def test_confidential_evidence_handed_in_for_another_item_hides_what_it_decides(place):
    submission(place, *DOSES, key="physical_exam", confidential=True)
    home = words(eva(place).get("/my/"))
    assert "MMR" not in home
    assert "0 of 1 done" in home


def test_marked_later_and_shown_again(place):
    case = submission(place, *DOSES)
    client, ana = eva(place), client_of(place, with_account(place, "ana@x.edu"))
    assert "MMR" in words(client.get("/my/"))
    ana.post(f"/my/handed-in/{case.id}/confidential/", {"confidential": "yes"})
    assert "MMR" not in words(client.get("/my/"))
    ana.post(f"/my/handed-in/{case.id}/confidential/", {"confidential": "no"})
    assert "MMR" in words(client.get("/my/"))


def test_a_guardian_marks_nothing(place):
    case = submission(place, *DOSES)
    assert eva(place, may_upload=True).post(f"/my/handed-in/{case.id}/confidential/").status_code == 404


def written(place, key, body, side=MessageSide.STAFF, **options):
    with place.scope():
        messages.write(
            student_id=student_of(place, "ana@x.edu").id, requirement_key=key, body=body, side=side,
            by=Actor("staff", "tests"), now=NOW, **options,
        )  # fmt: skip


def test_messages_of_the_items_that_they_see_and_no_others(place):
    written(place, "mmr", "Which clinic was it?")
    written(place, "mmr", "A secret word.", confidential=True)
    written(place, "", "Between you and us.")
    client = eva(place)
    shown = words(client.get("/my/messages/mmr/"))
    assert "Which clinic" in shown
    assert "secret" not in shown
    assert client.get("/my/messages/general/").status_code == 302
    assert "Other questions" not in words(client.get("/my/messages/"))
    assert client.post("/my/messages/mmr/", {"body": "Hello"}).status_code == 403


def test_a_thread_is_kept_with_what_answers_it(place):
    written(place, "mmr", "The first.")
    helping, ana = eva(place), client_of(place, with_account(place, "ana@x.edu"))
    assert "Keep these messages confidential" in words(ana.get("/my/messages/mmr/"))
    ana.post("/my/messages/mmr/confidential/", {"confidential": "yes"})
    written(place, "mmr", "The second.")
    shown = words(helping.get("/my/messages/mmr/"))
    assert "The first" not in shown
    assert "The second" not in shown
    ana.post("/my/messages/mmr/confidential/", {"confidential": "no"})
    assert "The second" in words(helping.get("/my/messages/mmr/"))


# --- until when ----------------------------------------------------------------------------------------------------


def test_one_click_ends_it_at_the_next_request(place):
    client, ana = eva(place), client_of(place, with_account(place, "ana@x.edu"))
    assert client.get("/my/").status_code == 200
    with place.scope():
        held = Guardianship.objects.get()
    assert "End access" in words(ana.get("/my/people/"))
    ana.post(f"/my/people/{held.id}/end/")
    page = client.get("/my/")
    assert page.status_code == 403
    assert "You help nobody now" in words(page)
    assert "Ana" not in words(page)


def test_the_last_day_is_the_schools_day(place, time):
    client = eva(place, until=TODAY)
    time.now = NOW.replace(day=4, hour=3, minute=59)  # 23:59 on the 3rd in New York
    assert client.get("/my/").status_code == 200
    time.now = NOW.replace(day=4, hour=4, minute=1)
    assert client.get("/my/").status_code == 403


def test_siblings_are_chosen_and_none_is_taken_by_guess(place):
    user = helper(place)
    helper(place, "ben@x.edu", may_upload=True)
    client = client_of(place, user)
    page = client.get("/my/", follow=True)
    assert page.redirect_chain == [("/my/helping/", 302)]
    assert "Who are you looking at?" in words(page)
    ben = student_of(place, "ben@x.edu")
    assert "Health requirements of Ben" in words(
        client.post("/my/helping/", {"student": ben.id}, follow=True)
    )
    with place.scope():
        held = Guardianship.objects.get(student=ben)
        actions.revoke(guardianship_id=held.id, student_id=ben.id, by=SELF, now=NOW, today=TODAY)
    assert client.get("/my/").headers["Location"] == "/my/helping/"
    assert client.post("/my/helping/", {"student": ben.id}).status_code == 404


def test_a_closed_registration_closes_it_for_helpers_too(place):
    client = eva(place)
    with place.scope():
        Membership.objects.update(state="archive")
    page = client.get("/my/")
    assert page.status_code == 403
    assert "take it with you" not in words(page)


# --- accepting -----------------------------------------------------------------------------------------------------


def opened(token, client=None):
    client = client or Client()
    page = client.get(f"/start/{token}/", follow=True)
    return client, page


def test_from_the_mail_to_the_first_page(place):
    token, _link = link_to(place, invite(place, name="<b>Eva</b>"))
    client, page = opened(token)
    assert "When was Ana María born?" in words(page)
    assert "mmr" not in words(page).lower()
    page = client.post("/start/help/", birth(NOW.date().replace(2006, 4, 3)), follow=True)
    assert "Your username is eva@home.example" in words(page)
    page = client.post("/start/help/open/", {"password1": PASSWORD, "password2": PASSWORD}, follow=True)
    assert "Health requirements of Ana María Núñez" in words(page)
    assert b"<b>Eva</b>" not in page.content
    _again, page = opened(token)
    assert "You have accepted" in words(page)


def test_five_wrong_birthdays_lock_the_link(place):
    token, _link = link_to(place, invite(place))
    client, _page = opened(token)
    for _number in range(5):
        page = client.post("/start/help/", birth(NOW.date().replace(2006, 4, 4)), follow=True)
    assert "Too many wrong answers" in words(page)
    assert client.get("/start/help/open/", follow=True).redirect_chain == [("/start/help/", 302)]


def test_without_the_answer_no_account_is_made(place):
    token, _link = link_to(place, invite(place))
    client, _page = opened(token)
    client.post("/start/help/open/", {"password1": PASSWORD, "password2": PASSWORD})
    with place.scope():
        assert Guardianship.objects.get().user_id is None


@pytest.mark.parametrize("how", ["revoked", "old link", "over"])
def test_an_invitation_that_is_none_any_more(place, time, how):
    made = invite(place)
    token, _link = link_to(place, made)
    client, _page = opened(token)
    if how == "revoked":
        with place.scope():
            actions.revoke(guardianship_id=made.id, student_id=made.student_id, by=SELF, now=NOW, today=TODAY)
    else:
        time.now = NOW + timedelta(days=31 if how == "old link" else 400)
    page = client.post("/start/help/", birth(NOW.date().replace(2006, 4, 3)), follow=True)
    said = "This link is too old" if how == "old link" else "This invitation is over"
    assert said in words(page)


def test_who_has_an_account_accepts_with_it_for_a_second_student(place):
    helper(place)
    token, _link = link_to(place, invite(place, "ben@x.edu"))
    client, _page = opened(token)
    page = client.post("/start/help/", birth(NOW.date().replace(2005, 12, 31)), follow=True)
    assert "You have an account already" in words(page)
    answer = client.get("/my/helping/accept/")
    assert answer.status_code == 302
    sign_in(EVA, PASSWORD, client)
    assert "Accept" in words(client.get("/my/helping/accept/"))
    page = client.post("/my/helping/accept/", follow=True)
    assert "Health requirements of Ben" in words(page)


def test_the_student_cannot_accept_their_own_invitation(place):
    ana = client_of(place, with_account(place, "ana@x.edu"))
    token, _link = link_to(place, invite(place))
    opened(token, ana)
    ana.post("/start/help/", birth(NOW.date().replace(2006, 4, 3)))
    assert ana.get("/my/helping/accept/").status_code == 403
    assert ana.post("/my/helping/accept/").status_code == 403
    with place.scope():
        assert Guardianship.objects.get().user_id is None


def test_the_students_page_invites_sends_again_and_says_what_is_wrong(place):
    ana = client_of(place, with_account(place, "ana@x.edu"))
    typed = {
        "name": "Eva", "email": EVA, "relation": "parent", "until": "2027-01-01", "may_see_status": "on",
    }  # fmt: skip
    assert "2028-08-02" in ana.get("/my/people/new/").content.decode()
    page = ana.post("/my/people/new/", typed | {"until": "2031-01-01"})
    assert page.status_code == 422
    assert "Choose a day not later than" in words(page)
    page = ana.post("/my/people/new/", typed, follow=True)
    assert "A mail with a link is on its way to Eva." in words(page)
    assert "Invited on Aug. 3, 2026" in words(page)
    with place.scope():
        held = Guardianship.objects.get()
    assert "A mail is on its way already" in words(ana.post(f"/my/people/{held.id}/again/", follow=True))
    ben = client_of(place, with_account(place, "ben@x.edu"))
    assert ben.post(f"/my/people/{held.id}/end/").status_code == 404


# --- signing -------------------------------------------------------------------------------------------------------


def put_name(place, answer, user, name="Eva Núñez", **options):
    values = {"agreed": True, "now": NOW, "today": TODAY} | options
    return sign(
        institution=place.institution, student_id=answer.student_id, answer_id=answer.id, name=name,
        by=Actor("guardian", str(user.id)), **values,
    )  # fmt: skip


def queued(place, answer):
    with place.scope():
        return Submission.objects.get(id=answer.submission_id).queued_at is not None


def test_a_guardian_signs_and_the_form_enters_the_queue(place):
    client = eva(place, may_see_status=False, may_sign=True)
    answer = sent_consent(place)
    with place.scope():
        assert Notice.objects.filter(kind="signature_asked").count() == 1
    assert "Consent to treatment" in words(client.get("/my/sign/"))
    page = client.get(f"/my/sign/{answer.id}/")
    assert "I agree to treatment in an emergency. Yes" in words(page)
    assert "Ana Núñez signed on Aug. 3, 2026" in words(page)
    page = client.post(f"/my/sign/{answer.id}/", {"name": " ", "agreed": "yes"})
    assert page.status_code == 422
    assert "Sign by typing your full name." in words(page)
    assert "Tick the box" in words(client.post(f"/my/sign/{answer.id}/", {"name": "Eva Núñez"}))
    assert not queued(place, answer)
    page = client.post(f"/my/sign/{answer.id}/", {"name": "Eva <b>Núñez", "agreed": "yes"}, follow=True)
    assert "You have signed" in words(page)
    assert queued(place, answer)
    with place.scope():
        assert AuditEvent.objects.filter(action="records:submission:signed").count() == 1
        assert FormAnswer.objects.get(id=answer.id).signed_on == TODAY
    page = client.post(f"/my/sign/{answer.id}/", {"name": "Eva Núñez", "agreed": "yes"}, follow=True)
    assert "does not wait for your signature any more" in words(page)


def test_two_guardians_are_two_people(place):
    define_consent(place, guardians=2)
    first, second = (
        helper(place, may_sign=True),
        helper(place, may_sign=True, email="luis@x.edu", name="Luis"),
    )
    with place.scope():
        draft = draft_of_consent(place)
        draft.draft["pieces"][0]["form_version"] = 2
        save_draft(submission_id=draft.id, draft=draft.draft, by=SELF, now=NOW)
    sending.send(institution=place.institution, submission_id=draft.id, by=SELF, now=NOW, today=TODAY)
    with place.scope():
        answer = FormAnswer.objects.get()
        put_name(place, answer, first)
        put_name(place, answer, first)
        assert Signature.objects.filter(role="guardian").count() == 1
        assert not queued(place, answer)
        put_name(place, answer, second, "Luis Núñez")
        assert [one.place for one in Signature.objects.order_by("place")] == [0, 1, 2]
    assert queued(place, answer)


@pytest.mark.parametrize("how", ["not allowed", "ended", "another student's", "over", "confidential"])
def test_who_does_not_sign(place, how):
    may = how != "not allowed"
    user = helper(place, "ben@x.edu" if how == "another student's" else "ana@x.edu", may_sign=may)
    answer = sent_consent(place)
    today = TODAY
    with place.scope():
        if how == "ended":
            held = Guardianship.objects.get()
            actions.revoke(guardianship_id=held.id, student_id=held.student_id, by=SELF, now=NOW, today=TODAY)
        if how == "over":
            today = TODAY + timedelta(days=366)
        if how == "confidential":
            Submission.objects.update(confidential=True)
        with pytest.raises(NotSignableError) as caught:
            put_name(place, answer, user, today=today)
    assert caught.value.code == "not_allowed"


def test_what_was_taken_back_is_not_signed(place):
    user = helper(place, may_sign=True)
    answer = sent_consent(place)
    sending.withdraw(
        institution=place.institution, submission_id=answer.submission_id, by=SELF, now=NOW, today=TODAY
    )
    with place.scope():
        with pytest.raises(NotSignableError):
            put_name(place, answer, user)
        assert [one.state for one in Notice.objects.filter(kind="signature_asked")] == ["dropped"]


def test_changing_a_form_takes_the_signatures_off(place):
    define_consent(place)
    user = helper(place, may_sign=True)
    answer = sent_consent(place)
    sending.reopen(
        institution=place.institution, submission_id=answer.submission_id, by=SELF, now=NOW, today=TODAY
    )
    with place.scope():
        assert Signature.objects.count() == 0
        with pytest.raises(NotSignableError):
            put_name(place, answer, user)


def test_a_form_for_a_guardian_cannot_be_kept_from_them(place):
    draft = draft_of_consent(place, confidential=True)
    with pytest.raises(NotSendableError):
        sending.send(institution=place.institution, submission_id=draft.id, by=SELF, now=NOW, today=TODAY)
    with place.scope():
        save_draft(submission_id=draft.id, draft=draft.draft, confidential=False, by=SELF, now=NOW)
    sending.send(institution=place.institution, submission_id=draft.id, by=SELF, now=NOW, today=TODAY)
    with place.scope(), pytest.raises(NeedsGuardianError):
        set_confidential(
            submission_id=draft.id, student_id=draft.student_id, confidential=True, by=SELF, now=NOW
        )


def test_the_student_sees_whose_signature_is_missing_and_invites_from_there(place):
    answer = sent_consent(place)
    ana = client_of(place, with_account(place, "ana@x.edu"))
    receipt = f"/my/handed-in/{answer.submission_id}/"
    shown = words(ana.get(receipt))
    assert "Ana Núñez signed on Aug. 3, 2026" in shown
    assert "A parent or guardian signature is missing" in shown
    assert "Nobody who helps you may sign yet." in shown
    assert "Your form waits" in words(ana.get("/my/people/new/?sign=1"))
    helper(place, may_sign=True)
    assert "We have asked: Eva Núñez" in words(ana.get(receipt))


def test_a_guardian_does_not_sign_for_the_student(place):
    user = helper(place, may_sign=True, may_upload=True)
    by = Actor("guardian", str(user.id))
    draft = draft_of_consent(place, by=by)
    with pytest.raises(NotSendableError):
        sending.send(institution=place.institution, submission_id=draft.id, by=by, now=NOW, today=TODAY)


def test_accepting_twice_in_two_windows_makes_one_account(place):
    made = invite(place)
    token, _link = link_to(place, made)
    one, _page = opened(token)
    two, _page = opened(token)
    for client in (one, two):
        client.post("/start/help/", birth(NOW.date().replace(2006, 4, 3)))
    new = {"password1": PASSWORD, "password2": PASSWORD}
    assert "Health requirements" in words(one.post("/start/help/open/", new, follow=True))
    assert "You have accepted" in words(two.post("/start/help/open/", new, follow=True))
    accepted(place, invite(place, "ben@x.edu"))
