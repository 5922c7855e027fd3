"""A student with a phone: reads, photographs, sends in parts over a slow line, types, sends, looks, takes back."""

import base64
import hashlib
import html
import random
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from evidence.book import Book, StopError, Upload
from evidence.browser import Answer, Browser
from evidence.photos import unlike_any_other

PART = 512 * 1024
# What a phone sends a second (8 Mbit/s), in pieces of this size.
UPLINK, PIECE = 1_000_000, 64 * 1024
DOSES = ("mmr", "varicella", "hepatitis_b", "tdap", "menacwy")
# Of a hundred submissions: how many lose the connection in the middle, are taken back at once, are sent from two tabs.
CUT, TAKEN_BACK, TWO_TABS = 15, 10, 10
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Student:
    """One person; `think` is the mean of the pauses in seconds, each between half of it and one and a half."""

    number: int
    username: str
    password: str
    photo: Path
    port: int
    book: Book
    think: float
    begins_after: float

    def __post_init__(self) -> None:
        self.chance = random.Random(self.number)
        self.round = self.number  # so that they do not all begin with the same requirement
        self.browser = Browser(self.port, f"198.51.{self.number // 250}.{self.number % 250 + 1}", self.book)

    def live(self) -> None:
        """Sign in once, then hand in one thing after the other until the load is over."""
        try:
            self.pause(self.begins_after)
            sign_in(self.browser, self.username, self.password)
            while True:
                self.hand_in()
        except StopError:
            pass
        except Exception as error:
            self.book.fault(f"student {self.number} ended with {type(error).__name__}: {error}")
        finally:
            self.browser.close()

    def pause(self, seconds: float | None = None) -> None:
        wait = self.think * self.chance.uniform(0.5, 1.5) if seconds is None else seconds
        if self.book.stopping.wait(wait):
            raise StopError

    def hand_in(self) -> None:
        """One round, from the list of requirements to the receipt and the picture behind it."""
        here = self.browser
        home = here.page("/my/", "page")
        links = re.findall(r'"/my/requirements/([0-9a-f-]{36})/(\w+)/"', home.text)
        items = {key: membership for membership, key in links}
        offered = [key for key in DOSES if key in items]
        if not offered:
            self.book.fault(f"home: none of {', '.join(DOSES)} is on the list ({len(items)} items)")
            self.pause()
            return
        key = offered[self.round % len(offered)]
        self.round += 1
        self.pause()
        here.page(f"/my/requirements/{items[key]}/{key}/", "page")
        self.pause()
        step = here.post("/my/hand-in/", "start", {"item": key, "way": "pages"}, expect=(302,)).location
        submission = step.split("/")[-3] if step.endswith("/pages/") else ""
        if not submission:
            self.book.fault(f"start: {key} led to {step or 'nowhere'}")
            return
        page = here.page(step, "page")
        self.pause()
        self.upload(submission)
        self.type_doses(
            submission, self.next_of(here.post(step, "save", {"seen": seen(page), "go": "next"}), page)
        )
        self.send(submission)

    def next_of(self, answer: Answer, before: Answer) -> Answer:
        """Return the page to which an answer leads; one that says what is wrong is a fault."""
        if answer.status != 302:
            said = re.findall(r'<a href="#[^"]*">([^<]+)</a></li>', answer.text)
            self.book.fault(f"a step was not taken: {said[:3]}")
            return before
        return self.browser.page(answer.location, "page")

    # --- the photo ---------------------------------------------------------------------------------------------

    def upload(self, submission: str) -> None:
        """Send a photo in parts, wait until its page is ready, look at the small picture."""
        content = unlike_any_other(self.photo.read_bytes())
        name = base64.b64encode(f"IMG_{self.chance.randrange(1000, 9999)}.jpeg".encode()).decode()
        begun = self.browser.ask(
            "POST", f"/my/submissions/{submission}/uploads/", "upload begin", expect=(201,),
            headers={**_TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"},
        )  # fmt: skip
        address = begun.location
        cut_at = self.chance.randrange(0, len(content), PART) if self.chance.randrange(100) < CUT else -1
        offset, tries = 0, 0
        while offset < len(content):
            if offset == cut_at:
                cut_at = -1
                offset = self.cut(address, offset, content[offset : offset + PART])
                continue
            answer = self.patch(address, offset, content[offset : offset + PART])
            told = int(answer.headers.get("upload-offset", -1))
            tries = tries + 1 if told <= offset else 0
            if told < 0 or tries > 5:
                return
            offset = told
        arrived = time.perf_counter()
        file_id = address.rstrip("/").rsplit("/", 1)[-1]
        with self.book.lock:
            self.book.uploads.append(
                Upload(file_id, submission, len(content), hashlib.sha256(content).hexdigest())
            )
        self.book.count("bytes uploaded", len(content))
        self.wait_for_pages(submission, arrived)

    def patch(self, address: str, offset: int, part: bytes) -> Answer:
        """Send one part as fast as a phone can."""
        here = self.browser
        began = time.perf_counter()
        connection = here.begin_by_hand("PATCH", address, _part_headers(offset, len(part)))
        for start in range(0, len(part), PIECE):
            time.sleep(max(0.0, began + (start + PIECE) / UPLINK - time.perf_counter()))
            connection.send(part[start : start + PIECE])
        sent = time.perf_counter()
        answer = here.end_by_hand()
        self.book.took("upload part, at 8 Mbit/s", time.perf_counter() - began)
        self.book.took("upload part, from its last byte", time.perf_counter() - sent)
        here.check(answer, "PATCH", address, "upload part", (204, 409))
        if answer.status == 409:
            self.book.count("parts that were there already")
        return answer

    def cut(self, address: str, offset: int, part: bytes) -> int:
        """Lose the connection in the middle of a part; return where to go on, as the server says."""
        here = self.browser
        connection = here.begin_by_hand("PATCH", address, _part_headers(offset, len(part)))
        connection.send(part[: len(part) // 2])
        time.sleep(0.2)
        here.close()
        self.book.count("uploads cut off")
        self.pause(1.0)
        told = here.ask("HEAD", address, "upload ask", headers=_TUS, expect=(200,))
        return int(told.headers.get("upload-offset", offset))

    def wait_for_pages(self, submission: str, arrived: float) -> None:
        """Look for the pages as upload.js does: after 0.7 s, then each time twice as long, at most 10 s."""
        wait, deadline = 0.7, arrived + 120
        while time.perf_counter() < deadline:
            self.pause(wait)
            answer = self.browser.ask(
                "GET", f"/my/submissions/{submission}/files/", "file list", headers={"X-Files": "1"}
            )
            if b"data-busy" not in answer.body:
                self.book.took("last byte to pages ready", time.perf_counter() - arrived)
                for small in answer.found(r'src="(/my/pages/[0-9a-f-]{36}/thumbnail/)"')[:1]:
                    self.browser.ask("GET", small, "picture")
                return
            wait = min(10.0, wait * 2)
        self.book.fault("pages were not ready two minutes after the last byte")

    # --- the dose, and sending ----------------------------------------------------------------------------------

    def type_doses(self, submission: str, page: Answer) -> None:
        """Type one dose, which is looked at twice while typing, and go on to the summary."""
        here, address = self.browser, f"/my/hand-in/{submission}/doses/"
        rows = page.found(r'name="row" value="(\w+)"')
        if not rows:
            return
        row = rows[0]
        typed = {
            f"dose-{row}-vaccine": field_of(page, f"dose-{row}-vaccine"),
            f"dose-{row}-code": field_of(page, f"dose-{row}-code"),
            f"dose-{row}-day": str(self.chance.randrange(1, 28)),
            f"dose-{row}-month": str(self.chance.randrange(1, 13)),
            f"dose-{row}-year": str(self.chance.randrange(2009, 2020)), "row": row, "seen": seen(page),
        }  # fmt: skip
        self.pause()
        for _ in range(2):
            kept = here.post(f"{address}check/", "check while typing", typed, expect=(200,))
            typed["seen"] = next(iter(kept.found(r'"seen": ?"([^"]+)"')), typed["seen"])
            self.pause(1.0)
        self.next_of(here.post(address, "save", {**typed, "go": "next"}), page)

    def send(self, submission: str) -> None:
        """Read the summary, send it (now and then from two tabs), and look at the receipt or take it back."""
        here, address = self.browser, f"/my/hand-in/{submission}/send/"
        summary = here.page(f"/my/hand-in/{submission}/summary/", "page")
        self.pause()
        form = {"seen": seen(summary), "note": ""}
        twice = self.chance.randrange(100) < TWO_TABS
        answers = self.two_tabs(address, form) if twice else [here.post(address, "send", form, expect=(302,))]
        receipt = f"/my/handed-in/{submission}/"
        if not any(answer.location == receipt for answer in answers):
            self.book.fault(
                f"send: led to {[answer.location.replace(submission, '…') for answer in answers]}"
            )
            return
        self.book.seen_by_students[submission] = "sent"
        self.book.count("submissions sent")
        page = here.page(receipt, "page")
        self.pause()
        if self.chance.randrange(100) < TAKEN_BACK:
            self.take_back(submission, receipt)
            return
        for picture in page.found(r'href="(/my/pages/[0-9a-f-]{36}/image/)"')[:1]:
            here.ask("GET", picture, "picture")
            self.pause()

    def two_tabs(self, address: str, form: dict[str, str]) -> list[Answer]:
        """Press Send in two tabs at once."""
        answers: list[Answer] = []
        tabs = [self.browser, self.browser.another_tab()]
        both = threading.Barrier(2)

        def press(tab: Browser) -> None:
            both.wait()
            answers.append(tab.post(address, "send", form, expect=(302,)))

        threads = [threading.Thread(target=press, args=(tab,)) for tab in tabs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tabs[1].close()
        self.book.count("sent from two tabs at once")
        return answers

    def take_back(self, submission: str, receipt: str) -> None:
        answer = self.browser.post(f"{receipt}take-back/", "take back", {}, expect=(302,))
        if answer.location == "/my/":
            self.book.seen_by_students[submission] = "withdrawn"
            self.book.count("taken back")
        else:
            self.book.count("not taken back, a reviewer had begun")


def sign_in(browser: Browser, username: str, password: str) -> None:
    """Sign in with a password; what follows is the caller's."""
    browser.page("/account/login/", "sign-in page")
    answer = browser.post(
        "/account/login/", "sign in", {"login": username, "password": password}, expect=(302,)
    )
    if answer.status != 302 or "login" in answer.location:
        raise RuntimeError(f"signing in was answered with {answer.status} {answer.location}")


def seen(page: Answer) -> str:
    """Return when the draft was changed last, as its page says."""
    return field_of(page, "seen")


def field_of(page: Answer, name: str) -> str:
    """Return the value of an input."""
    found = page.found(rf'name="{re.escape(name)}" value="([^"]*)"')
    return html.unescape(found[0]) if found else ""


def _part_headers(offset: int, length: int) -> dict[str, str]:
    return {
        **_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset),
        "Content-Length": str(length),
    }  # fmt: skip
