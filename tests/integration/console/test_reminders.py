"""Reminders in the console: what waits, batches, the ledger, ladders, settings, a list by hand, escalations."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.foundation.ids import new_account_token
from pratique.institutions.models import RequirementGroup, Tracker
from pratique.interfaces.console import reminder_words
from pratique.reminders import queries
from pratique.reminders.actions import ladders, nudges
from pratique.reminders.models import Batch, Escalation, Reminder
from pratique.reminders.types import REASONS, Step
from pratique.screens import words
from pratique.students.models import Membership, Notice, NoticeState, Student
from tests.integration.console.conftest import text_of
from tests.integration.reminders.situations import limit
from tests.schools import BY, NOW

pytestmark = pytest.mark.django_db
AT = "/reminders/"
DUE = date(2026, 8, 10)


@pytest.fixture
def coordinator(signed_in):
    return signed_in(Role.COORDINATOR)


def enrolled(school, *names: str, group: str = "Undergraduate", **values) -> list[Membership]:
    """Students of these names of whom something is asked, written straight into the tables."""
    with school.scope():
        tracker = Tracker.objects.get(name=f"{group} - Fall 2026")
        made = Student.objects.bulk_create(
            Student(
                institution=school.institution, username=f"{name}@x.edu", username_key=f"{name}@x.edu",
                email=f"{name}@x.edu", first_name=name.title(), last_name="Okafor", account_token=new_account_token(),
                search_text=f"okafor {name} {name}@x.edu", created_at=NOW, updated_at=NOW,
            )
            for name in names
        )  # fmt: skip
        long_ago = NOW - timedelta(days=40)
        return Membership.objects.bulk_create(
            Membership(
                institution=school.institution, student=one, package=tracker.package, tracker=tracker,
                created_at=long_ago, **values,
            )
            for one in made
        )  # fmt: skip


def nudged(school, members, told="Standing: Not complete", now=NOW) -> Batch:
    return nudges.nudge(
        institution=school.institution, membership_ids=[one.id for one in members], told=told, by=BY, now=now
    )


def escalated(school, members, kind="hold", **values) -> list[Escalation]:
    given = {"contact": "" if kind == "hold" else "office@x.edu", "due_on": DUE, "state": "waiting"} | values
    with school.scope():
        return Escalation.objects.bulk_create(
            Escalation(
                institution=school.institution, membership=one, step=f"7-after-{kind}", kind=kind,
                created_at=NOW, **given,
            )
            for one in members
        )  # fmt: skip


def said(answer) -> str:
    return unescape(text_of(answer))


# --- who, and whose ------------------------------------------------------------------------------------------------


def test_only_those_who_may_reach_a_page_and_only_their_schools(signed_in, coordinator, school, other_school):
    limit(school.institution, 0), limit(other_school.institution, 0)
    (ours,), (theirs,) = enrolled(school, "ana"), enrolled(other_school, "zoe")
    batch, foreign = nudged(school, [ours]), nudged(other_school, [theirs])
    (escalation,) = escalated(other_school, [theirs])
    with school.scope():
        group = RequirementGroup.objects.get(name="Nursing").id
    with other_school.scope():
        their_group = RequirementGroup.objects.get(name="Nursing").id
    pages = ["", "ledger/", "settings/", "nudge/", "ladders/", "ladders/common/", "escalations/"]
    own = {f"batches/{batch.id}/": f"batches/{foreign.id}/", f"ladders/{group}/": f"ladders/{their_group}/"}
    own[f"batches/{batch.id}/approve/"] = f"batches/{foreign.id}/approve/"
    nurse = signed_in(Role.REVIEWER)
    for path in [*pages, *own]:
        assert nurse.get(AT + path).status_code == 403, path
        assert coordinator.get(AT + path).status_code == 200, path
    for path in own.values():
        assert coordinator.get(AT + path).status_code == 404, path
        assert coordinator.post(AT + path).status_code in (404, 405), path
    assert nurse.post(f"{AT}escalations/decide/").status_code == 403
    assert nurse.get(f"/students/{ours.student_id}/remind/").status_code == 403
    assert coordinator.get(f"/students/{theirs.student_id}/remind/").status_code == 404
    coordinator.post(f"{AT}escalations/decide/", {"deed": "approve", "escalation": escalation.id, "confirm": "y",
                                                  "number": "9"})  # fmt: skip
    with other_school.scope():
        assert Escalation.objects.get().state == "waiting"
        assert Batch.objects.get().state == "waiting"
    assert "Remind these students" not in text_of(nurse.get("/students/"))


# --- a list by hand, and its batch ---------------------------------------------------------------------------------


def test_a_filtered_list_is_reminded_as_the_page_said(coordinator, school):
    enrolled(school, "ana", "ben", "chi"), enrolled(school, "dan", group="Nursing")
    enrolled(school, "eve", user_complete=True)
    with school.scope():
        Student.objects.filter(username="ben@x.edu").update(email="")
        tracker = Tracker.objects.get(name="Undergraduate - Fall 2026").id
    listed = (
        coordinator.get("/students/", {"tracker": tracker, "size": 25, "sort": "-name"}).getvalue().decode()
    )
    (link,) = re.findall(r'href="(/reminders/nudge/[^"]*)"', listed)
    assert link == f"/reminders/nudge/?tracker={tracker}", "all of the filter, no order and no ids"
    page = coordinator.get(link)
    for words_ in (
        "Remind 2 students?", "Tracker: Undergraduate - Fall 2026 · 4 on the list", "At once",
        "There is no address to write to.", "Everything is handed in, and waits for the school.", "Send to 2 students",
        "It is due on Aug. 10, 2026.", "fecha límite es el 10 de agosto",
    ):  # fmt: skip
        assert words_ in said(page), words_
    assert "MMR" not in said(page)
    with school.scope():
        assert not Notice.objects.exists(), "looking sends nothing"
    batch_page = coordinator.post(link, {"list": "4"}, follow=True)
    assert "2 students are reminded." in said(batch_page)
    with school.scope():
        batch = Batch.objects.get()
        assert sorted(Notice.objects.values_list("student__username", flat=True)) == [
            "ana@x.edu",
            "chi@x.edu",
        ]
    assert batch_page.redirect_chain[-1][0] == f"{AT}batches/{batch.id}/"
    assert "By hand: Tracker: Undergraduate - Fall 2026" in said(batch_page)
    assert "E-mail on its way" in said(batch_page)
    assert "Nobody was reminded." in said(coordinator.post(link, {"list": "4"}, follow=True)), "not twice"


def test_a_list_that_grew_is_shown_again_and_a_search_is_not_kept(coordinator, school):
    enrolled(school, "ana", "ben")
    again = coordinator.post(f"{AT}nudge/?q=okafor", {"list": "1"})
    assert again.status_code == 409
    assert "The list has grown" in said(again)
    with school.scope():
        assert not Batch.objects.exists()
    coordinator.post(f"{AT}nudge/?q=okafor", {"list": "3"})
    with school.scope():
        assert Batch.objects.get().told == "found by a search"
    assert "No student fits the filters." in said(coordinator.get(f"{AT}nudge/?q=zzz"))


def test_a_batch_above_the_limit_waits_and_is_approved_or_refused_once(coordinator, school):
    limit(school.institution, 1)
    first, second = enrolled(school, "ana", "ben"), enrolled(school, "chi", "dan")
    link = f"{AT}nudge/?q=okafor"
    page = said(coordinator.get(link))
    assert "After somebody’s approval" in page
    assert "Ask for approval for 4 students" in page
    batch, other = nudged(school, first), nudged(school, second)
    overview = said(coordinator.get(AT))
    assert "Reminders to 4 students wait for approval" in overview
    assert "2 batches of reminders wait for approval" in said(coordinator.get("/"))
    at = f"{AT}batches/{batch.id}/"
    assert "nothing has been sent More than 1 student in one day" in said(coordinator.get(at))
    assert "Send to 2 students" in said(coordinator.get(f"{at}approve/"))
    with school.scope():
        assert not Notice.objects.exists(), "looking approves nothing"
        Membership.objects.filter(id=first[0].id).update(user_complete=True)
    assert "1 student is reminded." in said(coordinator.post(f"{at}approve/", follow=True))
    shown = said(coordinator.get(at))
    assert "Sent, or on its way" in shown
    assert "1 Everything is handed in, and waits for the school." in shown
    assert "Approve" not in shown.split("Who")[0].replace("Approved", "")
    assert "Somebody has decided" in said(coordinator.post(f"{at}refuse/", follow=True))
    assert "Nothing of it is sent." in said(coordinator.post(f"{AT}batches/{other.id}/refuse/", follow=True))
    with school.scope():
        assert Notice.objects.count() == 1
        assert Batch.objects.get(id=other.id).state == "refused"
    assert coordinator.get(f"{AT}batches/{other.id}/eat/").status_code == 404
    assert coordinator.get(f"{AT}batches/{other.id}/approve/").status_code == 302


def test_one_student_is_reminded_from_their_page_which_shows_it(coordinator, school):
    (ana,) = enrolled(school, "ana")
    escalated(school, [ana])
    at = f"/students/{ana.student_id}/"
    assert f'href="{at}remind/"' in coordinator.get(at).getvalue().decode()
    assert "Remind Ana Okafor?" in said(coordinator.get(f"{at}remind/"))
    coordinator.post(f"{at}remind/", {"list": "1"})
    page = said(coordinator.get(at))
    assert "By hand (the whole batch) On its way E-mail on its way" in page
    assert "Registration hold, since Aug. 3, 2026" in page
    with school.scope():
        assert Batch.objects.get().told == "One student"


# --- the ledger ----------------------------------------------------------------------------------------------------


def test_the_ledger_is_searched_filtered_and_sorted_in_a_fixed_number_of_queries(coordinator, school):
    assert "Nobody was reminded yet" in said(coordinator.get(f"{AT}ledger/"))
    assert "Nothing went out yet" in said(coordinator.get(AT))
    members = enrolled(school, "ana", "ben", "chi")
    nudged(school, members[:1], now=NOW - timedelta(days=5))
    nudged(school, members)
    with school.scope():
        Notice.objects.update(state="failed")
        Reminder.objects.filter(membership=members[1]).update(
            step="7-before", state="left_out", reason="no_address"
        )

    def names(**query) -> list[str]:
        body = coordinator.get(f"{AT}ledger/", query).getvalue().decode()
        return re.findall(r'href="/students/[^"]+">Okafor, (\w+)</a>', body)

    assert len(names()) == 4
    assert names(q="OKAFOR ana") == ["Ana", "Ana"]
    assert names(state="left_out") == names(reason="no_address") == names(step="7-before") == ["Ben"]
    assert "Ben" not in names(step="nudge")
    assert names(sort="student") == ["Ana", "Ana", "Ben", "Chi"]
    assert names(sort="-student") == ["Chi", "Ben", "Ana", "Ana"]
    assert names(q="zzz", state="nonsense", sort="nonsense") == []
    for sort in queries.REMINDER_SORTS:
        assert len(names(sort=f"-{sort}")) == 4, sort
    page = said(coordinator.get(f"{AT}ledger/"))
    assert "Could not be sent E-mail could not be sent" in page
    assert "7 days before" in page
    assert str(REASONS["no_address"]) in page

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            coordinator.get(path)
        return len(found)

    before = [asked(f"{AT}ledger/"), asked(AT)]
    more = enrolled(school, *(f"s{n}" for n in range(12)))
    for one in more[:3]:
        nudged(school, [one])
    nudged(school, more[3:])
    assert [asked(f"{AT}ledger/"), asked(AT)] == before


# --- ladders and settings ------------------------------------------------------------------------------------------


def typed(*rows, **more) -> dict:
    """What a browser sends for a ladder: days, when, kind, and what else is ticked or filled in."""
    data = {"row": [str(n) for n in range(len(rows))], "deed": "save"}
    for n, (days, when, kind, *others) in enumerate(rows):
        data |= {f"s{n}-days": days, f"s{n}-when": when, f"s{n}-kind": kind}
        data |= {f"s{n}-{name}": value for name, value in (others[0] if others else {}).items()}
    return data | more


MAIL = {"mail": "on"}


def test_a_ladder_is_edited_tried_and_switched_on(coordinator, school):
    enrolled(school, "ana", "ben"), enrolled(school, "dan", group="Nursing")
    with school.scope():
        group = RequirementGroup.objects.get(name="Undergraduate")
    at = f"{AT}ladders/{group.id}/"
    first = said(coordinator.get(at))
    assert "follows the common ladder" in first
    assert "14 days before August 10, on July 27: e-mail, and text to those who want it" in first
    rows = [("7", "before", "reminder", MAIL), ("", "on", "reminder", MAIL)]
    tried = coordinator.post(at, typed(*rows, deed="try", is_on="on"))
    assert "2 students would be reminded today" in said(tried)
    common = coordinator.post(f"{AT}ladders/common/", typed(*rows, deed="try"))
    assert "3 students would be reminded today" in said(common)
    added = coordinator.post(at, typed(*rows, deed="add")).getvalue().decode()
    assert added.count('name="row"') == 3
    assert re.search(r'name="s2-days"[^>]* autofocus', added)
    removed = coordinator.post(at, typed(*rows, deed="remove-0"))
    assert removed.getvalue().decode().count('name="row"') == 1
    assert "On August 10, the due date: e-mail" in said(removed)
    assert coordinator.post(at, typed(deed="suggest")).getvalue().decode().count('name="row"') == 8
    with school.scope():
        assert not queries.ladders()[1].is_own, "none of these saves"
    rows.append(("10", "after", "housing", {"contact": "housing@x.edu", "needs_approval": "on"}))
    done = coordinator.post(at, typed(*rows, is_on="on"), follow=True)
    assert "The ladder is saved, and on." in said(done)
    with school.scope():
        view = next(one for one in queries.ladders() if one.requirement_group_id == group.id)
    assert (view.is_own, view.is_on) == (True, True)
    assert view.steps == (
        Step(-7, channels=("mail",)), Step(0, channels=("mail",)),
        Step(10, "housing", (), "housing@x.edu", True),
    )  # fmt: skip
    assert "1 of 2 groups" in said(coordinator.get(AT))
    assert "The 3 steps of its own are deleted." in said(coordinator.get(f"{at}follow/"))
    coordinator.post(f"{at}follow/")
    with school.scope():
        assert not any(one.is_own for one in queries.ladders())
    assert coordinator.post(f"{at}follow/").status_code == 404


@pytest.mark.parametrize(
    ("rows", "mended", "why"),
    [
        pytest.param([("", "before", "reminder", MAIL)], "s0-days", "Write how many days", id="no days"),
        pytest.param([("999", "after", "reminder", MAIL)], "s0-days", "from 1 to 365", id="too far away"),
        pytest.param([("7", "before", "reminder")], "s0-mail", "Choose e-mail", id="no way to tell"),
        pytest.param([("7", "before", "hold")], "s0-days", "Nobody is reported", id="a hold before the date"),
        pytest.param([("7", "after", "advisor", {"contact": "x"})], "s0-contact", "Write the e-mail", id="no address"),
        pytest.param([("7", "after", "reminder", MAIL)] * 2, "s1-days", "two steps of this kind", id="twice the same"),
        pytest.param([], "", "at least one step", id="on without a step"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_ladder_is_said_beside_its_field(coordinator, school, rows, mended, why):
    answer = coordinator.post(f"{AT}ladders/common/", typed(*rows, is_on="on"))
    body = unescape(answer.getvalue().decode())
    assert answer.status_code == 422
    assert why in body
    if mended:
        assert re.search(rf'<span class="usa-error-message" id="id_{mended}_error">[^<]*{why}', body)
    with school.scope():
        assert not queries.ladders()[0].is_own


def test_settings_are_kept_and_what_is_wrong_is_marked(coordinator, school):
    at = f"{AT}settings/"
    good = {
        "quiet_from": "21:00", "quiet_until": "09:00", "weekdays": ["1", "2"], "most_a_week": "3", "days_between": "1",
        "approval_above": "50",
    }  # fmt: skip
    for field, value in (
        ("quiet_until", "20:30"), ("weekdays", []), ("most_a_week", "9"), ("days_between", "0"),
        ("approval_above", "many"), ("quiet_from", "25:00"),
    ):  # fmt: skip
        answer = coordinator.post(at, good | {field: value})
        assert answer.status_code == 422, field
        assert "usa-error-message" in answer.getvalue().decode().split(f'name="{field}"')[0], field
    assert coordinator.post(at, good).status_code == 302
    with school.scope():
        rules = queries.settings_of()
    assert (rules.quiet_from.hour, rules.weekdays, rules.approval_above) == (21, (1, 2), 50)
    coordinator.post(at, good | {"weekdays": [str(one) for one in range(1, 8)]})
    with school.scope():
        assert queries.settings_of().weekdays == (), "every day is no day left out"


# --- escalations ---------------------------------------------------------------------------------------------------


def test_escalations_are_chosen_named_and_decided(coordinator, school, monkeypatch):
    assert "No escalation" in said(coordinator.get(f"{AT}escalations/"))
    members = enrolled(school, "ana", "ben", "chi", "dan")
    holds, housing = escalated(school, members), escalated(school, members[:2], "housing")
    at, decide = f"{AT}escalations/", f"{AT}escalations/decide/"
    assert "All 6 that wait" in said(coordinator.get(at))
    assert "6 escalations wait" in said(coordinator.get(AT))
    assert "2 escalations" in said(coordinator.get(at, {"kind": "housing"}))
    assert "Nothing fits" in said(coordinator.get(at, {"state": "ended"}))
    chosen = [holds[0].id, housing[0].id, "nonsense"]
    named = said(coordinator.post(decide, {"deed": "approve", "escalation": chosen}))
    assert "Approve 2 escalations?" in named
    assert all(str(reminder_words.CONSEQUENCES[kind]) in named for kind in ("hold", "housing"))

    def states(kind) -> list[str]:
        with school.scope():
            by_name = Escalation.objects.order_by("membership__student__username")
            return list(by_name.filter(kind=kind).values_list("state", flat=True))

    assert set(states("hold") + states("housing")) == {"waiting"}, "naming decides nothing"
    sure = {"deed": "approve", "escalation": chosen, "confirm": "yes", "number": "2"}
    assert "2 are approved." in said(coordinator.post(decide, sure, follow=True))
    assert states("housing") == ["approved", "waiting"]
    assert "Choose at least one" in said(coordinator.post(decide, sure, follow=True))
    every = {"deed": "refuse", "all": "on", "kind": "hold", "confirm": "yes"}
    assert "There are more of them" in said(coordinator.post(decide, {**every, "number": "2"}))
    assert "3 are decided against." in said(coordinator.post(decide, {**every, "number": "3"}, follow=True))
    assert states("hold") == ["approved", "refused", "refused", "refused"]
    assert states("housing") == ["approved", "waiting"], "the filter is kept"


# --- words ---------------------------------------------------------------------------------------------------------


def test_every_state_has_its_words():
    states = dict(Batch._meta.get_field("state").choices)
    assert set(words.CHIPS["batch"]) == {*states, "empty"}
    assert set(words.CHIPS["escalation"]) == set(dict(Escalation._meta.get_field("state").choices))
    for channel in ("mail", "text"):
        assert all(reminder_words.message_of(channel, state) for state in NoticeState)
    assert set(reminder_words.STATES) == set(dict(Reminder._meta.get_field("state").choices))
    for days in (-14, -1, 0, 1, 7):
        assert reminder_words.step(Step(days).key) == {
            -14: "14 days before", -1: "1 day before", 0: "On the day", 1: "1 day after", 7: "7 days after",
        }[days]  # fmt: skip
    assert reminder_words.step("") == "By hand"
    assert reminder_words.sentence(Step(0), None) == "On the due date: e-mail, and text to those who want it"
    assert reminder_words.sentence(Step(7, "hold", ()), DUE) == (
        "7 days after August 10, on August 17: a registration hold is asked for, once somebody approves"
    )


def test_the_common_ladder_shows_no_group_that_has_its_own(coordinator, school):
    enrolled(school, "ana"), enrolled(school, "dan", group="Nursing")
    with school.scope():
        group = RequirementGroup.objects.get(name="Nursing")
    ladders.set_ladder(
        institution=school.institution,
        requirement_group=group,
        steps=(Step(-7),),
        is_on=False,
        by=BY,
        now=NOW,
    )
    tried = coordinator.post(f"{AT}ladders/common/", typed(("7", "before", "reminder", MAIL), deed="try"))
    assert "1 student would be reminded today" in said(tried)
