"""File transfer in the console: who may, health, accounts, keys, suspending and lifting, lists, the log as CSV."""

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.foundation.models import AuditEvent
from pratique.institutions.models import Institution
from pratique.interfaces.console import transfer_words
from pratique.screens import words
from pratique.transfers.actions import accounts
from pratique.transfers.models import (
    InboundFile,
    InboundState,
    OutboundFile,
    SuspendedFor,
    TransferAccount,
    TransferEvent,
    TransferKey,
    TransferSession,
)
from pratique.transfers.standing import Standing
from pratique.transfers.types import EVENTS, REASONS, REFUSALS
from tests.integration.console.conftest import text_of
from tests.schools import BY, NOW, imported
from tests.transfers import a_private_key, an_account, public_line, with_traffic

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(school, tmp_path):
    return an_account(school.institution, tmp_path, part="sis")


@pytest.fixture
def address(held):
    return f"/transfers/{held.account.id}/"


@pytest.fixture
def admin(signed_in):
    return signed_in(Role.ADMINISTRATOR)


@pytest.fixture
def integrator(school, signed_in):
    with school.scope():
        user = school.staff[Role.REVIEWER]
        user.is_integrator = True
        user.save(update_fields=["is_integrator"])
    return signed_in(Role.REVIEWER)


def only(school, model):
    with school.scope():
        return model.objects.get()


# --- who may --------------------------------------------------------------------------------------------------------

READS = [
    "/transfers/", "/transfers/set-up/", "{at}", "{at}files/", "{at}outbound/", "{at}sessions/", "{at}log/",
    "{at}clients/",
]  # fmt: skip
MANAGES = [
    "/transfers/new/", "/transfers/settings/", "{at}change/", "{at}suspend/", "{at}close/", "{at}keys/new/",
    "{at}keys/{key}/revoke/", "{at}outbound/{file}/delete/",
]  # fmt: skip
DEEDS = [*MANAGES, "{at}lift/"]


@pytest.fixture
def ids(held, school):
    with_traffic(held)
    with school.scope():
        return {"key": held.key.id, "file": OutboundFile.objects.first().id}


def paths(patterns, address, ids):
    return [pattern.format(at=address, **ids) for pattern in patterns]


WHO = {
    "reviewer": (Role.REVIEWER, 403, 403),
    "coordinator": (Role.COORDINATOR, 200, 403),
    "administrator": (Role.ADMINISTRATOR, 200, 200),
}


@pytest.mark.parametrize(("role", "reads", "manages"), WHO.values(), ids=WHO)
def test_each_role_gets_its_pages(role, reads, manages, signed_in, address, ids):
    client = signed_in(role)
    for path in paths(READS, address, ids):
        assert client.get(path).status_code == reads, path
    for path in paths(MANAGES, address, ids):
        assert client.get(path).status_code == manages, path
    assert client.post(f"{address}log/export.csv").status_code == reads
    if manages == 403:
        for path in paths(DEEDS, address, ids):
            assert client.post(path, {"reason": "x"}).status_code == 403, path


def test_an_integrator_reads_and_manages_nothing(integrator, address, ids, held, school):
    for path in paths(READS, address, ids):
        assert integrator.get(path).status_code == 200, path
    for path in paths(DEEDS, address, ids):
        assert integrator.post(path, {"reason": "x", "name": "y"}).status_code == 403, path
    page = integrator.get(address).content.decode()
    assert held.key.fingerprint in page
    for word in (">Revoke", ">Add a key", ">Suspend", ">Close the account", ">Delete", "/rosters/"):
        assert word not in page
    assert 'href="/transfers/"' in integrator.get("/students/").content.decode()


def test_whoever_may_not_read_has_no_such_section(signed_in):
    assert 'href="/transfers/"' not in signed_in(Role.REVIEWER).get("/students/").content.decode()


