"""A coordinator reminds the students of a filter, and a list above the limit waits until somebody approves it."""

from datetime import timedelta

from django.core import mail
from playwright.sync_api import Page, expect

from pratique.students.models import Invitation, Membership, NoticeState
from tests.integration.reminders.situations import limit
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in
from tests.schools import NOW

# What a reminder must not say (wish 11): a mail is read over a shoulder.
HEALTH = ("mmr", "exam", "vaccin", "dose", "immuni", "health record", "missing")


def test_students_are_reminded_by_hand(place: Place, page: Page):
    place.with_students()
    with place.school.scope():
        # They were invited long ago, and one of them has handed in everything since.
        Invitation.objects.update(
            state="sent", queued_at=NOW - timedelta(days=40), changed_at=NOW - timedelta(days=40)
        )
        Membership.objects.filter(student__username="ana@x.edu").update(user_complete=True)
    limit(place.school.institution, 1)
    mail.outbox.clear()
    sign_in(page, place)

    def reminded() -> list[str]:
        place.work()
        return sorted(one.to[0] for one in mail.outbox if "reminder" in one.subject.lower())

    # One student is within the limit: what the page says is what happens.
    page.goto("/students/?q=x.edu")
    page.get_by_text("Filters", exact=True).click()
    page.locator("#filter-tracker").select_option(label="Nursing - Fall 2026")
    expect(page.locator("#results strong")).to_have_text("1 student")
    page.get_by_role("link", name="Remind this student").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remind 1 student?")
    expect(page.get_by_role("main")).to_contain_text("At once")
    page.get_by_text("Español", exact=True).first.click()
    expect(page.get_by_text("Un recordatorio de Test College").first).to_be_visible()
    assert faults_of(page) == []
    assert reminded() == []
    page.get_by_role("button", name="Send to 1 student").click()
    expect(page.get_by_text("1 student is reminded.")).to_be_visible()
    assert reminded() == ["ben@x.edu"]
    said = f"{mail.outbox[-1].subject} {mail.outbox[-1].body}".lower()
    assert not [word for word in HEALTH if word in said]
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("E-mail sent")

    # Everybody: above the limit of the day it waits. Who has done their part, and who was told just now, get none.
    page.goto("/students/")
    page.get_by_role("link", name="Remind these students").click()
    expect(page.get_by_text("Everything is handed in, and waits for the school.")).to_be_visible()
    expect(page.get_by_text("The last reminder was only a few days ago.")).to_be_visible()
    page.get_by_role("button", name="Ask for approval for 1 student").click()
    expect(page.get_by_text("It waits for approval. Nothing has been sent yet.")).to_be_visible()
    assert reminded() == ["ben@x.edu"]
    page.goto("/")
    page.get_by_role("link", name="1 batch of reminders waits for approval").click()
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        assert faults_of(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.get_by_role("link", name="Look at it and decide").click()
    assert faults_of(page) == []
    page.get_by_role("link", name="Approve").click()
    page.get_by_role("button", name="Send to 1 student").click()
    expect(page.get_by_text("1 student is reminded.")).to_be_visible()
    assert reminded() == ["ben@x.edu", "chi@x.edu"]

    # A ladder, by its keyboard: each step says at once what it does.
    page.set_viewport_size(DESK)
    page.goto("/reminders/ladders/common/")
    page.get_by_role("button", name="Add a step").press("Enter")
    days = page.get_by_role("group", name="Step 9").get_by_label("Days")
    expect(days).to_be_focused()
    days.fill("3")
    expect(page.get_by_role("group", name="Step 9")).to_contain_text("3 days after August 10, on August 13")
    assert faults_of(page) == []
    page.get_by_text("This ladder is on").click()
    days.press("Enter")
    expect(page.get_by_text("The ladder is saved, and on.")).to_be_visible()
    page.get_by_role("link", name="All reminders").click()
    expect(page.get_by_role("main")).to_contain_text("3 reminders")
    assert faults_of(page) == []
    with place.school.scope():
        assert set(Invitation.objects.values_list("state", flat=True)) == {NoticeState.SENT}
