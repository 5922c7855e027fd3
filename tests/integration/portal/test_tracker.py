"""Choosing the tracker: asked of a student who has none, once, and only among those of their own package."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from pratique.foundation import clock
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.institutions.actions import create_package
from pratique.institutions.models import Institution, Package, Tracker
from pratique.partners.actions.tokens import issue_token
from pratique.students.actions.memberships import close_membership
from pratique.students.actions.trackers import choose_tracker
from pratique.students.models import Membership
from tests.guardians import helper
from tests.schools import BY, EXAM, GROUPS, MMR, NOW, TERMS, TODAY, imported, requires
from tests.staff import make_school
from tests.students import client_of, student_of, with_account

DAN = "dan@x.edu,0004,Moss,Dan,,01/01/2004,,,1"  # on no tracker
ANA = "ana@x.edu,0001,Núñez,Ana María,,04/03/2006,Undergraduate,Fall 2026,1"
ALL = {f"{group} - {term.name}" for group in GROUPS for term in TERMS}


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def made():
    school = make_school()
    requires(school.institution, MMR, EXAM)
    imported(school.institution, DAN, ANA)
    return school


@pytest.fixture
def school(db, now):
    return made()


@pytest.fixture
def dan(school):
    return client_of(school, with_account(school, "dan@x.edu"))


def membership(school, username="dan@x.edu", package=None):
    with school.scope():
        found = Membership.objects.select_related("tracker").filter(student__username=username)
        return found.get(**({"package": package} if package else {"package__is_default": True}))


def tracker(school, name="Nursing - Fall 2026"):
    with school.scope():
        return Tracker.objects.get(name=name, package__is_default=True)


def further_package(school, *, groups=GROUPS, joins=True):
    """A second package, on which Dan is too."""
    with school.scope():
        package = create_package(
            institution=Institution.objects.get(id=school.institution.id), code=new_id().hex[-10:], name="Athletics",
            groups=groups, terms=TERMS, is_default=False, by=BY, now=NOW,
        )  # fmt: skip
        if joins:
            Membership.objects.create(
                institution=school.institution, student=student_of(school, "dan@x.edu"), package=package,
                created_at=NOW,
            )  # fmt: skip
    return package


def choose(client, held, chosen, *, method="post"):
    given = {"membership": str(held.id), "tracker": str(getattr(chosen, "id", chosen))}
    return getattr(client, method)("/my/tracker/", given)


def come(school, username="dan@x.edu"):
    with school.scope():
        student = student_of(school, username)
        token = issue_token(
            institution=school.institution, student_id=student.id, caller_identifier="live_x", now=NOW
        )
    return Client().post("/sso/", {"token": token}).headers["Location"]


def without_trackers(school):
    with school.scope():
        Membership.objects.update(tracker=None)
        Tracker.objects.all().delete()


def test_who_has_no_tracker_is_asked_first_and_others_are_not(school):
    assert come(school) == "/my/tracker/"
    assert come(school, "ana@x.edu") == "/my/"


def test_the_first_page_leads_to_the_choice(dan):
    text = dan.get("/my/").content.decode()
    assert "which list is yours?" in text
    assert 'href="/my/tracker/"' in text


def test_the_trackers_of_the_package_are_offered_by_group_with_term_and_day(school, dan):
    further_package(school, joins=False)
    with school.scope():
        Tracker.objects.filter(name="Nursing - Fall 2026").update(name="Nursing, first year")
    page = dan.get("/my/tracker/")
    offered = {one.name: group.name for group in page.context["groups"] for one in group.trackers}
    assert set(offered) == ALL - {"Nursing - Fall 2026"} | {"Nursing, first year"}
    assert all(name.startswith(group) for name, group in offered.items())
    text = page.content.decode()
    assert text.count('type="radio"') == len(ALL)
    assert "Fall 2026 · due Aug. 10, 2026" in text


def test_a_choice_is_shown_again_before_it_holds(school, dan):
    page = choose(dan, membership(school), tracker(school), method="get")
    assert page.status_code == 200
    assert "Is this right?" in page.content.decode()
    assert membership(school).tracker_id is None


def test_a_confirmed_choice_holds_and_is_evaluated_at_once(school, dan):
    done = choose(dan, membership(school), tracker(school))
    assert done.headers["Location"] == "/my/"
    held = membership(school)
    assert held.tracker.name == "Nursing - Fall 2026"
    assert (held.num_items, held.stale_since, held.status_changed_at) == (2, None, NOW)
    assert "MMR" in dan.get("/my/").content.decode()
    with school.scope():
        event = AuditEvent.objects.get(action="students:membership:tracker_chosen")
    assert event.by.startswith("student:")
    assert event.detail == {"tracker": str(held.tracker_id)}
    assert "Chose which list of requirements is yours" in dan.get("/my/seen/").content.decode()
    assert come(school) == "/my/"


def test_it_cannot_be_chosen_twice(school, dan):
    held = membership(school)
    choose(dan, held, tracker(school))
    again = choose(dan, held, tracker(school, "Undergraduate - Fall 2026"))
    assert again.headers["Location"] == "/my/"
    assert dan.get("/my/tracker/").headers["Location"] == "/my/"
    assert membership(school).tracker.name == "Nursing - Fall 2026"


@pytest.mark.usefixtures("committed")
def test_of_two_choices_at_once_one_holds(now):
    school = made()
    clients = [client_of(school, with_account(school, "dan@x.edu"))]
    clients.append(Client())
    clients[1].cookies = clients[0].cookies
    held, names = membership(school), sorted(ALL)[:2]
    chosen = [tracker(school, name) for name in names]

    def go(number):
        try:
            return choose(clients[number], held, chosen[number]).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(go, range(2))) == {302}
    assert membership(school).tracker.name in names
    with school.scope():
        assert AuditEvent.objects.filter(action="students:membership:tracker_chosen").count() == 1


def of_another_package(school):
    package = further_package(school, joins=False)
    with school.scope():
        return Tracker.objects.filter(package=package).first()


def of_another_school(_school):
    return tracker(make_school())


@pytest.mark.parametrize(
    "other",
    [of_another_package, of_another_school, lambda _: new_id(), lambda _: "", lambda _: "\0", lambda _: "x" * 9_000],
    ids=["another package's", "another school's", "made up", "none", "a null byte", "nonsense"],
)  # fmt: skip
def test_what_is_not_offered_cannot_be_chosen(school, dan, other):
    made_up = other(school)
    looked_at = choose(dan, membership(school), made_up, method="get")
    page = choose(dan, membership(school), made_up)
    assert "Is this right?" not in looked_at.content.decode()
    assert page.status_code == 422
    assert "Choose one of these." in page.content.decode()
    assert membership(school).tracker_id is None


def test_the_action_itself_refuses_what_does_not_belong_together(school):
    ana, dan = student_of(school, "ana@x.edu"), student_of(school, "dan@x.edu")
    held, good = membership(school), tracker(school)

    def chosen(student, chosen_tracker):
        with school.scope():
            return choose_tracker(
                student=student,
                membership_id=held.id,
                tracker_id=chosen_tracker.id,
                by=BY,
                now=NOW,
                today=TODAY,
            )

    assert not chosen(ana, good)
    assert not chosen(dan, of_another_package(school))
    assert not chosen(dan, of_another_school(school))
    assert membership(school).tracker_id is None
    assert chosen(dan, good)
    assert not chosen(dan, tracker(school, "Nursing - Spring 2027"))


def test_anothers_registration_cannot_be_chosen_for(school, dan):
    with school.scope():
        Membership.objects.update(tracker=None)
    choose(dan, membership(school, "ana@x.edu"), tracker(school))
    assert membership(school, "ana@x.edu").tracker_id is None
    assert membership(school).tracker_id is None


def test_several_registrations_are_asked_for_one_after_the_other(school, dan):
    package = further_package(school)
    first = dan.get("/my/tracker/").context["asked"]
    assert first.package.name == "Athletics"
    with school.scope():
        one = Tracker.objects.filter(package=package).first()
    done = choose(dan, first, one)
    assert done.headers["Location"] == "/my/tracker/"
    second = dan.get("/my/tracker/").context["asked"]
    assert second.package.name == "Health"
    assert choose(dan, second, tracker(school)).headers["Location"] == "/my/"


def test_a_package_without_trackers_asks_nothing_and_says_who_will(school, dan):
    without_trackers(school)
    assert come(school) == "/my/tracker/", "which goes on by itself"
    assert dan.get("/my/tracker/").headers["Location"] == "/my/"
    text = dan.get("/my/").content.decode()
    assert "Your school will say which of its lists is yours" in text
    assert "/my/tracker/" not in text


def test_where_only_one_of_two_packages_has_trackers_there_is_no_loop(school, dan):
    further_package(school, groups=())
    assert choose(dan, membership(school), tracker(school)).headers["Location"] == "/my/tracker/"
    assert dan.get("/my/tracker/").headers["Location"] == "/my/"
    assert dan.get("/my/").status_code == 200


@pytest.mark.parametrize("expires_on", [None, NOW.date().replace(day=1)], ids=["archived", "expired"])
def test_for_a_registration_that_ended_nothing_is_asked(school, dan, expires_on):
    further_package(school)
    with school.scope():
        close_membership(membership=membership(school), expires_on=expires_on, by=BY, now=NOW)
    assert dan.get("/my/tracker/").context["asked"].package.name == "Athletics"
    choose(dan, membership(school), tracker(school))
    assert membership(school).tracker_id is None


def test_it_is_not_a_guardians_to_choose(school):
    eva = client_of(school, helper(school, "dan@x.edu", may_upload=True, may_sign=True))
    assert "has yet to choose" in eva.get("/my/").content.decode()
    assert eva.get("/my/tracker/").status_code == 404
    assert choose(eva, membership(school), tracker(school)).status_code == 404
    assert membership(school).tracker_id is None


def test_a_choice_without_the_pages_own_token_is_refused(school):
    client = client_of(school, with_account(school, "dan@x.edu"))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert choose(strict, membership(school), tracker(school)).status_code == 403
    assert membership(school).tracker_id is None


def test_no_package_code_is_shown(school, dan):
    with school.scope():
        code = Package.objects.get(is_default=True).code
    assert code not in dan.get("/my/tracker/").content.decode()