def test_another_schools_account_is_nobodys(admin, other_school, held, school, tmp_path, address):
    theirs = an_account(other_school.institution, tmp_path)
    with_traffic(theirs)
    with other_school.scope():
        ids = {"key": theirs.key.id, "file": OutboundFile.objects.first().id}
    at, nowhere = f"/transfers/{theirs.account.id}/", f"/transfers/{uuid.uuid4()}/"
    for pattern in [*READS[2:], *MANAGES[2:]]:
        found, never = (admin.get(pattern.format(at=one, **ids)) for one in (at, nowhere))
        assert (found.status_code, never.status_code) == (404, 404), pattern
        assert text_of(found) == text_of(never)
    for pattern in [*DEEDS[2:], "{at}log/export.csv"]:
        assert admin.post(pattern.format(at=at, **ids), {"reason": "x"}).status_code == 404
    # Theirs under an account of ours, and what belongs to one account under another.
    other = an_account(school.institution, tmp_path)
    for key in (theirs.key.id, other.key.id):
        assert admin.post(f"{address}keys/{key}/revoke/").status_code == 404
    assert admin.post(f"{address}outbound/{ids['file']}/delete/").status_code == 404
    with other_school.scope():
        assert TransferKey.objects.get().revoked_at is None
        assert not OutboundFile.objects.filter(deleted_at__isnull=False).exists()
    assert theirs.account.name not in text_of(admin.get("/transfers/?q=zzz"))


def test_a_list_that_there_is_not(admin, address):
    assert admin.get(f"{address}secrets/").status_code == 404


# --- accounts -------------------------------------------------------------------------------------------------------


def test_the_empty_page_offers_the_way_in(admin, signed_in):
    assert "No account yet" in text_of(admin.get("/transfers/"))
    assert "An administrator can do that." in text_of(signed_in(Role.COORDINATOR).get("/transfers/"))


def test_an_account_is_made_and_goes_on_to_its_key(admin, school):
    answer = admin.post(
        "/transfers/new/",
        {"name": "Banner", "username_part": "sis", "contact_email": "it@x.example"},
        follow=True,
    )
    made = only(school, TransferAccount)
    assert made.username == f"{school.institution.slug}-sis"
    assert answer.redirect_chain[-1][0] == f"/transfers/{made.id}/"
    said = text_of(answer)
    assert f"The account {made.username} is there. Add a key next." in said
    assert "No key that works" in said


WRONG = {
    "no name": ({"name": ""}, "This field is required."),
    "capitals in the username": ({"username_part": "SIS"}, "Use lower-case letters"),
    "no address": ({"contact_email": "nobody"}, "Write an e-mail address"),
    "a long name": ({"name": "x" * 121}, "at most 120 characters"),
}


@pytest.mark.parametrize(("changed", "says"), WRONG.values(), ids=WRONG)
def test_what_an_account_cannot_be(admin, school, changed, says):
    answer = admin.post(
        "/transfers/new/", {"name": "Banner", "username_part": "sis", "contact_email": ""} | changed
    )
    assert answer.status_code == 422
    assert says in text_of(answer)
    with school.scope():
        assert not TransferAccount.objects.exists()


def test_a_username_that_is_taken_is_said_beside_the_field(admin, held):
    answer = admin.post("/transfers/new/", {"name": "Other", "username_part": "sis"})
    assert answer.status_code == 422
    assert "This username is not free. Choose another one." in text_of(answer)


def test_an_account_is_changed(admin, held, address, school):
    form = {
        "name": "Renamed",
        "contact_email": "",
        "networks": "203.0.113.7\n198.51.100.0/24",
        "most_sessions": "3",
    }
    assert admin.post(f"{address}change/", form).status_code == 302
    row = only(school, TransferAccount)
    assert (row.name, row.networks, row.most_sessions) == (
        "Renamed",
        ["203.0.113.7/32", "198.51.100.0/24"],
        3,
    )
    answer = admin.post(f"{address}change/", form | {"networks": "nowhere"})
    assert answer.status_code == 422
    assert "“nowhere” is no address or network." in text_of(answer)


def test_suspending_and_lifting_need_a_reason(admin, held, address, school):
    assert admin.post(f"{address}suspend/", {"reason": " "}).status_code == 422
    assert admin.post(f"{address}suspend/", {"reason": "A key may be lost"}).status_code == 302
    said = text_of(admin.get(address))
    assert "This account is suspended" in said
    assert "A key may be lost" in said
    assert "is suspended" in text_of(admin.get("/transfers/"))
    refused = admin.post(f"{address}lift/", {"reason": ""})
    assert refused.status_code == 422
    assert "This field is required." in text_of(refused)
    assert only(school, TransferAccount).suspended_at
    answer = admin.post(f"{address}lift/", {"reason": "Found it"}, follow=True)
    assert "The account may come again." in text_of(answer)
    assert only(school, TransferAccount).suspended_at is None
    activity = text_of(admin.get("/activity/"))
    assert "Suspended an account for file transfer" in activity
    assert "Let a suspended account for file transfer in again" in activity


