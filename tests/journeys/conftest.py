"""A real browser against a live server: every worker with a port and a database of its own."""

import asyncio
import functools
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright
from procrastinate.contrib.django import app

from pratique.foundation import clock
from tests.schools import EXAM, MMR, NOW, imported, judged, requires
from tests.staff import PASSWORD, School, make_school

# Playwright's synchronous half keeps an event loop in this thread; the ORM is called between its turns only.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=10_000)

ROSTER = (
    "ana@x.edu,0001,Núñez,Ana María,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0",
    "chi@x.edu,0003,,Chidi,,,Nursing,Spring 2027,",
    "dan@x.edu,0004,Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh,Maximiliana Konstantina,,01/01/2004,,,1",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/journeys" in item.nodeid:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's browser, as Debian's package has it; else the one that Playwright brought.

    First the one without windows: a context takes a fifth of the CPU that it takes in the whole one.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    system = next(filter(None, map(shutil.which, names)), None)
    started = playwright.chromium.launch(executable_path=system, args=_FLAGS)
    yield started
    started.close()


@pytest.fixture(scope="session", autouse=True)
def _fills_in_what_is_ready() -> Iterator[None]:
    """Let whoever fills in a field wait until the page's scripts have run: a machine is quicker than any person.

    What happens to those who are as quick is a story of its own; it types with the keyboard.
    """

    def when_ready(deed: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(deed)
        def done(field: Locator, *arguments, **options) -> None:
            # First the field, then its page: a click before may still be on its way to it.
            field.wait_for(state="attached")
            field.page.wait_for_load_state("domcontentloaded")
            deed(field, *arguments, **options)

        return done

    with pytest.MonkeyPatch.context() as patched:
        for name in ("fill", "select_option", "set_input_files", "press"):
            patched.setattr(Locator, name, when_ready(getattr(Locator, name)))
        yield


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """A journey's requests are nobody's news."""


@dataclass
class Place:
    """Where the journey takes place: the address of the server, and the school with its staff."""

    url: str
    school: School

    def work(self) -> None:
        """Do what waits in the queue, as the worker process would, and come back when it is done."""
        thread = threading.Thread(target=lambda: asyncio.run(_work()))
        thread.start()
        thread.join()

    def with_students(self) -> None:
        """Put four students on the school's roster, two of them named as few are."""
        imported(self.school.institution, *ROSTER)
        judged(self.school.institution)


async def _work() -> None:
    app.perform_import_paths()
    with app.replace_connector(app.connector.get_worker_connector()) as there:
        async with there.open_async():
            await there.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


@pytest.fixture
def place(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    school = make_school()
    requires(school.institution, MMR, EXAM)
    server = ThreadedWSGIServer(("localhost", 0), _Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Place(f"http://localhost:{server.server_port}", school)
    server.shutdown()
    server.server_close()
    thread.join()
    connections.close_all()


@pytest.fixture
def open_browser(browser: Browser, place: Place) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a window; errors in its console fail the journey."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_window(**options) -> Page:
        context = browser.new_context(base_url=place.url, **({"viewport": DESK} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            # What the server answers with 4xx, or a cut network, is the story's own business; a broken policy or
            # script is not.
            lambda said: (
                faults.append(said.text)
                if said.type == "error" and not re.search(r"status of 4|resource: net::ERR_", said.text)
                else None
            ),
        )
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_browser: Callable[..., Page]) -> Page:
    return open_browser()


def sign_in(page: Page, place: Place, role: str = "coordinator") -> None:
    page.goto("/account/login/")
    page.get_by_label("Username or e-mail").fill(place.school.staff[role].username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")


_STANDARDS = (
    "{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
)
_CONTRAST = "{type: 'rule', values: ['color-contrast']}"


# What is being fetched anew fades meanwhile, which is too little contrast by intent. Where a page asks a moment after
# somebody typed (`delay` in its triggers, half a second at most), that moment is waited for too.
_STILL = """async () => {
  const moves = () => document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')
    || document.getAnimations().some((one) => one instanceof CSSTransition && one.playState === 'running');
  const quiet = document.querySelector('[hx-trigger*="delay:"]') ? 600 : 0;
  const begun = performance.now();
  let since = begun;
  do {
    await new Promise(requestAnimationFrame);
    if (moves()) since = performance.now();
    if (performance.now() - begun > 20000) throw new Error('the page does not come to rest');
  } while (moves() || performance.now() - since < quiet);
}"""


def faults_of(page: Page, *, contrast_only: bool = False) -> list[str]:
    """What axe-core finds wrong with the page as it stands at rest: WCAG 2.2 A and AA, and its best practices."""
    page.evaluate(_STILL)
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        f"axe.run({{runOnly: {_CONTRAST if contrast_only else _STANDARDS}, resultTypes: ['violations']}})"
    )
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
