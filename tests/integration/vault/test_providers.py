"""Key providers by one contract: a local key file, an HSM (SoftHSM2), KMS (moto)."""

import multiprocessing
import os
import threading
import uuid

import pytest

from pratique.foundation import vault
from pratique.foundation.vault.providers import pkcs11, provider

KEY, CONTEXT = bytes(range(32)), b"an owner"


@pytest.fixture(params=["local", "pkcs11", "kms"])
def holder(request):
    """Return a provider with a wrapping key of this test's own."""
    request.getfixturevalue({"local": "master_key", "pkcs11": "hsm", "kms": "kms_key"}[request.param])
    made = provider(request.param)
    if request.param == "pkcs11":
        made.make_key()
    return made


def test_what_was_wrapped_unwraps_to_the_same_and_to_nobody_elses(holder):
    wrapped = holder.wrap(KEY, context=CONTEXT)
    assert wrapped.key_id == holder.key_id
    assert KEY not in wrapped.data
    assert holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY
    damaged = wrapped.data[:-1] + bytes([wrapped.data[-1] ^ 1])
    for data, context in (
        (wrapped.data, b"another"),
        (damaged, CONTEXT),
        (b"", CONTEXT),
        (b"short", CONTEXT),
    ):
        with pytest.raises((vault.KeyLockedError, vault.KeyProviderError)):
            holder.unwrap(data, key_id=wrapped.key_id, context=context)
    with pytest.raises(vault.KeyLockedError, match="another institution"):
        holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=b"another")
    assert holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY, (
        "it goes on after errors"
    )


def test_a_newer_key_wraps_and_the_older_unwraps_until_it_is_forgotten(holder):
    if not holder.makes_keys:
        for deed in (holder.make_key, lambda: holder.forget(holder.key_id)):
            with pytest.raises(vault.KeyProviderError, match="in AWS"):
                deed()
        return
    old = holder.wrap(KEY, context=CONTEXT)
    made = holder.make_key()
    assert (holder.key_id, holder.wrap(KEY, context=CONTEXT).key_id) == (made, made) != (old.key_id,) * 2
    assert holder.unwrap(old.data, key_id=old.key_id, context=CONTEXT) == KEY
    assert set(holder.held()) == {made, old.key_id}
    with pytest.raises(vault.KeyProviderError, match="in use"):
        holder.forget(made)
    holder.forget(old.key_id)
    assert list(holder.held()) == [made]
    with pytest.raises(vault.KeyLockedError):
        holder.unwrap(old.data, key_id=old.key_id, context=CONTEXT)


