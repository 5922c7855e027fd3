"""`pratique vault rotate` and `reseal`, over real files and keys, while other processes put and read."""

import json
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest
from django.db import connections
from typer.testing import CliRunner

from pratique.delivery.models import Destination
from pratique.foundation import vault
from pratique.foundation.models import AuditEvent, DataKey
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.actions import rewrapping
from pratique.foundation.vault.actions.rotating import rotate_data_key
from pratique.foundation.vault.providers import provider
from pratique.interfaces.cli import checks, vault_rotation
from pratique.interfaces.cli.vault import app
from pratique.transfers.models import TransferAccount
from pratique.transfers.spool.folder import Folder
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import AccountRef
from tests.schools import BY, NOW, a_school

pytestmark = pytest.mark.usefixtures("committed", "master_key", "no_remembered_keys")
ACCOUNT, OTHER = uuid.UUID(int=30), uuid.UUID(int=40)


@pytest.fixture
def school(settings, tmp_path, no_remembered_keys):
    """A school with two accounts, and three files of each owner."""
    settings.FILES = tmp_path / "files"
    made = a_school("north")
    with institution_scope(made.id):
        for account, username in ((ACCOUNT, "north-sis"), (OTHER, "north-other")):
            TransferAccount.objects.create(
                id=account, institution_id=made.id, username=username, name=username, created_at=NOW
            )
    for folder in ("d1", f"account-{ACCOUNT}", f"account-{OTHER}"):
        for number in range(3):
            blob_store().put(
                institution_id=made.id, name=f"{folder}/{number}", content=_content(folder, number)
            )
    return made


@pytest.fixture
def at_once(monkeypatch):
    """Nobody else seals in this test: there is nothing to wait for."""
    monkeypatch.setattr(vault_rotation, "_MARGIN", timedelta(0))


def _content(folder, number):
    return f"{folder} {number} ".encode() * 9000


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def versions(school):
    """Return which data key each owner's files name."""
    found = {}
    for name in blob_store().names(institution_id=school.id):
        version = blob_store().key_version(institution_id=school.id, name=name)
        found.setdefault(name.partition("/")[0], set()).add(version)
    return found


def data_keys(school, owner):
    with institution_scope(school.id):
        rows = DataKey.objects.filter(owner_id=owner).order_by("version")
        return [(row.version, row.retired_at is not None) for row in rows]


def audit_rows(school, action):
    with institution_scope(school.id):
        return list(
            AuditEvent.objects.filter(action=action).values_list("subject_type", "subject_id", "detail")
        )


def all_is_whole(school):
    vault.forget_keys()
    for folder in ("d1", f"account-{ACCOUNT}", f"account-{OTHER}"):
        for number in range(3):
            name = f"{folder}/{number}"
            assert blob_store().get(institution_id=school.id, name=name) == _content(folder, number)


# --- data keys ---


def test_a_new_data_key_for_an_account_and_no_other(school):
    result = run("rotate", "--account", "north-sis")
    assert result.exit_code == 0, result.output
    assert "north-sis has data key 2" in result.stdout
    assert data_keys(school, ACCOUNT) == [(1, False), (2, False)]
    assert data_keys(school, OTHER) == data_keys(school, school.id) == [(1, False)]
    vault.forget_keys()
    blob_store().put(institution_id=school.id, name=f"account-{ACCOUNT}/fresh", content=b"")
    assert versions(school)[f"account-{ACCOUNT}"] == {1, 2}
    assert audit_rows(school, "vault:key:rotated") == [("transfer_account", ACCOUNT, {"version": 2})]
    all_is_whole(school)


@pytest.mark.parametrize(
    ("option", "owner", "folder"),
    [("--account=north-sis", ACCOUNT, f"account-{ACCOUNT}"), ("--institution=north", None, "d1")],
    ids=["account", "institution"],
)
def test_every_file_of_the_owner_is_sealed_under_the_new_key(school, at_once, option, owner, folder):
    before = versions(school)
    result = run("rotate", option, "--reseal")
    assert result.exit_code == 0, result.output
    assert "3 files sealed anew, 1 older keys retired" in result.stdout
    assert versions(school) == before | {folder: {2}}
    assert data_keys(school, owner or school.id) == [(1, True), (2, False)]
    all_is_whole(school)
    result = run("reseal", option)
    assert "0 files sealed anew, 0 older keys retired" in result.stdout


