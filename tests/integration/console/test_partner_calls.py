"""The log of calls in the console: rows, filters, order, pages, file; and what the activity list says of partners."""

import csv
import io
import re
from datetime import timedelta

import pytest

from pratique.accounts.roles import Role
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.partners import call_log
from pratique.partners.actions import clients
from pratique.partners.models import Environment, Partner, PartnerCall
from tests.integration.console.conftest import text_of
from tests.partners import a_partner, with_calls
from tests.schools import BY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(school):
    return a_partner(school.institution, name="Student portal")


@pytest.fixture
def address(held):
    return f"/partners/{held.client.partner_id}/"


@pytest.fixture
def admin(signed_in):
    return signed_in(Role.ADMINISTRATOR)


def rows_of(school, model):
    with school.scope():
        return list(model.objects.order_by("id"))


# --- the log --------------------------------------------------------------------------------------------------------


def listed(page):
    table = re.search(
        r'<table class="usa-table cards sortable calls">.*?<tbody>(.*?)</tbody>', page.content.decode(), re.S
    )
    return [
        [" ".join(re.sub("<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", table.group(1) if table else "", re.S)
    ]


def test_a_call_is_a_row_with_its_outcome_in_words(admin, address, held):
    with_calls(held, 5)
    rows = listed(admin.get(f"{address}calls/"))
    assert rows[0] == [
        "2026-08-03 11:00:00",
        "Production",
        "createUser",
        "Done 200",
        "3",
        "300 / 120",
        held.key.fingerprint,
        "203.0.113.0",
    ]
    assert (
        rows[4][3] == "NONCE_REPEATED This nonce has been used before by this client; nothing was done. 409"
    )
    assert "Send the call again with a fresh nonce" in text_of(admin.get(f"{address}calls/"))


LOGS = [
    ("", 50),
    ("?size=200", 160),
    ("?page=4", 10),
    ("?page=99999999", 10),
    ("?outcome=OK&size=200", 100),
    ("?outcome=refused&size=200", 60),
    ("?outcome=NONCE_REPEATED", 20),
    ("?method=getUser", 32),
    ("?method=getUser&outcome=FIELD_INVALID", 4),
    ("?environment=demo", 0),
    ("?environment=production&size=200", 160),
    ("?key=0000000000000000", 0),
    ("?from=2026-08-03&to=2026-08-03&size=200", 160),
    ("?from=2026-08-04", 0),
    ("?to=2026-08-02", 0),
    (
        "?from=2026-13-45&to=9999-12-31&method=x'--&outcome=%00&key=';drop&environment=%F0%9F%92%A9&sort=id;"
        "&page=0x1&size=200", 160,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("query", "number"), LOGS, ids=[one[0] or "plain" for one in LOGS])
def test_the_log_is_filtered_and_paged(admin, address, held, query, number):
    with_calls(held, 160)
    page = admin.get(f"{address}calls/{query}")
    assert page.status_code == 200
    assert len(listed(page)) == number


ORDERS = [
    ("when", 0),
    ("-when", 0),
    ("method", 2),
    ("-method", 2),
    ("outcome", 3),
    ("duration", 4),
    ("-duration", 4),
]


@pytest.mark.parametrize(("sort", "column"), ORDERS)
def test_the_log_is_sorted(admin, address, held, sort, column):
    with_calls(held, 40)
    cells = [row[column] for row in listed(admin.get(f"{address}calls/?sort={sort}"))]
    cells = (
        [int(cell) for cell in cells]
        if column == 4
        else [cell.split(" ")[0] for cell in cells]
        if column == 3
        else cells
    )
    if column == 3:
        cells = ["OK" if cell == "Done" else cell for cell in cells]
    assert cells == sorted(cells, reverse=sort.startswith("-"))
    assert len(set(cells)) > 1


def test_both_environments_are_one_list_by_time(admin, address, held, school):
    with school.scope():
        client = clients.create_client(
            partner=Partner.objects.get(),
            environment=Environment.DEMO,
            acts_for=school.institution.id,
            by=BY,
            now=NOW,
        )
    demo = type(held)(client.identifier, "", client, held.key)
    with_calls(held, 3, apart=timedelta(minutes=2))
    with_calls(demo, 3, until=NOW - timedelta(minutes=1), apart=timedelta(minutes=2))
    rows = listed(admin.get(f"{address}calls/"))
    assert [row[1] for row in rows] == ["Production", "Demo"] * 3
    assert len(listed(admin.get(f"{address}calls/?environment=demo"))) == 3


def test_beyond_the_newest_ones_the_page_says_so_and_the_file_holds_all(admin, address, held, monkeypatch):
    monkeypatch.setattr(call_log, "MOST_LISTED", 20)
    with_calls(held, 30)
    page = admin.get(f"{address}calls/")
    assert "The newest 20 calls" in text_of(page)
    assert len(listed(page)) == 20
    assert len(lines_of(admin.post(f"{address}calls/export.csv"))) == 31


def lines_of(answer):
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_file_is_neutralised_and_holds_the_filter(admin, address, held, school):
    with_calls(held, 10)
    with school.scope():
        PartnerCall.objects.filter(code="FIELD_INVALID").update(detail="=1+1")
    answer = admin.post(f"{address}calls/export.csv", {"outcome": "FIELD_INVALID"})
    lines = lines_of(answer)
    assert lines[0][:4] == ["At", "Environment", "Method", "Outcome"]
    assert [line[3] for line in lines[1:]] == ["FIELD_INVALID"]
    assert lines[1][5] == "'=1+1"
    with school.scope():
        event = AuditEvent.objects.get(action="console:partner_calls:exported")
        assert event.detail == {"outcome": "FIELD_INVALID"}


def test_a_log_of_nothing_says_how_it_fills(admin, address):
    assert "Nothing has been called yet" in text_of(admin.get(f"{address}calls/"))
    assert "Nothing fits these filters" in text_of(admin.get(f"{address}calls/?method=getUser"))


def test_the_activity_list_names_partners_and_their_deeds(admin, held, school):
    from pratique.foundation import audit

    with institution_scope(school.institution.id):
        for actor in (held.client_id, "live_nobody"):
            audit.record(
                "partners:student:created", institution_id=school.institution.id, by=audit.Actor("partner", actor),
                now=NOW + timedelta(minutes=1),
            )  # fmt: skip
    page = text_of(admin.get("/activity/"))
    assert "Student portal" in page
    assert "A partner’s system" in page
    assert "Made a partner’s key" in page