def test_threads_share_a_provider(holder):
    wrapped, results = holder.wrap(KEY, context=CONTEXT), []

    def unwrap():
        results.append(holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY)

    threads = [threading.Thread(target=unwrap) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_a_forked_process_goes_on(holder):
    wrapped = holder.wrap(KEY, context=CONTEXT)

    def child(answers):
        answers.put(holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY)

    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    process = context.Process(target=child, args=(answers,))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0
    assert answers.get()
    assert holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY, (
        "and so does its parent"
    )


# --- the local key file ---


def test_the_older_master_key_lies_beside_the_new_one_for_its_owner_alone(master_key):
    holder, before = provider("local"), master_key.read_text()
    old = holder.key_id
    holder.make_key()
    beside = master_key.with_name(f"vault-{old}")
    assert beside.read_text() == before != master_key.read_text()
    assert {path.name for path in master_key.parent.iterdir()} == {"vault", beside.name}
    assert os.stat(master_key).st_mode & 0o077 == 0


def test_a_running_process_notices_a_new_master_key(master_key):
    holder = provider("local")
    old = holder.wrap(KEY, context=CONTEXT)
    other = type(holder)(master_key)  # as in another process
    made = other.make_key()
    assert holder.wrap(KEY, context=CONTEXT).key_id == made
    assert holder.unwrap(old.data, key_id=old.key_id, context=CONTEXT) == KEY


def test_a_file_with_another_key_than_its_name_says_is_told(master_key):
    holder = provider("local")
    old = holder.wrap(KEY, context=CONTEXT)
    holder.make_key()
    beside = master_key.with_name(f"vault-{old.key_id}")
    beside.write_text("something else altogether, " * 3)
    with pytest.raises(vault.KeyLockedError, match=beside.name):
        holder.unwrap(old.data, key_id=old.key_id, context=CONTEXT)
    with pytest.raises(vault.KeyLockedError):
        holder.unwrap(old.data, key_id="../vault", context=CONTEXT)


# --- the HSM ---


def test_the_key_never_leaves_the_token(hsm):
    holder = provider("pkcs11")
    holder.make_key()
    (session,) = [one.session for place, one in pkcs11._sessions.items() if place[2] == hsm]
    (key,) = session.get_objects({pkcs11.Attribute.LABEL: "pratique-vault"})
    assert key[pkcs11.Attribute.SENSITIVE]
    assert not key[pkcs11.Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.pkcs11.AttributeSensitive):
        _ = key[pkcs11.Attribute.VALUE]


def test_a_session_that_was_lost_is_opened_again(hsm):
    holder = provider("pkcs11")
    holder.make_key()
    wrapped = holder.wrap(KEY, context=CONTEXT)
    (own,) = [one for place, one in pkcs11._sessions.items() if place[2] == hsm]
    own.session.close()
    assert holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY
    pkcs11.pkcs11.lib(holder._module).reinitialize()  # as after the token was out: no session is left
    assert holder.unwrap(wrapped.data, key_id=wrapped.key_id, context=CONTEXT) == KEY


def test_a_wrong_pin_is_tried_once_until_its_file_changes(hsm, settings, monkeypatch):
    pin = settings.PKCS11_PIN_FILE
    with open(pin, "w") as file:
        file.write("11112222")
    holder, opened = provider("pkcs11"), []
    library = pkcs11._library
    monkeypatch.setattr(pkcs11, "_library", lambda *place: opened.append(1) or library(*place))
    tries = []
    for _ in range(5):
        with pytest.raises(vault.KeyProviderError, match="refuses the PIN") as told:
            holder.key_id  # noqa: B018
        assert "11112222" not in str(told.value)
        tries.append(len(opened))
    assert len(set(tries)) == 1, "a token locks itself after a few wrong tries"
    os.unlink(pin)
    with open(pin, "w") as file:
        file.write("24681357")
    assert holder.make_key() == holder.key_id


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("PKCS11_MODULE", "", "Set PRATIQUE_PKCS11_MODULE"),
        ("PKCS11_MODULE", "/no/such/library.so", "Correct PRATIQUE_PKCS11_MODULE"),
        ("PKCS11_TOKEN", "elsewhere", "no token labelled elsewhere.*PRATIQUE_PKCS11_TOKEN"),
        ("PKCS11_PIN_FILE", "", "Set PRATIQUE_PKCS11_PIN_FILE"),
        ("PKCS11_PIN_FILE", "/no/such/pin", "PRATIQUE_PKCS11_PIN_FILE"),
        ("PKCS11_KEY", "another", "no key labelled another.*vault rotate --master --to pkcs11"),
    ],
    ids=[
        "no library",
        "a library that is not there",
        "another token",
        "no PIN",
        "a PIN that is not there",
        "no key",
    ],
)
def test_an_hsm_that_is_not_set_up_says_what_to_do(hsm, settings, setting, value, words):
    setattr(settings, setting, value)
    with pytest.raises(vault.KeyProviderError, match=words):
        provider("pkcs11").key_id  # noqa: B018


# --- KMS ---


def test_kms_keeps_what_a_key_is_for_in_its_context(kms_key, aws):
    import boto3

    wrapped = provider("kms").wrap(KEY, context=CONTEXT)
    client = boto3.client("kms", endpoint_url=aws, region_name="us-east-1")
    with pytest.raises(client.exceptions.InvalidCiphertextException):
        client.decrypt(CiphertextBlob=wrapped.data)
    opened = client.decrypt(CiphertextBlob=wrapped.data, EncryptionContext={"pratique": CONTEXT.hex()})
    assert opened["Plaintext"] == KEY


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("KMS_KEY", "", "Set PRATIQUE_KMS_KEY"),
        ("KMS_KEY", str(uuid.UUID(int=7)), "NotFoundException.*Correct PRATIQUE_KMS_KEY"),
        ("KMS_ENDPOINT", "http://127.0.0.1:9", "EndpointConnectionError.*network"),
    ],
    ids=["no key", "a key that is not there", "nobody answers"],
)
def test_kms_that_is_not_set_up_says_what_to_do(kms_key, settings, setting, value, words):
    setattr(settings, setting, value)
    with pytest.raises(vault.KeyProviderError, match=words):
        provider("kms").key_id  # noqa: B018


def test_a_disabled_key_of_kms_says_so(kms_key, aws):
    import boto3

    boto3.client("kms", endpoint_url=aws, region_name="us-east-1").disable_key(
        KeyId=kms_key.rpartition("/")[2]
    )
    with pytest.raises(vault.KeyProviderError, match="Enable the key"):
        provider("kms").key_id  # noqa: B018