def test_what_is_sealed_in_rows_is_sealed_anew_too(school, at_once):
    with institution_scope(school.id):
        one = uuid.uuid4()
        secret = vault.seal(institution_id=school.id, name=f"destination/{one}", content=b"their password")
        for id, value in ((one, secret), (uuid.uuid4(), b"")):
            Destination.objects.create(
                id=id, institution_id=school.id, name=str(id), host="h.example", username="u",
                sign_in_with="password", secret=value, created_at=NOW,
            )  # fmt: skip
    assert run("rotate", "--institution=north", "--reseal").exit_code == 0
    with institution_scope(school.id):
        kept = bytes(Destination.objects.get(id=one).secret)
    assert vault.key_version_of(kept, name="it") == 2
    assert vault.open(institution_id=school.id, name=f"destination/{one}", sealed=kept) == b"their password"


def test_sealing_anew_goes_on_after_an_interruption(school, at_once, monkeypatch):
    reseal, seen = vault_rotation.BlobStore.reseal, []

    def interrupted(store, **known):
        seen.append(known["name"])
        if len(seen) == 2:
            raise KeyboardInterrupt
        return reseal(store, **known)

    monkeypatch.setattr(vault_rotation.BlobStore, "reseal", interrupted)
    assert run("rotate", "--account=north-sis", "--reseal").exit_code != 0
    assert versions(school)[f"account-{ACCOUNT}"] == {1, 2}
    assert data_keys(school, ACCOUNT) == [(1, False), (2, False)]
    all_is_whole(school)
    result = run("reseal", "--account=north-sis")
    assert "2 files sealed anew, 1 older keys retired" in result.stdout, result.output
    assert versions(school)[f"account-{ACCOUNT}"] == {2}
    assert data_keys(school, ACCOUNT) == [(1, True), (2, False)]


def test_a_file_that_cannot_be_read_is_named_and_keeps_its_key(school, at_once, settings):
    (path,) = settings.FILES.glob(f"*/*/account-{ACCOUNT}/1.sealed")
    path.write_bytes(path.read_bytes()[:-1])
    damaged = path.read_bytes()
    result = run("rotate", "--account=north-sis", "--reseal")
    assert result.exit_code == 1
    assert f"account-{ACCOUNT}/1 cannot be opened" in result.stdout
    assert path.read_bytes() == damaged
    assert data_keys(school, ACCOUNT) == [(1, False), (2, False)]


