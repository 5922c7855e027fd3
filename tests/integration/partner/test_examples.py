"""The examples that integrators copy: each agrees with the published vectors, and each does a whole round.

Python and JavaScript always run. Java, PHP and .NET run where they are installed; else their tests are skipped by name.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, Tracker
from pratique.interfaces.partner.manual import EXAMPLES, VECTORS
from pratique.students.models import Membership, Student
from tests.partners import TestPartner, a_partner
from tests.schools import MMR, a_school, requires


class Language(NamedTuple):
    """How an example is run. One that is not required may be missing on this machine."""

    name: str
    command: Sequence[str]
    required: bool = False

    def is_here(self) -> bool:
        """Whether this machine can run it. `dotnet run` takes a single file from .NET 10 on."""
        program = shutil.which(self.command[0])
        if program is None or self.command[0] != "dotnet":
            return program is not None
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        return int(re.match(r"\d*", told)[0] or 0) >= 10


LANGUAGES = (
    Language("partner.py", (sys.executable,), required=True),
    Language("partner.mjs", ("node",), required=True),
    Language("Partner.java", ("java",)),
    Language("partner.php", ("php",)),
    Language("Partner.cs", ("dotnet", "run")),
)
each_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs an example with nothing in its environment but what it is given."""

    def start(language: Language, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        if not language.is_here():
            assert not language.required, f"{language.command[0]} is needed for {language.name}"
            pytest.skip(f"{language.name} was not run: there is no {language.command[0]} for it here")
        known = {name: value for name, value in os.environ.items() if not name.startswith("PRATIQUE_")}
        return subprocess.run(
            [*language.command, EXAMPLES[language.name], *arguments],
            env=known | settings, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return start


def test_every_example_is_run():
    assert {language.name for language in LANGUAGES} == set(EXAMPLES)


@each_language
def test_it_agrees_with_the_vectors(language, run):
    done = run(language, "--check-vectors", str(VECTORS))
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "All vectors agree.", "")


WRONG = {
    "assertion key": ("authenticate", "assertion_key_hex"),
    "assertion": ("authenticate", "assertion"),
    "request key": ("session", "request_key_hex"),
    "response key": ("session", "response_key_hex"),
    "request": ("calls", 2, "request", "jwe"),
    "response": ("calls", 2, "response", "plaintext"),
}


# Java takes a second to start: there, and where an interpreter may be missing, one wrong value stands for all.
TRIED = [
    pytest.param(language, steps, id=f"{language.name}: {what}")
    for language in LANGUAGES
    for what, steps in WRONG.items()
    if language.required or what == "request"
]


@pytest.mark.parametrize(("language", "steps"), TRIED)
def test_it_tells_a_vector_that_differs(language, steps, run, tmp_path):
    vectors = json.loads(VECTORS.read_bytes())
    *way, last = steps
    place = vectors
    for step in way:
        place = place[step]
    place[last] = place[last][:-2] + ("A" if place[last][-2] != "A" else "B") + place[last][-1]
    changed = tmp_path / "vectors.json"
    changed.write_text(json.dumps(vectors))
    done = run(language, "--check-vectors", str(changed))
    assert done.returncode != 0
    assert "DIFFERS" in done.stderr
    assert "All vectors agree" not in done.stdout


# --- a whole round ----------------------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """These requests are nobody's news."""


class Place(NamedTuple):
    url: str
    school: Institution
    partner: TestPartner
    package: str
    tracker: str

    def settings(self, language: Language, **other: str) -> dict[str, str]:
        return {
            "PRATIQUE_URL": self.url, "PRATIQUE_CLIENT_ID": self.partner.client_id,
            "PRATIQUE_KEY": self.partner.encryption_key, "PRATIQUE_PACKAGE": self.package,
            "PRATIQUE_TRACKER": self.tracker, "PRATIQUE_VENDOR_KEY": f"Núñez-{language.name}",
        } | other  # fmt: skip


@pytest.fixture
def place(committed: None) -> Iterator[Place]:
    """A school with a partner, behind a real server: examples are other programs, with clocks of their own."""
    cache.clear()
    school = a_school()
    requires(school, MMR)
    partner = a_partner(school, now=clock.now())
    with institution_scope(school.id):
        package, tracker = Package.objects.get(), Tracker.objects.order_by("name").first()
    assert tracker is not None
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield Place(f"http://127.0.0.1:{server.server_port}", school, partner, package.code, tracker.name)
    server.shutdown()
    server.server_close()
    thread.join()
    connections.close_all()


@each_language
def test_it_does_a_whole_round(language, run, place, client):
    done = run(language, **place.settings(language))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert told["createUser"] == "username amagnus"
    assert told["setTracker"] == place.tracker
    assert told["getUser"] == f"{place.tracker}, 0 of 1 complete"
    assert told["getPackageCounts"] == "1 students"
    with institution_scope(place.school.id):
        student = Student.objects.get(student_id=f"Núñez-{language.name}")
        membership = Membership.objects.select_related("tracker").get(student=student)
    assert (student.first_name, student.last_name, student.telephone) == ("Albert", "Magnus", "919-555-0117")
    assert student.date_of_birth.isoformat() == "2008-03-22"
    assert membership.tracker.name == place.tracker
    (address,) = re.findall(rf"{re.escape(place.url)}/sso/[0-9A-Za-z]{{32}}", done.stdout)
    signed_in = client.post("/sso/", {"token": address.rsplit("/", 1)[1]})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/my/")


@each_language
def test_it_says_which_error_it_met(language, run, place):
    done = run(language, **place.settings(language, PRATIQUE_PACKAGE="NOSUCHCODE"))
    assert done.returncode == 1
    assert done.stderr.startswith("PACKAGE_UNKNOWN: ")


@each_language
def test_it_says_that_its_key_is_not_accepted(language, run, place):
    done = run(language, **place.settings(language, PRATIQUE_KEY="A" * 43))
    assert done.returncode == 1
    assert done.stderr.startswith("NOT_AUTHENTICATED: ")