def test_a_repeated_file_says_what_to_do(admin, held, address):
    accounts.suspend(account=held.account, reason="x", by=BY, now=NOW, because=SuspendedFor.REPEATED_FILE)
    assert "a job that sends yesterday’s file again would do so tomorrow" in text_of(admin.get(address))
    assert "sent the same file twice in a row" in text_of(admin.get("/transfers/"))


def test_a_coordinator_sees_a_suspension_and_cannot_lift_it(signed_in, held, address):
    accounts.suspend(account=held.account, reason="x", by=BY, now=NOW)
    page = signed_in(Role.COORDINATOR).get(address)
    assert "This account is suspended" in text_of(page)
    assert "lift/" not in page.content.decode()


def test_closing_is_for_good(admin, held, address, school):
    answer = admin.post(f"{address}close/", follow=True)
    page = answer.content.decode()
    assert "The account is closed, and its keys are revoked." in text_of(answer)
    for gone in ("keys/new/", "suspend/", f"{address}change/", "close/", "/revoke/"):
        assert gone not in page
    assert only(school, TransferKey).revoked_at
    refused = admin.post(f"{address}keys/new/", {"text": public_line(a_private_key(1)), "label": "x"})
    assert refused.status_code == 422
    assert "This account is closed." in text_of(refused)


def test_the_settings(admin, school):
    assert admin.post("/transfers/settings/", {"repeated_file": "ignore"}).status_code == 302
    assert only(school, Institution).repeated_file == "ignore"
    assert "is ignored" in text_of(admin.get("/transfers/set-up/"))
    assert admin.post("/transfers/settings/", {"repeated_file": "delete"}).status_code == 422


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_is_pasted_and_its_fingerprint_shown(admin, held, address, school):
    line = public_line(a_private_key(1), "new-server")
    answer = admin.post(f"{address}keys/new/", {"text": line, "label": ""}, follow=True)
    with school.scope():
        key = TransferKey.objects.exclude(id=held.key.id).get()
    assert key.label == "new-server"
    assert text_of(answer).count(key.fingerprint) == 2


def test_a_key_is_uploaded(admin, held, address, school):
    file = SimpleUploadedFile("id.pub", public_line(a_private_key(1)).encode("utf-16"))
    assert admin.post(f"{address}keys/new/", {"file": file, "label": "Backup"}).status_code == 302
    with school.scope():
        assert TransferKey.objects.filter(label="Backup").count() == 1


def test_a_private_key_is_refused_and_stands_nowhere(admin, held, address, school, caplog):
    secret = a_private_key(1)
    body = secret.split("\n")[3]
    for form in ({"text": secret}, {"file": SimpleUploadedFile("id_rsa", secret.encode())}):
        answer = admin.post(f"{address}keys/new/", {"label": "x", **form})
        assert answer.status_code == 422
        assert "throw that key away" in text_of(answer)
        assert body not in answer.content.decode()
    assert body not in caplog.text
    with school.scope():
        assert TransferKey.objects.count() == 1


def test_a_wrong_key_stays_to_be_corrected(admin, address):
    answer = admin.post(f"{address}keys/new/", {"text": "ssh-rsa AAAAB3Nza", "label": "x"})
    assert answer.status_code == 422
    assert "ssh-rsa AAAAB3Nza" in answer.content.decode()
    for nothing in ({}, {"file": SimpleUploadedFile("empty.pub", b"")}):
        assert "Paste the public key, or choose its file." in text_of(
            admin.post(f"{address}keys/new/", {"label": "x", **nothing})
        )


def test_revoking_says_what_stops(admin, held, address, school):
    assert "no other key works" in text_of(admin.get(f"{address}keys/{held.key.id}/revoke/"))
    assert admin.post(f"{address}keys/{held.key.id}/revoke/").status_code == 302
    assert only(school, TransferKey).revoked_at == NOW
    again = admin.post(f"{address}keys/{held.key.id}/revoke/", follow=True)
    assert "This key does not work any more." in text_of(again)


# --- what came and went ---------------------------------------------------------------------------------------------