def test_without_waiting_the_older_key_stays_in_use(school):
    result = run("rotate", "--account=north-sis", "--reseal", "--no-wait")
    assert result.exit_code == 0
    assert "3 files sealed anew. Run `pratique vault reseal` again after" in result.stdout
    assert data_keys(school, ACCOUNT) == [(1, False), (2, False)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate"],
        ["rotate", "--account=a", "--institution=b"],
        ["rotate", "--account=nobody"],
        ["rotate", "--institution=nowhere"],
        ["rotate", "--account=north-sis", "--to=kms"],
        ["rotate", "--master", "--account=north-sis"],
        ["reseal"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(school, arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stderr[:7]) == (2, "Error: "), result.output
    assert data_keys(school, ACCOUNT) == [(1, False)]


def test_two_rotations_at_once_make_two_keys(school):
    known = {"institution_id": school.id, "owner_id": ACCOUNT, "provider_name": "local", "by": BY, "now": NOW}
    assert [rotate_data_key(**known), rotate_data_key(**known)] == [2, 3]


def test_rotation_while_other_processes_put_and_read(school, settings, master_key, monkeypatch):
    """Uploads, downloads and open readers elsewhere see nothing of it; what they seal by an older key is found."""
    blob_store().put(
        institution_id=school.id, name=f"account-{ACCOUNT}/long", content=bytes(range(250)) * 4000
    )
    monkeypatch.setattr(vault_rotation, "_MARGIN", timedelta(seconds=2.5))
    arguments = [connections["default"].settings_dict["NAME"], settings.FILES, master_key, school.id, ACCOUNT]
    others = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.vault.sealing_process", *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) for _ in range(2)
    ]  # fmt: skip
    try:
        for other in others:
            assert other.stdout.readline() == "ready\n"
        for _ in range(2):
            result = run("rotate", "--account=north-sis", "--reseal")
            assert result.exit_code == 0, result.output
        assert run("rotate", "--master").exit_code == 0
        assert run("rotate", "--master", "--forget-old").exit_code == 0
    finally:
        told = [json.loads(other.communicate(timeout=60)[0]) for other in others]
    assert [one["errors"] for one in told] == [[], []]
    assert versions(school)[f"account-{ACCOUNT}"] == {3}
    assert data_keys(school, ACCOUNT) == [(1, True), (2, True), (3, False)]
    assert run("verify").exit_code == 0
    all_is_whole(school)


# --- wrapping keys ---


def wrapped_by(school):
    with institution_scope(school.id):
        return set(DataKey.objects.values_list("provider", "provider_key_id"))


def test_a_new_master_key_wraps_every_data_key(school, master_key):
    before = provider("local").key_id
    result = run("rotate", "--master")
    assert result.exit_code == 0, result.output
    made = provider("local").key_id
    assert made != before
    assert "3 data keys are wrapped by local key " + made in result.stdout
    assert wrapped_by(school) == {("local", made)}
    ((_, _, detail),) = audit_rows(school, "vault:key:rewrapped")
    assert detail == {"keys": 3, "provider": "local", "key": made}
    all_is_whole(school)
    assert before in run("status").stdout
    assert [finding.state for finding in checks._data_keys()] == ["ok"]
    result = run("rotate", "--master", "--forget-old")
    assert f"local key {before} is removed" in result.stdout
    assert not master_key.with_name(f"vault-{before}").exists()
    all_is_whole(school)
    assert "no older key" in run("rotate", "--master", "--forget-old").stdout


def test_a_master_key_that_something_needs_is_kept(school, master_key):
    before = provider("local").key_id
    provider("local").make_key()
    assert [(finding.state, finding.message[:8]) for finding in checks._data_keys()] == [("warn", "3 are wr")]
    result = run("rotate", "--master", "--forget-old")
    assert result.exit_code == 1
    assert f"{before} is still needed" in result.stdout
    assert master_key.with_name(f"vault-{before}").exists()
    all_is_whole(school)


def test_institutions_are_counted_when_nobody_can_store_a_data_key_any_more(school, master_key):
    """One made between the counting and the lock would have lost its key, and all of its files."""

    def institutions():
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
            )
            assert cursor.fetchone() == (1,)
        return [school.id]

    before = wrapped_by(school)
    provider("local").make_key()
    assert rewrapping.forget_unneeded("local", institution_ids=institutions) == (
        [],
        [key_id for _provider, key_id in before],
    )


def test_a_rotation_that_was_interrupted_is_finished_first(school, monkeypatch):
    other = a_school("south")
    blob_store().put(institution_id=other.id, name="d1/1", content=b"")
    monkeypatch.setattr(rewrapping, "BATCH", 1)
    rewrap, calls = rewrapping._rewrap, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        rewrap(*arguments)

    monkeypatch.setattr(rewrapping, "_rewrap", interrupted)
    assert run("rotate", "--master").exit_code != 0
    made = provider("local").key_id
    assert len(wrapped_by(school)) == 2
    all_is_whole(school)
    result = run("rotate", "--master")
    assert "going on with " + made in result.stdout
    assert "2 data keys are wrapped" in result.stdout
    assert wrapped_by(school) == wrapped_by(other) == {("local", made)}


