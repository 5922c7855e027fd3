"""What holds for every page: headers, no inline code, a name for each control, colors that can be read."""

import re
import uuid
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core import mail
from django.db import OperationalError
from django.test import Client

from pratique.accounts.roles import Role
from pratique.interfaces.console import activity_words, outbox
from pratique.screens import words
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import imported, judged

pytestmark = pytest.mark.django_db

CONSOLE = Path(outbox.__file__).parent
SCREENS = Path(words.__file__).parent
ROWS = ("ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1", "b,0002,,,,13/13/2001,,,")


@pytest.fixture
def pages(school, signed_in) -> dict[str, str]:
    """The HTML of every page of the console, by its address."""
    roster_import = imported(school.institution, *ROWS)
    judged(school.institution)
    with school.scope():
        student = Student.objects.get()
    client = signed_in(Role.ADMINISTRATOR)
    addresses = [
        "/", "/students/", "/students/?q=ana&standing=not_complete", "/students/?q=zzz",
        f"/students/{student.id}/", "/rosters/", "/rosters/new/", f"/rosters/{roster_import.id}/", "/reports/",
        "/reports/compliance-summary/", "/reports/student-detail/?due_from=x", "/activity/", "/help/",
        "/account/password/change/", "/account/2fa/", "/account/2fa/totp/activate/", "/account/logout/", "/nowhere/",
    ]  # fmt: skip
    found = {path: client.get(path, follow=True).content.decode() for path in addresses}
    anyone = Client()
    for path in ("/account/login/", "/account/password/reset/", "/account/password/reset/done/"):
        found[path] = anyone.get(path).content.decode()
    return found


class Inspector(HTMLParser):
    """Collects what must not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "script" and "src" not in named and named.get("type") != "application/json":
            self.faults.append("inline script")
        if tag == "style" or "style" in named:
            self.faults.append(f"inline style on {tag}")
        self.faults += [f"{name} on {tag}" for name in named if name.startswith(("on", "hx-on"))]
        if tag == "img" and "alt" not in named:
            self.faults.append("img without alt")
        if tag == "form" and named.get("method") == "post" and not named.get("action", "/").startswith("/"):
            self.faults.append("form that leads elsewhere")
        if tag == "label" and named.get("for"):
            self.labelled.add(named["for"])
        if tag in {"input", "select", "textarea"} and named.get("type") not in {"hidden", "submit"}:
            self.controls.append(named)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if "id" in named:
            self.ids.append(named["id"])


def test_no_page_has_inline_code_or_nameless_controls(pages):
    faults = {}
    for path, html in pages.items():
        inspector = Inspector()
        inspector.feed(html)
        found = inspector.faults
        found += [f"id twice: {key}" for key in set(inspector.ids) if inspector.ids.count(key) > 1]
        found += [
            f"no label: {control.get('name') or control.get('id')}"
            for control in inspector.controls
            if control.get("id") not in inspector.labelled and not control.get("aria-label")
        ]
        if inspector.headings.count("h1") != 1:
            found.append(f"{inspector.headings.count('h1')} h1")
        if 'lang="en"' not in html:
            found.append("no language")
        if found:
            faults[path] = found
    assert faults == {}


def test_titles_differ_and_name_no_one(pages):
    titles = {
        path: re.search(r"<title>(.*?)</title>", html, re.S).group(1).strip() for path, html in pages.items()
    }
    assert all(title.endswith("· Pratique") and len(title) > 12 for title in titles.values()), titles
    assert not any("Ana" in title or "Núñez" in title for title in titles.values())


@pytest.mark.parametrize("path", ["/account/login/", "/nowhere/", "/students/"])
def test_every_answer_has_a_strict_policy(path):
    headers = Client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_fault_of_ours_is_told_without_details_and_keeps_nothing(signed_in, monkeypatch):
    from pratique.interfaces.console.views import home

    client = signed_in()
    client.raise_request_exception = False

    def broken(**_):
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(home, "dashboard", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in text_of(answer)
    assert "secret" not in answer.content.decode()


def test_a_database_that_is_away_is_told_as_what_passes(signed_in, monkeypatch):
    from pratique.interfaces.console.views import home

    client = signed_in()
    client.raise_request_exception = False

    def away(**_):
        raise OperationalError

    monkeypatch.setattr(home, "dashboard", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Nothing is lost" in text_of(answer)


def test_the_dashboard_counts_and_points(school, signed_in):
    imported(school.institution, *ROWS)
    judged(school.institution)
    page = text_of(signed_in().get("/"))
    assert "0 of 1" in page
    assert "1 row was refused" in page
    assert "Due within 14 days, not cleared 1 student" in page
    assert "Undergraduate - Fall 2026 Aug. 10, 2026 1 0 0 1 0%" in page


def test_the_dashboard_of_a_new_school_says_how_to_begin(signed_in):
    assert "No students yet" in text_of(signed_in().get("/"))


def test_activity_says_what_happened_and_is_filtered(school, signed_in):
    imported(school.institution, *ROWS)
    client = signed_in(Role.ADMINISTRATOR)
    page = text_of(client.get("/activity/"))
    assert "Applied a roster import" in page
    assert "Made a staff account" in page
    assert "Made a staff account" not in text_of(client.get("/activity/?kind=changed"))
    assert "Nothing fits these filters" in text_of(client.get("/activity/?kind=viewed"))


def test_every_event_that_is_recorded_has_a_sentence():
    """A name is found where it is written, or as a verb handed to a module's own `_record`."""
    found = set()
    for path in CONSOLE.parents[1].rglob("*.py"):
        text = path.read_text()
        found |= set(re.findall(r'record\(\s*"([a-z_]+:[a-z_]+:[a-z_]+)"', text))
        for prefix in re.findall(r'f"([a-z_]+:[a-z_]+:)\{verb\}"', text):
            found |= {prefix + verb for verb in re.findall(r'_record\("(\w+)"', text)}
    assert len(found) > 10
    assert found <= set(activity_words.SENTENCES)


