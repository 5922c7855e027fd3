"""A reviewer at the full-screen case: claims, looks, decides, fetches ahead, undoes, and tries what must not work."""

import json
import random
import re
import threading
from dataclasses import dataclass
from typing import Any

from evidence.book import Book, StopError
from evidence.browser import Answer, Browser
from evidence.student import sign_in

# Of a hundred cases: how many are returned, taken back within ten seconds, sent from two tabs, snatched from another.
RETURNED, UNDONE, TWO_TABS, SNATCHED = 25, 6, 5, 10
_JSON = {"Content-Type": "application/json", "Review-Part": "1"}
Decisions = list[dict[str, object]]


@dataclass(frozen=True)
class Case:
    """What the page of a case says that a reviewer needs."""

    id: str
    works: bool
    waiting: list[tuple[str, str]]
    pictures: list[str]
    reasons: list[str]


@dataclass
class Reviewer:
    """One person; `think` is the mean time that they look at a case, in seconds."""

    number: int
    username: str
    password: str
    port: int
    book: Book
    think: float

    def __post_init__(self) -> None:
        self.chance = random.Random(1000 + self.number)
        self.browser = Browser(self.port, f"203.0.113.{self.number + 1}", self.book)
        self.held: list[str] = []

    def live(self) -> None:
        """Sign in, then decide one case after the other until the load is over; give back what is left."""
        try:
            sign_in(self.browser, self.username, self.password)
            self.browser.page("/review/", "queue page")
            present = self.start()
            while True:
                present = self.work(present) or self.start()
        except StopError:
            self.give_back()
        except Exception as error:
            self.book.fault(f"reviewer {self.number} ended with {type(error).__name__}: {error}")
        finally:
            self.browser.close()

    def pause(self, seconds: float | None = None) -> None:
        wait = self.think * self.chance.uniform(0.5, 1.5) if seconds is None else seconds
        if self.book.stopping.wait(wait):
            raise StopError

    def start(self) -> Case:
        """Take the first case that there is; wait for one if there is none."""
        while True:
            answer = self.browser.post("/review/start/", "review start", {}, expect=(302,))
            if "/review/case/" in answer.location:
                case = read(self.browser.page(answer.location, "review case page"))
                if case:
                    return self.hold(case)
            self.pause(2.0)

    def work(self, case: Case) -> Case | None:
        """Look at a case while the next one is fetched, decide it; return the next one."""
        for picture in case.pictures[:3]:
            self.browser.ask("GET", picture, "review picture")
        ahead = self.next_after(case.id)
        if ahead:
            for picture in ahead.pictures[:3]:
                self.browser.ask("GET", picture, "review picture")
        self.pause()
        if self.chance.randrange(100) < SNATCHED:
            self.snatch()
        if not case.works or not case.waiting:
            self.book.count("cases that could not be worked on")
            self.held.remove(case.id)
            return ahead
        self.decide(case)
        return ahead

    def next_after(self, case_id: str) -> Case | None:
        answer = self.browser.post("/review/next/", "review next case", {"after": case_id})
        case = read(answer)
        if case is None or case.id == case_id:
            return None
        return self.hold(case)

    def hold(self, case: Case) -> Case:
        if case.id not in self.held:
            self.held.append(case.id)
        self.book.on_screens[self.username] = (case.id, self.decisions(case))
        return case

    def decisions(self, case: Case) -> Decisions:
        back = bool(case.reasons) and self.chance.randrange(100) < RETURNED
        reason = self.chance.choice(case.reasons) if back else ""
        return [
            {"kind": kind, "id": key, "approve": not back, "reason": reason, "text": ""}
            for kind, key in case.waiting
        ]

    def decide(self, case: Case) -> None:
        """Decide; now and then twice at once, now and then undone and decided again."""
        decisions = self.decisions(case)
        if self.chance.randrange(100) < TWO_TABS:
            taken = self.from_two_tabs(case, decisions)
        else:
            taken = (
                self.say(self.browser, case.id, "decide", {"decisions": decisions, "seconds": 5}).status
                == 200
            )
        if not taken:
            return
        self.saw(case.id, "decided", decisions)
        if self.chance.randrange(100) < UNDONE:
            self.pause(self.chance.uniform(1, 5))
            if self.say(self.browser, case.id, "undo", {}).status == 200:
                self.book.seen_by_reviewers[case.id] = ("undone", self.username)
                self.book.count("decisions undone")
                self.pause(2.0)
                if (
                    self.say(self.browser, case.id, "decide", {"decisions": decisions, "seconds": 9}).status
                    == 200
                ):
                    self.saw(case.id, "decided", decisions)
        if self.book.seen_by_reviewers[case.id][0] == "decided":
            self.held.remove(case.id)

    def saw(self, case_id: str, what: str, decisions: Decisions) -> None:
        with self.book.lock:
            self.book.seen_by_reviewers[case_id] = (what, self.username)
        self.book.count("decisions")
        if not decisions[0]["approve"]:
            self.book.count("decisions that returned something")

    def from_two_tabs(self, case: Case, decisions: Decisions) -> bool:
        """Send the same decision from two tabs at once: one is taken, the other told that it was decided."""
        answers: list[Answer] = []
        tabs = [self.browser, self.browser.another_tab()]
        both = threading.Barrier(2)

        def press(tab: Browser) -> None:
            both.wait()
            answers.append(
                self.say(tab, case.id, "decide", {"decisions": decisions, "seconds": 5}, expect=(200, 409))
            )

        threads = [threading.Thread(target=press, args=(tab,)) for tab in tabs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tabs[1].close()
        taken = sum(answer.status == 200 for answer in answers)
        self.book.count("decided from two tabs at once")
        if taken != 1:
            self.book.fault(
                f"decided from two tabs: {taken} of 2 were taken {[answer.text[:120] for answer in answers]}"
            )
        return taken > 0

    def snatch(self) -> None:
        """Try to decide the case that a colleague has on the screen; it must be refused."""
        others = [found for name, found in list(self.book.on_screens.items()) if name != self.username]
        if not others:
            return
        case_id, decisions = self.chance.choice(others)
        answer = self.say(
            self.browser, case_id, "decide", {"decisions": decisions, "seconds": 1}, expect=(409,)
        )
        self.book.count("attempts at a colleague's case")
        if answer.status == 200:
            self.book.fault("a reviewer decided a case that a colleague had")

    def say(
        self, tab: Browser, case_id: str, deed: str, values: dict[str, Any], expect: tuple[int, ...] = (200,)
    ) -> Answer:
        """Send a deed as review.js does."""
        kind = deed if 409 not in expect else f"{deed} (refused or twice)"
        body = json.dumps(values).encode()
        return tab.ask(
            "POST", f"/review/case/{case_id}/{deed}/", kind, body=body, headers=_JSON, expect=expect
        )

    def give_back(self) -> None:
        if self.held:
            self.browser.post("/review/release/", "review release", {"case": self.held}, expect=(204,))


def read(answer: Answer) -> Case | None:
    """Read the part of a page that is a case; None if it says that nothing waits."""
    found = re.search(r'data-case="([0-9a-f-]{36})" data-number="[^"]*" data-works="(1?)"', answer.text)
    if found is None:
        return None
    waiting = answer.found(r'data-piece="([0-9a-f-]{36})" data-kind="(\w+)" data-waits')
    codes = re.findall(r'"code": ?"(\w+)", ?"name"', answer.text)
    return Case(
        found[1], bool(found[2]), [(kind, key) for key, kind in waiting],
        answer.found(r'data-src="(/review/pages/[0-9a-f-]{36}/)"'), codes,
    )  # fmt: skip