@pytest.mark.parametrize(("name", "fixture"), [("pkcs11", "hsm"), ("kms", "kms_key")])
def test_moving_to_another_provider_and_back(school, request, settings, master_key, name, fixture):
    request.getfixturevalue(fixture)
    result = run("rotate", "--master", f"--to={name}")
    assert result.exit_code == 0, result.output
    assert f"PRATIQUE_VAULT_PROVIDER={name}" in result.stdout
    moved = {(name, provider(name).key_id)}
    assert wrapped_by(school) == moved
    all_is_whole(school)
    # Until the setting is changed, new owners' keys are wrapped by the old provider: both are in use.
    late = uuid.uuid4()
    blob_store().put(institution_id=school.id, name=f"account-{late}/1", content=b"late")
    assert len(wrapped_by(school)) == 2
    settings.VAULT_PROVIDER = name
    assert [finding.state for finding in checks._vault()] == ["ok"]
    assert [finding.state for finding in checks._data_keys()] == ["warn"]
    assert run("rotate", "--master", f"--to={name}").exit_code == 0
    assert wrapped_by(school) == moved, "the wrapping key that is there is used"
    secret = master_key.read_text()
    master_key.unlink()
    all_is_whole(school)
    assert [finding.state for finding in checks._data_keys()] == ["ok"]
    assert name in run("status").stdout
    assert run("rotate", "--master").exit_code == 0
    all_is_whole(school)
    assert run("rotate", "--master", "--forget-old").exit_code == 0
    master_key.write_text(secret)
    assert run("rotate", "--master", "--to=local").exit_code == 0
    assert wrapped_by(school) == {("local", provider("local").key_id)}
    all_is_whole(school)


def test_a_provider_that_does_not_give_back_what_it_wrapped_changes_nothing(school, monkeypatch):
    before, local = wrapped_by(school), type(provider("local"))
    wrap = local.wrap
    monkeypatch.setattr(local, "wrap", lambda self, key, *, context: wrap(self, key, context=b"another"))
    result = run("rotate", "--master")
    assert result.exit_code == 1
    assert "does not give back" in result.stderr
    assert wrapped_by(school) == before
    all_is_whole(school)


@pytest.mark.parametrize("to", ["paper", "pkcs11", "kms"])
def test_a_provider_that_is_not_set_up_says_what_to_do(school, to):
    result = run("rotate", "--master", f"--to={to}")
    assert result.exit_code == 1
    assert "Error: " in result.stderr
    assert {name for name, _ in wrapped_by(school)} == {"local"}


# --- what is told ---


def test_status_tells_of_each_account(school, at_once):
    run("rotate", "--account=north-sis", "--reseal")
    told = {one["account"]: one for one in json.loads(run("status", "--json").stdout)["owners"]}
    assert [(one, told[one]["files"], told[one]["keys"], told[one]["retired"]) for one in told] == [
        ("", 3, 1, 0), ("north-other", 3, 1, 0), ("north-sis", 3, 2, 1),
    ]  # fmt: skip
    assert "north-sis: 3 files" in run("status").stdout


def test_verify_reads_files_of_accounts_too(school, settings):
    assert "9 files" in run("verify").stdout
    (path,) = settings.FILES.glob(f"*/*/account-{OTHER}/2.sealed")
    path.write_bytes(path.read_bytes()[:-1])
    result = run("verify")
    assert result.exit_code == 1
    assert f"north: The stored file account-{OTHER}/2 cannot be opened" in result.stdout


def test_verify_reads_uploads_that_are_not_claimed_yet(school, settings, tmp_path):
    settings.SFTP_SPOOL = tmp_path / "spool"
    folder = Folder(Spool(), AccountRef(school.id, ACCOUNT, "north-sis"))
    for name in ("students.csv", "more.csv", "under-way.csv"):
        upload = folder.open(
            name, session=uuid.uuid4(), create=True, exclusive=False, truncate=True, announced=None
        )
        upload.write(0, b"x" * 100_000)
        if name != "under-way.csv":
            upload.close()
    run("rotate", "--account=north-sis")
    result = run("verify")
    assert "9 files and 2 uploads" in result.stdout, result.output
    path = folder.path_of("more.csv")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    result = run("verify")
    assert result.exit_code == 1
    assert f"north-sis: The stored file spool/{ACCOUNT}/{path.name} cannot be opened" in result.stdout
    assert "1 wrong" in result.stdout
    upload.close()
