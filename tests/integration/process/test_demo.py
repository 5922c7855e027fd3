"""The demo institution as somebody tries it: everybody there can sign in, and sees their state."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar

import pytest

from pratique.foundation.demo_credentials import SCHOOL_PORTAL
from pratique.interfaces.school_portal.roster import NEW_THIS_WEEK
from tests.integration.process.running import Running

SEEN = {
    "nothing handed in": "0 of",
    "a draft begun": "Continue",
    "waiting for review": "ahead of it in the queue",
    "something was returned": "Sent back to you",
    "one thing missing": "What to do now",
    "something expired": "No longer valid",
    "cleared": "You are done",
    "archived": "Your health record is kept and is yours",
    "registration ended": "Your health record is kept and is yours",
}


class Person:
    """A browser of the smallest kind: cookies, forms, no scripts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, address: str | urllib.request.Request) -> str:
        if isinstance(address, str):
            address = urllib.parse.urljoin(self.url, address)
        try:
            return self.browser.open(address, timeout=30).read().decode()
        except urllib.error.HTTPError as answer:
            if answer.code not in (403, 410):
                raise
            # A closed account, and a registration that is over, are told so kindly, with the status of a refusal.
            return answer.read().decode()

    def post(self, address: str, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(address))
        assert token
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        return self.get(urllib.request.Request(urllib.parse.urljoin(self.url, address), body))

    def signs_in(self, one: dict[str, str]) -> str:
        return self.post("/account/login/", login=one["username"], password=one["password"])


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_everybody_of_the_demo_can_be_tried(installation: Running):
    done = installation.run("up", "--background", timeout=400)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{installation.logs()}"
    everybody = json.loads(installation.run("demo", "credentials", "--json").stdout)
    by_state = {one["state"]: one for one in everybody if one["role"] == "student"}
    assert set(by_state) == {*SEEN, "invited, not signed in yet"}
    for state, words in SEEN.items():
        assert words in Person(installation.url).signs_in(by_state[state]), state
    invited = by_state["invited, not signed in yet"]
    assert urllib.parse.urlsplit(invited["link"]).netloc == urllib.parse.urlsplit(installation.url).netloc
    assert "Welcome" in Person(installation.url).get(invited["link"])
    for one in everybody:
        if one["role"] not in ("student", "guardian", "partner", "sftp"):
            assert "Harbor State University" in Person(installation.url).signs_in(one), one["role"]
    guardian = next(one for one in everybody if one["role"] == "guardian")
    assert "What to do now" in Person(installation.url).signs_in(guardian)
    the_schools_own_portal_signs_in(installation, done.stdout)
    files_can_be_brought(installation, everybody)
    the_partner_is_known(installation, everybody)
    # The papers were handed to the workers like anybody's: all of them are pages in the end.
    waits = "select count(*) from records_file where state <> 'ready'"
    installation.wait_until(lambda: installation.sql(waits)[0][0] == 0, seconds=120)
    assert installation.sql("select count(*) from records_page")[0][0] > 150
    assert installation.run("vault", "verify").returncode == 0


def the_schools_own_portal_signs_in(installation, said):
    address = installation.url + SCHOOL_PORTAL
    assert address in said
    page = Person(installation.url).get(SCHOOL_PORTAL)
    assert page.count("Not known yet") >= NEW_THIS_WEEK
    ids = re.findall(r'name="student" value="(\d+)"', page)
    assert len(ids) == 25

    def click(student):
        """Press the button and, without scripts, the one of the page that it leads to."""
        browser = Person(installation.url)
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', browser.get(SCHOOL_PORTAL))[1]
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "student": student}).encode()
        page = browser.get(urllib.request.Request(address + "health-records/", body))
        form = re.search(r'name="(\w+)" value="([0-9A-Za-z]{32})"', page)
        body = urllib.parse.urlencode({form[1]: form[2]}).encode()
        return browser.get(urllib.request.Request(installation.url + "/sso/", body))

    # More at once than the server works on: each of them has it call itself.
    with ThreadPoolExecutor(16) as clicks:
        pages = list(clicks.map(click, ids[:24]))
    assert all("Which list is yours?" in page for page in pages[:NEW_THIS_WEEK])
    # One of these was archived and another's registration is over.
    assert sum("This link no longer works" in page for page in pages) == 2
    assert sum("What to do now" in page or "You are done" in page for page in pages) >= 3


def files_can_be_brought(installation, everybody):
    """A real client signs in with what `demo credentials` says, and finds the results of the demo's roster."""
    (sftp,) = (one for one in everybody if one["role"] == "sftp")
    assert list(sftp) == ["role", "host", "port", "username", "private_key_path", "host_key"]
    known_hosts = installation.var / "known_hosts"
    known_hosts.write_text(f"[{sftp['host']}]:{sftp['port']} {sftp['host_key']}\n")
    done = subprocess.run(
        [
            "sftp", "-b", "-", "-P", str(sftp["port"]), "-i", sftp["private_key_path"], "-o", "IdentitiesOnly=yes",
            "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known_hosts}",
            f"{sftp['username']}@{sftp['host']}",
        ],
        input="ls -1 /outbound/results\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ".results.csv" in done.stdout
    assert sftp["username"] in installation.run("demo", "credentials").stdout


def the_partner_is_known(installation, everybody):
    partners = [one for one in everybody if one["role"] == "partner"]
    assert [list(one) for one in partners] == [
        ["role", "client_id", "encryption_key", "base_url", "package_code", "tracker_names"]
    ]
    assert (partners[0]["base_url"], partners[0]["package_code"]) == (installation.url, "DEMO26")
    assert len(partners[0]["tracker_names"]) == 8
    assert "Nursing - Fall 2026" in partners[0]["tracker_names"]
    assert sum(one["username"] == "integrator" for one in everybody if "username" in one) == 1
    for_people = installation.run("demo", "credentials").stdout
    assert partners[0]["client_id"] in for_people
    assert partners[0]["encryption_key"] in for_people
    # A demo of an earlier version has neither partner nor account for files: the next load adds them, and the one
    # after that changes nothing.
    file = installation.var / "secrets" / "demo-credentials.json"
    whole = json.loads(file.read_text())
    file.write_text(json.dumps([one for one in whole if one["role"] not in ("partner", "sftp")]))
    assert installation.run("demo", "load").returncode == 0
    again = json.loads(file.read_text())
    assert installation.run("demo", "load").returncode == 0
    assert json.loads(file.read_text()) == again
    assert [one for one in again if one["role"] != "partner"] == [
        one for one in whole if one["role"] != "partner"
    ]
    # The same client; the key that nobody has any more is revoked.
    before, after = (next(one for one in all_ if one["role"] == "partner") for all_ in (whole, again))
    assert after["client_id"] == before["client_id"]
    assert after["encryption_key"] != before["encryption_key"]
    living = "select count(*) from partners_partnerkey where revoked_at is null"
    assert installation.sql(living) == [(1,)]