def test_the_outbox_shows_a_school_its_own_mails_and_only_where_mail_is_kept(
    school, signed_in, settings, tmp_path
):
    settings.MAIL_OUTBOX = tmp_path / "outbox.sqlite3"
    client = signed_in(Role.ADMINISTRATOR)
    assert client.get("/outbox/").status_code == 404
    assert "Outbox" not in text_of(client.get("/help/"))
    settings.EMAIL_BACKEND = "pratique.connectors.mail.outbox.OutboxBackend"
    assert "The outbox is empty" in text_of(client.get("/outbox/"))
    mail.get_connection(settings.EMAIL_BACKEND).send_messages(
        [
            mail.EmailMessage(
                f"Hello <{n}>",
                "See https://x.example/a",
                to=[f"u{n}@x.edu"],
                headers={"X-Pratique-Institution": str(whose)},
            )
            for n, whose in [*((n, school.institution.id) for n in range(60)), (60, uuid.uuid4())]
        ]
    )
    page = text_of(client.get("/outbox/"))
    assert "60 mails" in page
    assert "Hello &lt;59&gt;" in page
    assert "1 mail " in text_of(client.get("/outbox/?q=u7@x"))
    assert "Hello &lt;0&gt;" in text_of(client.get("/outbox/?page=2"))
    assert 'href="https://x.example/a"' in client.get("/outbox/1/").content.decode()
    for other in (61, 999, 10**20):
        assert client.get(f"/outbox/{other}/").status_code == 404
    settings.HTTPS = True  # reached from elsewhere: mails of every school would lie open
    assert client.get("/outbox/").status_code == client.get("/outbox/1/").status_code == 404


# --- colors (WCAG 2.2, 1.4.3 and 1.4.11) ------------------------------------------------------------------------


def palette(dark: bool) -> dict[str, str]:
    css = (SCREENS / "static/screens/pratique.css").read_text()
    light, rest = css.split("@media (prefers-color-scheme: dark)", 1)
    found = dict(re.findall(r"--([\w-]+): (#\w{6});", light))
    if dark:
        found |= dict(re.findall(r"--([\w-]+): (#\w{6});", rest.split("/* --- the page", 1)[0]))
    return found


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


STATUS = ["approved", "pending", "incomplete", "rejected", "expired"]
TEXT_PAIRS = [
    *((text, ground) for text in ("ink", "ink-soft", "brand", "brand-hover") for ground in ("paper", "wash")),
    *((status, "paper") for status in STATUS),
    *(("ink", f"{status}-wash") for status in STATUS if status != "incomplete"),
    ("on-brand", "brand"), ("on-brand", "brand-hover"), ("rejected", "wash"),
]  # fmt: skip


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_can_be_read(dark, text, ground):
    colors = palette(dark)
    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("edge", "ground"), [("line-strong", "paper"), ("focus", "paper"), ("focus", "wash")]
)
def test_edges_of_controls_can_be_seen(dark, edge, ground):
    colors = palette(dark)
    assert contrast(colors[edge], colors[ground]) >= 3


def test_every_state_has_its_word_icon_and_a_tone_that_exists():
    sprite = (CONSOLE.parents[3] / "assets/uswds/img/sprite.svg").read_text()
    css = (SCREENS / "static/screens/pratique.css").read_text()
    for kind, states in words.CHIPS.items():
        for state, chip in states.items():
            assert f'id="{chip.icon}"' in sprite, (kind, state)
            assert f".chip-{chip.tone} " in css, (kind, state)


def test_every_state_of_the_models_has_a_chip():
    from pratique.compliance.models import ItemStatus
    from pratique.reports.models import RunState
    from pratique.rosters.models import ImportState, RowOutcome
    from pratique.students.models import MembershipState
    from pratique.students.queries import Standing

    for kind, states in {
        "item": ItemStatus, "standing": Standing, "import": ImportState, "outcome": RowOutcome, "run": RunState,
        "membership": MembershipState,
    }.items():  # fmt: skip
        assert set(words.CHIPS[kind]) == {state.value for state in states}, kind


def test_every_icon_that_a_page_asks_for_exists():
    sprite = (CONSOLE.parents[3] / "assets/uswds/img/sprite.svg").read_text()
    asked = set()
    for template in CONSOLE.parents[1].rglob("templates/**/*.html"):
        asked |= set(re.findall(r'{% icon "(\w+)" %}', template.read_text()))
    assert asked
    assert not {name for name in asked if f'id="{name}"' not in sprite}


@pytest.mark.parametrize("address", ["/students/?q=%00", "/students/?q=a%00b&tracker=%00", "/reports/?q=%00"])
def test_a_nul_in_an_address_is_no_fault_of_ours(signed_in, address):
    assert signed_in(Role.ADMINISTRATOR).get(address).status_code == 200


def test_a_stranger_cannot_send_a_large_body(client, settings):
    answer = client.post(
        "/account/login/", data=b"x" * 10, content_type="text/plain", CONTENT_LENGTH="500000000"
    )
    assert answer.status_code == 413
    assert "too much" in answer.content.decode()


def test_staff_may_send_a_roster_and_nothing_larger(signed_in):
    client = signed_in(Role.COORDINATOR)
    answers = [
        client.post(
            "/rosters/new/", data=b"", content_type="text/plain", CONTENT_LENGTH=str(size)
        ).status_code
        for size in (60_000_000, 80_000_000)
    ]
    assert answers[0] != 413
    assert answers[1] == 413
