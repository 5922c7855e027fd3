"""The vault with real keys in a real database: what comes out is what was put in, or an error that names the file."""

import threading
import uuid

import pytest
from django.db import connection, transaction

from pratique.foundation import vault
from pratique.foundation.models import DataKey
from pratique.foundation.tenancy import OtherInstitutionError, institution_scope
from pratique.foundation.vault import keys, providers
from pratique.foundation.vault.actions.making import make_data_key

pytestmark = pytest.mark.usefixtures("committed", "no_remembered_keys")
OURS, THEIRS = uuid.UUID(int=1), uuid.UUID(int=2)
NAME = "3f/original"


@pytest.fixture
def no_remembered_keys():
    vault.forget_keys()
    yield
    vault.forget_keys()


def sealed(content: bytes = b"a record", institution_id: uuid.UUID = OURS, name: str = NAME) -> bytes:
    return vault.seal(institution_id=institution_id, name=name, content=content)


def test_what_was_sealed_opens_to_the_same():
    assert vault.open(institution_id=OURS, name=NAME, sealed=sealed()) == b"a record"


def test_nothing_of_the_content_can_be_read_in_the_sealed_bytes():
    assert b"a record" not in sealed()
    assert sealed() != sealed()


def test_an_institution_has_one_key_however_often_it_seals():
    for _ in range(3):
        vault.forget_keys()
        sealed()
    with institution_scope(OURS):
        assert [row.version for row in DataKey.objects.all()] == [1]


@pytest.mark.parametrize(
    ("institution_id", "name"),
    [(OURS, "3f/page-1"), (THEIRS, NAME)],
    ids=["a file moved to another name", "a file moved to another institution"],
)
def test_a_moved_file_does_not_open(institution_id, name):
    sealed(b"theirs", THEIRS)  # so that both have a key
    with pytest.raises(vault.SealBrokenError, match=name):
        vault.open(institution_id=institution_id, name=name, sealed=sealed())


ACCOUNT, OTHER_ACCOUNT = uuid.UUID(int=3), uuid.UUID(int=4)


@pytest.mark.parametrize(
    ("institution_id", "owner_id", "name"),
    [
        (THEIRS, THEIRS, NAME),
        (OURS, OTHER_ACCOUNT, f"account-{OTHER_ACCOUNT}/1"),
        (OURS, OURS, NAME),
        (THEIRS, ACCOUNT, f"account-{ACCOUNT}/1"),
    ],
    ids=["to another institution", "to another account", "to the institution", "with its account's id"],
)
def test_a_key_row_that_was_moved_does_not_unwrap(institution_id, owner_id, name):
    """Whoever may write the table cannot make one owner's key another's."""
    is_of_account = (institution_id, owner_id) != (THEIRS, THEIRS)
    sealed(name=f"account-{ACCOUNT}/1" if is_of_account else NAME)
    with institution_scope(OURS):
        row = DataKey.objects.get()
    with institution_scope(institution_id):
        row.id, row.institution_id, row.owner_id = uuid.uuid4(), institution_id, owner_id
        row.save(force_insert=True)
    with pytest.raises(vault.KeyLockedError, match="another institution"):
        sealed(b"", institution_id, name)


def test_accounts_have_keys_of_their_own():
    for name in (NAME, f"account-{ACCOUNT}/1", f"account-{OTHER_ACCOUNT}/1", f"account-{ACCOUNT}/2"):
        sealed(name=name)
    with institution_scope(OURS):
        assert set(DataKey.objects.values_list("owner_id", "version")) == {
            (OURS, 1),
            (ACCOUNT, 1),
            (OTHER_ACCOUNT, 1),
        }


def test_a_file_of_a_key_that_is_gone_says_so():
    kept = sealed()
    with institution_scope(OURS):
        DataKey.objects.all().delete()
    vault.forget_keys()
    with pytest.raises(vault.KeyMissingError, match="data key 1"):
        vault.open(institution_id=OURS, name=NAME, sealed=kept)


def test_another_master_key_is_told_by_name(settings, tmp_path):
    kept = sealed()
    vault.forget_keys()
    settings.VAULT_MASTER_KEY = tmp_path / "vault"
    settings.VAULT_MASTER_KEY.write_text("x" * 64)
    with pytest.raises(vault.KeyLockedError, match="Put back the master key"):
        vault.open(institution_id=OURS, name=NAME, sealed=kept)


@pytest.mark.parametrize("content", [None, "short"], ids=["no file", "an empty or short file"])
def test_a_missing_master_key_says_what_to_do(settings, tmp_path, content):
    settings.VAULT_MASTER_KEY = tmp_path / "vault"
    if content:
        settings.VAULT_MASTER_KEY.write_text(content)
    with pytest.raises(vault.KeyProviderError, match="master key"):
        sealed()


def test_an_unknown_provider_is_told(settings):
    settings.VAULT_PROVIDER = "paper"
    with pytest.raises(vault.KeyProviderError, match="paper"):
        sealed()


def test_a_file_outlives_the_transaction_it_was_sealed_in():
    """The key must not be rolled back with it: the file is on a disk already."""
    with institution_scope(OURS):
        kept = sealed()
        transaction.set_rollback(True)
    vault.forget_keys()
    assert vault.open(institution_id=OURS, name=NAME, sealed=kept) == b"a record"


def test_nobody_opens_for_another_institution_inside_a_scope():
    kept = sealed()
    vault.forget_keys()
    with institution_scope(THEIRS), pytest.raises(OtherInstitutionError):
        vault.open(institution_id=OURS, name=NAME, sealed=kept)


def test_a_newer_key_seals_and_the_older_still_opens():
    old = sealed(b"old")
    make_data_key(institution_id=OURS, owner_id=OURS, version=2, provider_name="local")
    vault.forget_keys()
    fresh = sealed(b"fresh")
    assert (old[5:9], fresh[5:9]) == (b"\0\0\0\1", b"\0\0\0\2")
    assert vault.open(institution_id=OURS, name=NAME, sealed=old) == b"old"
    assert vault.open(institution_id=OURS, name=NAME, sealed=fresh) == b"fresh"


def test_two_first_uses_at_once_agree_on_one_key():
    results, start = [], threading.Barrier(4)

    def first_use() -> None:
        start.wait()
        with transaction.atomic():
            results.append(sealed(b"%d" % threading.get_ident()))
        connection.close()

    threads = [threading.Thread(target=first_use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    vault.forget_keys()
    assert len({vault.open(institution_id=OURS, name=NAME, sealed=one) for one in results}) == 4
    with institution_scope(OURS):
        assert DataKey.objects.count() == 1


def test_keys_are_forgotten_in_time(monkeypatch):
    sealed()
    asked = []
    unwrap = providers.LocalProvider.unwrap
    monkeypatch.setattr(providers.LocalProvider, "unwrap", lambda *a, **k: asked.append(1) or unwrap(*a, **k))
    sealed()
    assert asked == []
    present = keys.time.monotonic()
    monkeypatch.setattr(keys.time, "monotonic", lambda: present + keys.REMEMBERED_SECONDS + 1)
    sealed()
    assert asked == [1]
    assert len(keys._remembered) == 2


def test_a_big_file_streams():
    block = bytes(range(256)) * 1000
    stream = vault.seal_stream(institution_id=OURS, name=NAME, content=(block for _ in range(20)))
    opened = vault.open_stream(institution_id=OURS, name=NAME, sealed=stream)
    sizes = [len(piece) for piece in opened]
    assert sum(sizes) == 20 * len(block)
    assert max(sizes) <= vault.sealing.CHUNK_SIZE