def test_health_says_when_the_last_file_came_and_how_it_went(admin, held, school):
    roster_import = imported(
        school.institution, "ana@x.edu,1,A,B,,,,,", ",2,,,,,,,", "cy@x.edu,3,,,,13/13/2020,,,"
    )
    with school.scope():
        InboundFile.objects.create(
            institution=school.institution, account=held.account, name="r.csv", size=9, state=InboundState.PROCESSED,
            received_at=NOW - timedelta(minutes=4), claimed_at=NOW, finished_at=NOW, roster_import=roster_import,
        )  # fmt: skip
    said = text_of(admin.get("/transfers/"))
    assert "3 rows , 2 refused" in said or "3 rows, 2 refused" in said
    page = admin.get(f"/transfers/{held.account.id}/").content.decode()
    assert f"/rosters/{roster_import.id}/" in page


def test_every_state_reason_and_refusal_is_said_in_words(admin, held, address):
    with_traffic(held)
    said = text_of(admin.get(f"{address}files/"))
    for state in InboundState.values:
        assert str(words.chip("inbound", state).word) in said
        assert words.chip("inbound", state) is not words.UNKNOWN
    sessions = text_of(admin.get(f"{address}sessions/"))
    for code, sentence in REFUSALS.items():
        assert str(sentence) in sessions
        assert str(transfer_words.REMEDIES[code]) in sessions
    log = text_of(admin.get(f"{address}log/"))
    for sentence in EVENTS.values():
        assert str(sentence) in log


def test_every_code_has_its_words():
    assert set(transfer_words.REMEDIES) == set(REFUSALS)
    assert {str(words.chip("transfer", standing).word) for standing in Standing}.isdisjoint({"Unknown"})
    assert set(transfer_words.STANDINGS) == {"care", *(standing.value for standing in Standing)}


def test_a_running_import_shows_how_far_it_is(admin, held, address, school):
    from pratique.rosters.models import RosterProgress

    roster_import = imported(school.institution, "ana@x.edu,1,A,B,,,,,")
    with school.scope():
        InboundFile.objects.create(
            institution=school.institution, account=held.account, name="r.csv", size=9, state=InboundState.IMPORTING,
            received_at=NOW, claimed_at=NOW, roster_import=roster_import,
        )  # fmt: skip
        RosterProgress.objects.filter(roster_import=roster_import).delete()
        RosterProgress.objects.create(
            institution=school.institution,
            roster_import=roster_import,
            phase="creating",
            done=120,
            total=4000,
            at=NOW,
        )
    for page in (admin.get(address), admin.get(f"{address}files/")):
        assert "120 of 4,000 rows" in text_of(page)
    assert 'hx-trigger="every 2s"' in admin.get(address).content.decode()


FILTERS = {
    "files under way": ("files/?kind=under_way", "5 lines"),
    "files that failed": ("files/?kind=failed", "2 lines"),
    "files by name": ("files/?q=ROSTER", "10 lines"),
    "no such name": ("files/?q=zzz", "Nothing fits these filters"),
    "files of a day": ("files/?from=2026-08-03&to=2026-08-03", "10 lines"),
    "files of another day": ("files/?from=2026-08-04", "Nothing fits these filters"),
    "sessions that were refused": ("sessions/?kind=refused", f"{len(REFUSALS)} lines"),
    "sessions that are open": ("sessions/?kind=open", "1 line"),
    "outbound that nobody took": ("outbound/?kind=not_taken", "1 line"),
    "one kind of event": ("log/?kind=claimed", "1 line"),
    "what cannot be read": (
        "log/?kind=xx&from=31.12.&to=9999-12-31&sort=zzz&page=-1&size=7",
        f"{len(EVENTS)} lines",
    ),
}


@pytest.mark.parametrize(("query", "says"), FILTERS.values(), ids=FILTERS)
def test_lists_are_narrowed(admin, held, address, query, says):
    with_traffic(held)
    assert says in text_of(admin.get(address + query))


@pytest.mark.parametrize("what", ["files", "outbound", "sessions", "log"])
def test_lists_are_paged_and_sorted_in_a_fixed_number_of_queries(admin, held, address, what):
    with_traffic(held, 1)
    with CaptureQueriesContext(connection) as few:
        admin.get(f"{address}{what}/")
    with_traffic(held, 60, until=NOW - timedelta(hours=1))
    for sort in (
        "when",
        "-when",
        "name",
        "-size",
        "size",
        "files",
        "-address",
        "kind",
        "path",
        "taken",
        "state",
    ):
        with CaptureQueriesContext(connection) as many:
            answer = admin.get(f"{address}{what}/?sort={sort}&page=2")
        assert answer.status_code == 200
        assert len(many) == len(few), what
    assert "51 to 100 shown" in text_of(answer)


