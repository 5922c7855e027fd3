"""An administrator opens file transfer for a system: account, key, a real upload, results, suspension and lifting."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pratique.foundation import clock
from pratique.transfers.actions import accounts
from pratique.transfers.models import InboundFile, OutboundFile, SuspendedFor, TransferSession
from tests.destinations import a_destination
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in
from tests.schools import BY, HEADER, NOW
from tests.sftp_server import HOST, SftpServer, wait_until
from tests.transfers import a_private_key, an_account, kept_private_key, public_line, with_traffic


@pytest.fixture
def server(place: Place, tmp_path: Path, settings, monkeypatch):
    """A real SFTP server of this installation; its clock is the real one, so the console's is."""
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC))
    started = SftpServer.in_folder(tmp_path / "sftp")
    started.start()
    settings.SFTP_PUBLIC_HOST, settings.SFTP_PUBLIC_PORT = HOST, started.port
    settings.SFTP_HOST_KEYS = started.folder / "var" / "secrets" / "ssh"
    yield started
    started.stop()


def send(script: str, key: Path, folder: Path, *rows: str) -> subprocess.CompletedProcess:
    """Run what the console shows for OpenSSH, as the administrator's colleague would, with a roster of these rows."""
    (folder / "roster.csv").write_text("\r\n".join([HEADER, *rows, ""]))
    text = script.replace("~/.ssh/pratique_key", str(key))
    return subprocess.run(["sh", "-c", text], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_system_brings_files_and_the_console_tells(place: Place, server, open_browser, tmp_path, size):
    page: Page = open_browser(viewport=size)
    sign_in(page, place, "administrator")

    def button(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).click()

    def files(state: str) -> int:
        with place.school.scope():
            return InboundFile.objects.filter(state=state).count()

    # Given an account with a key: the private half is refused, its public half taken.
    page.goto("/transfers/")
    page.get_by_role("main").get_by_role("link", name="Add an account").click()
    page.get_by_label("Name", exact=True).fill("Banner")
    page.get_by_label("Username").fill("sis")
    button("Add")
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Public key").fill(a_private_key())
    button("Add the key")
    expect(page.get_by_text("throw that key away")).to_be_visible()
    expect(page.get_by_label("Public key")).to_have_value("")
    page.get_by_label("Public key").fill(public_line(a_private_key(), "banner.example.edu"))
    button("Add the key")
    expect(page.get_by_text("Its fingerprint: SHA256:")).to_be_visible()
    account = page.url

    # When its system sends a file, with the configuration that the console shows for it
    page.get_by_role("link", name="Client configurations").click()
    script = page.locator("#openssh-1").text_content() or ""
    key = kept_private_key(a_private_key(), tmp_path)
    sent = send(script, key, tmp_path, "ana@x.edu,1,Núñez,Ana,,,,,", ",2,,,,,,,")
    assert sent.returncode == 0, sent.stderr + server.said()
    wait_until(lambda: files("claimed"))
    page.goto(account)
    expect(page.locator("#files").get_by_text("Taken for processing")).to_be_visible()
    place.work()

    # then the console shows by itself that it was processed, and leads to the answer for each row.
    expect(page.locator("#files").get_by_text("Processed", exact=True)).to_be_visible()
    assert faults_of(page) == []
    page.locator("#files").get_by_role("link", name="2 rows, 1 refused").click()
    expect(page.get_by_role("heading", name="roster.csv")).to_be_visible()
    page.goto(account)
    expect(page.get_by_text("/outbound/results/roster.").first).to_be_visible()

    # When the very same file comes again, the account is suspended, and the console says what to do.
    send(script, key, tmp_path, "ana@x.edu,1,Núñez,Ana,,,,,", ",2,,,,,,,")
    wait_until(lambda: files("repeated"))
    page.goto("/transfers/")
    expect(page.get_by_role("heading", name="Banner is suspended")).to_be_visible()
    assert faults_of(page) == []
    refused = send(script, key, tmp_path, "ben@x.edu,3,O,Ben,,,,,")
    assert refused.returncode != 0
    page.get_by_role("link", name="Look into it and lift it").click()
    button("Lift the suspension")
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.get_by_label("Why").fill("Their job is mended")
    button("Lift the suspension")
    expect(page.get_by_text("The account may come again.")).to_be_visible()

    # Then another file is processed, and the log has all of it.
    sent = send(script, key, tmp_path, "ben@x.edu,3,O,Ben,,,,,")
    assert sent.returncode == 0, sent.stderr + server.said()
    wait_until(lambda: files("claimed"))
    place.work()
    page.goto(account)
    expect(page.locator("#files").get_by_role("link", name="1 row, 0 refused")).to_be_visible()
    with place.school.scope():
        wait_until(lambda: TransferSession.objects.filter(refused="suspended").exists())
    page.get_by_role("link", name="Log of files").click()
    expect(page.locator("#results").get_by_text("Left unprocessed: same as the last file")).to_be_visible()


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (PHONE, "light"), (DESK, "dark")], ids=["desk", "phone", "in the dark"]
)  # fmt: skip
def test_every_page_about_file_transfer_is_accessible_and_fits(
    place: Place, open_browser, tmp_path, settings, size, scheme
):
    from pratique.interfaces.sftp.host_keys import HostKeys

    settings.SFTP_HOST_KEYS = tmp_path / "ssh"
    HostKeys(settings.SFTP_HOST_KEYS).ensure()
    school = place.school.institution
    works = an_account(school, tmp_path, name="X" * 120, part="a" * 32)
    with_traffic(works, 1, name=f"{'n' * 200}.csv")
    stopped = an_account(school, tmp_path, name="Stopped")
    accounts.suspend(account=stopped.account, reason="y" * 200, by=BY, now=NOW, because=SuspendedFor.STAFF)
    destination = a_destination(school, name="D" * 120, host="h" * 250)
    page: Page = open_browser(viewport=size, color_scheme=scheme)
    sign_in(page, place, "administrator")
    at, there = f"/transfers/{works.account.id}/", f"/transfers/destinations/{destination.id}/"
    with place.school.scope():
        file = OutboundFile.objects.filter(account=works.account).first().id
    faults = {}
    for path in (
        "/transfers/", "/transfers/?state=care", "/transfers/?q=nobody", "/transfers/new/", "/transfers/settings/",
        "/transfers/set-up/", at, f"{at}files/", f"{at}outbound/", f"{at}sessions/", f"{at}log/?sort=path",
        f"{at}log/?q=zzz", f"{at}clients/", f"{at}change/", f"{at}suspend/", f"{at}close/", f"{at}keys/new/",
        f"{at}keys/{works.key.id}/revoke/", f"{at}outbound/{file}/delete/", f"/transfers/{stopped.account.id}/",
        f"/transfers/{stopped.account.id}/files/", "/transfers/destinations/new/", there, f"{there}change/",
        f"{there}password/", f"{there}key/", f"{there}deliveries/", f"{there}close/",
    ):  # fmt: skip
        page.goto(path)
        for summary in page.locator("main summary").all():
            if not summary.evaluate("element => element.parentElement.open"):
                summary.click()
        found = faults_of(page, contrast_only=scheme == "dark")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append("the page is wider than the window")
        if found:
            faults[path] = found
    assert faults == {}
