"""The manual that integrators read: open to anybody, complete, and nothing in it that the code does not say."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pratique.interfaces.partner import manual
from pratique.interfaces.partner.dates import long_to_day, long_to_instant
from pratique.interfaces.partner.methods import METHODS
from pratique.partners.types import ERRORS

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "sso-and-reporting-api.txt"
BASE = "https://health.school.test"
PAGE = "/developers/partner-api/"


class _Page(HTMLParser):
    """Ids, links and rows of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.fixture
def page(client, db) -> _Page:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return _Page(answer.content.decode())


def code_blocks(*kinds: str) -> list[tuple[str, str]]:
    """Each block of code of the manual that is of one of these kinds: its name, and what stands in it."""
    found = re.findall(r"^ *```(\w+) ?([^\n]*)\n(.*?)\n *```$", manual.markdown(), flags=re.S | re.M)
    return [(name, content) for kind, name, content in found if kind in kinds]


def section_of(method: str) -> str:
    return re.split(r"^### ", manual.markdown().split(f"\n### {method}\n")[1], flags=re.M)[0]


# --- who may read it, and what is served ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/developers/", PAGE, f"{PAGE}vectors.json", f"{PAGE}examples/partner.py"])
def test_anybody_may_read_it(client, db, path):
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_the_index_leads_to_the_manual(client, db):
    assert PAGE in _Page(client.get("/developers/").content.decode()).links


def test_the_vectors_are_served_as_they_are(client, db):
    answer = client.get(f"{PAGE}vectors.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content == manual.VECTORS.read_bytes()


@pytest.mark.parametrize("name", sorted(manual.EXAMPLES))
def test_an_example_is_served_as_it_is(client, db, name):
    answer = client.get(f"{PAGE}examples/{name}")
    assert answer.content == (manual.FOLDER / "examples" / name).read_bytes()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    ["", "partner", "PARTNER.PY", "..", "../vectors.json", "..%2Fvectors.json", "%2e%2e%2f10-start.md", "partner.py%00",
     "partner.py/", "./partner.py", "__pycache__"],
)  # fmt: skip
def test_nothing_else_is_served(client, db, name):
    assert client.get(f"{PAGE}examples/{name}").status_code == 404


# --- what must be in it -----------------------------------------------------------------------------------------


def test_every_error_is_in_the_table_with_what_to_do(page):
    rows = {row[0]: row for row in page.rows if len(row) == 5}
    for code, kind in ERRORS.items():
        _code, status, _sealed, meaning, remedy = rows[code]
        assert status == str(kind.status)
        assert (meaning, remedy) == (kind.meaning.replace("`", ""), kind.remedy.replace("`", ""))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_its_fields_its_answer_and_examples(method):
    section = section_of(method)
    for field in (*METHODS[method].fields, *METHODS[method].answers):
        assert f"| `{field.name}` | {field.kind} |" in section
    examples = dict(re.findall(r"```json (\w+)\n(.*?)\n```", section, flags=re.S))
    sent, got = json.loads(examples["Request"]), json.loads(examples["Answer"])
    assert {field.name for field in METHODS[method].fields if field.required} <= set(sent)
    assert set(sent) <= {field.name for field in METHODS[method].fields}
    assert set(got) == {field.name for field in METHODS[method].answers}


def test_every_method_names_errors_that_there_are():
    for method in METHODS:
        (line,) = re.findall(r"^\*Errors:\* (.*)$", section_of(method), flags=re.M)
        named = re.findall(r"`([A-Z_]+)`", line)
        assert named, method
        assert set(named) <= set(ERRORS)


def test_no_code_is_named_that_there_is_not():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", manual.markdown()))
    assert {name for name in named if not name.startswith("PRATIQUE_")} <= set(ERRORS)


def test_every_piece_of_json_is_json():
    pieces = [content for _name, content in code_blocks("json")]
    assert len(pieces) > 20
    for piece in pieces:
        json.loads(piece)


def test_no_nonce_stands_in_two_requests():
    sent = [json.loads(content) for name, content in code_blocks("json") if name == "Request"]
    nonces = [one["nonce"] for one in sent if "nonce" in one]
    assert len(nonces) == len(METHODS) == len(set(nonces))


def test_every_value_of_the_vectors_is_that_of_the_file(page):
    written = manual.markdown()
    vectors = json.loads(manual.VECTORS.read_bytes())
    for part in ("authenticate", "session"):
        for name, value in vectors[part].items():
            if name.endswith("_hex") and value:
                assert value in written, name
    first = vectors["calls"][0]
    for value in (first["request"]["jwe"], first["response"]["jwe"], vectors["authenticate"]["assertion"]):
        assert written.count(value) >= 2


def test_every_link_leads_somewhere(page, client):
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    assert len(page.links) > 80
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            address = link if link.startswith("/") else PAGE + link
            assert client.get(address).status_code in (200, 302), link


def test_the_contents_list_every_heading(page):
    listed = [h.anchor for top in manual.manual(BASE).contents for h in (top, *top.below)]
    assert listed == re.findall(r'<h[23] id="([^"]+)"', manual.manual(BASE).html)
    assert {f"#{anchor}" for anchor in listed} <= set(page.links)


def test_nothing_stands_for_something_else_any_more():
    assert not re.search(
        r"\{(methods|sentence|fields|answers|errors|vectors?|example)\b[^\"]{0,30}\}", manual.markdown()
    )


def test_the_page_names_the_address_that_it_is_served_at():
    html = manual.manual(BASE).html
    assert f"{BASE}/sso/" in html
    assert manual.ANYWHERE not in html


def test_html_in_the_text_would_stay_text():
    assert "<b>" not in manual._markdown().render("a <b>b</b> [c](javascript:alert(1))")
    assert 'href="javascript' not in manual._markdown().render("[c](javascript:alert(1))")


def test_the_days_of_the_table_of_longs_are_those_that_calls_mean(page):
    rows = [row for row in page.rows if len(row) == 4 and row[0].isdigit()]
    assert len(rows) == 5
    for told, utc, central, day in rows:
        instant = long_to_instant(int(told))
        assert f"{instant:%Y-%m-%d %H:%M:%S.%f}".startswith(utc)
        assert f"{instant.astimezone(ZoneInfo('America/Chicago')):%Y-%m-%d %H:%M:%S.%f}".startswith(central)
        assert day.startswith(f"{long_to_day(int(told)):%B %-d, %Y}")


# --- the older text ---------------------------------------------------------------------------------------------


def older_examples() -> dict[str, dict]:
    """The calls that the older text shows, made JSON: straight quotes, and the method that they stand under."""
    text = REFERENCE.read_text(encoding="utf-8").translate(dict.fromkeys(map(ord, "“”″"), '"'))
    found = {}
    for name, rest in re.findall(r"^(\w+) METHOD\s*\n(.*?)(?=^\w+ METHOD\s*$|\Z)", text, flags=re.S | re.M):
        sent = re.search(r"JSON Sent:\s*(\{.*?\})", rest, flags=re.S)
        found[name[0].lower() + name[1:]] = json.loads(sent[1])
    return found


@pytest.mark.skipif(not REFERENCE.exists(), reason="../shared/reference is absent")
def test_every_example_of_the_older_text_is_there_as_json():
    """All but the nonce, which the older text repeats from one example to the next."""
    older = older_examples()
    assert set(older) == set(METHODS)
    for method, sent in older.items():
        here = json.loads(re.search(r"```json Request\n(.*?)\n```", section_of(method), flags=re.S)[1])
        assert here | {"nonce": ""} == sent | {"nonce": ""}, method