def test_the_pages_take_a_fixed_number_of_queries(admin, held, school, tmp_path, address):
    with_traffic(held)
    counts = []
    for _round in range(2):
        for path in ("/transfers/", address):
            with CaptureQueriesContext(connection) as made:
                assert admin.get(path).status_code == 200
            counts.append(len(made))
        for _more in range(5):
            with_traffic(an_account(school.institution, tmp_path), 3)
    assert counts[:2] == counts[2:]
    assert max(counts) < 25


def test_more_lines_than_a_list_holds(admin, held, address, monkeypatch):
    from pratique.transfers import lists

    monkeypatch.setattr(lists, "MOST_LISTED", 20)
    with_traffic(held, 3)
    said = text_of(admin.get(f"{address}log/?sort=path"))
    assert "The newest 20" in said
    assert "Choose days to see older ones." in said


def test_the_log_as_csv_is_whole_and_safe(admin, held, address, school):
    with_traffic(held, 3, name="=cmd.csv")
    with school.scope():
        TransferEvent.objects.filter(kind="uploaded").update(path="=2+3.csv")
    answer = admin.post(f"{address}log/export.csv", {"kind": ""})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 3 * len(EVENTS)
    assert rows[0]["At"] >= rows[-1]["At"]
    assert not [row for row in rows if row["Path"].startswith("=")]
    assert {row["In words"] for row in rows} >= {str(REASONS["settling"])}
    assert held.username in answer.headers["Content-Disposition"]
    few = admin.post(f"{address}log/export.csv", {"kind": "claimed"})
    assert len(b"".join(few.streaming_content).splitlines()) == 4
    with school.scope():
        assert AuditEvent.objects.filter(action="console:transfer_log:exported").count() == 2


def test_a_file_to_take_is_deleted_once(admin, held, address, school):
    with_traffic(held)
    with school.scope():
        file = OutboundFile.objects.get(folder="results")
    path = f"{address}outbound/{file.id}/delete/"
    assert f"/outbound/results/{file.name}" in text_of(admin.get(path))
    answer = admin.post(path, follow=True)
    assert "The file is deleted." in text_of(answer)
    assert admin.post(path).status_code == 404
    with school.scope():
        assert OutboundFile.objects.get(id=file.id).deleted_at == NOW


def test_the_list_of_accounts_is_narrowed_and_sorted(admin, held, school, tmp_path):
    stopped = an_account(school.institution, tmp_path, name="Zebra")
    accounts.suspend(account=stopped.account, reason="x", by=BY, now=NOW)
    for sort in ("name", "-name", "standing", "-last", "keys"):
        assert admin.get(f"/transfers/?sort={sort}").status_code == 200
    page = admin.get("/transfers/?state=care").content.decode()
    assert f"/transfers/{stopped.account.id}/" in page
    assert f"/transfers/{held.account.id}/" not in page
    assert "Nothing fits these filters" in text_of(admin.get("/transfers/?q=nobody"))


def test_a_refused_sign_in_stands_on_top_with_its_remedy(admin, held, address, school):
    with school.scope():
        TransferSession.objects.create(
            institution=school.institution,
            account=held.account,
            started_at=NOW,
            ended_at=NOW,
            refused="signature_sha1",
        )
    said = text_of(admin.get(address))
    assert "The last try to sign in was refused" in said
    assert "libssh2 1.11 or later" in said
    assert "Sign-in refused" in text_of(admin.get("/transfers/"))


# --- set-up ---------------------------------------------------------------------------------------------------------


def test_set_up_before_and_after_the_first_start(admin, settings, tmp_path, address):
    from pratique.interfaces.sftp.host_keys import HostKeys

    settings.SFTP_HOST_KEYS = tmp_path / "ssh"
    assert "made when the SFTP service starts" in text_of(admin.get("/transfers/set-up/"))
    assert "host keys are not known yet" in text_of(admin.get(f"{address}clients/"))
    keys = HostKeys(settings.SFTP_HOST_KEYS)
    keys.ensure()
    said = text_of(admin.get("/transfers/set-up/"))
    clients = text_of(admin.get(f"{address}clients/"))
    for key in keys.listed():
        assert key.fingerprint in said
        assert key.public_line in said
        assert key.public_line in clients
    for name in ("OpenSSH", "WinSCP", "FileZilla", "lftp", "rclone", "PowerShell", "Python"):
        assert name in clients
