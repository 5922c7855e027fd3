"""Transfer accounts and their keys: what each deed changes, what it leaves, and what the audit trail says."""

import os
import stat

import pytest
from django.test import override_settings

from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions import accounts
from pratique.transfers.actions.keys import MOST_KEYS, add_key, revoke_key
from pratique.transfers.actions.settings import change_settings
from pratique.transfers.errors import TransferError
from pratique.transfers.models import SuspendedFor, TransferAccount, TransferKey
from tests.schools import BY, NOW, a_school
from tests.transfers import a_private_key, an_account, public_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def held(school, tmp_path):
    return an_account(school, tmp_path)


def kept(account: TransferAccount) -> TransferAccount:
    with institution_scope(account.institution_id):
        return TransferAccount.objects.get(id=account.id)


def trail(account: TransferAccount) -> list[tuple[str, dict]]:
    with institution_scope(account.institution_id):
        rows = AuditEvent.objects.filter(subject_type="transfer_account", subject_id=account.id).order_by(
            "id"
        )
        return [(row.action.removeprefix("transfers:"), row.detail) for row in rows]


def test_an_account_can_sign_in_with_its_key(held):
    assert held.account.username.startswith(f"{held.account.institution.slug}-")
    assert stat.S_IMODE(os.stat(held.private_key_path).st_mode) == 0o600
    assert (held.key.username, held.key.algorithm, held.key.bits) == (held.username, "ssh-rsa", 2048)
    assert [action for action, _detail in trail(held.account)] == ["account:created", "key:added"]


def test_a_username_is_given_once_in_the_installation(school, held):
    part = held.username.removeprefix(f"{school.slug}-")
    with pytest.raises(TransferError) as wrong:
        accounts.create_account(
            institution=school, name="Other", username_part=part, contact_email="", by=BY, now=NOW
        )
    assert (wrong.value.code, wrong.value.field) == ("username_taken", "username_part")


def test_no_school_can_make_or_find_out_a_username_of_another_school(tmp_path):
    """`a` with `b-c` and `a-b` with `c` would be the same; the part after the slug has no hyphen."""
    first, second = a_school("twin-one"), a_school("twin-one-more")
    an_account(second, tmp_path, part="sis")
    said = set()
    for part in ("more-sis", "more-nobody"):
        with pytest.raises(TransferError) as wrong:
            accounts.create_account(
                institution=first, name="x", username_part=part, contact_email="", by=BY, now=NOW
            )
        said.add(wrong.value.sentence)
    (sentence,) = said
    assert "no hyphen" in sentence


def test_suspending_needs_a_reason_and_keeps_the_first(held):
    with pytest.raises(TransferError) as wrong:
        accounts.suspend(account=held.account, reason=" ", by=BY, now=NOW)
    assert wrong.value.field == "reason"
    accounts.suspend(account=held.account, reason="Key may be lost", by=BY, now=NOW)
    accounts.suspend(account=held.account, reason="Again", by=BY, now=NOW, because=SuspendedFor.REPEATED_FILE)
    row = kept(held.account)
    assert (row.suspended_at, row.suspended_by, row.suspended_for) == (NOW, str(BY), "staff")
    assert row.suspended_reason == "Key may be lost"
    assert [one for one in trail(held.account) if "suspended" in one[0]] == [
        (
            "account:suspended",
            {"username": held.username, "reason": "Key may be lost", "suspended_for": "staff"},
        )
    ]


def test_lifting_needs_a_reason_and_records_it(held):
    accounts.suspend(
        account=held.account, reason="The same file twice", by=BY, now=NOW, because=SuspendedFor.REPEATED_FILE
    )
    with pytest.raises(TransferError):
        accounts.lift(account=held.account, reason="", by=BY, now=NOW)
    assert kept(held.account).suspended_at
    accounts.lift(account=held.account, reason="They fixed their job", by=BY, now=NOW)
    accounts.lift(account=held.account, reason="Twice", by=BY, now=NOW)
    row = kept(held.account)
    assert (row.suspended_at, row.suspended_by, row.suspended_for, row.suspended_reason) == (None, "", "", "")
    assert trail(held.account)[-1] == (
        "account:lifted",
        {"username": held.username, "reason": "They fixed their job", "suspended_for": "repeated_file"},
    )
    with institution_scope(held.account.institution_id):
        assert TransferKey.objects.get().revoked_at is None


def test_closing_revokes_the_keys_and_is_for_good(held):
    accounts.close_account(account=held.account, by=BY, now=NOW)
    accounts.close_account(account=held.account, by=BY, now=NOW)
    with institution_scope(held.account.institution_id):
        key = TransferKey.objects.get()
    assert (key.revoked_at, key.revoked_by) == (NOW, str(BY))
    assert trail(held.account)[-1] == ("account:closed", {"username": held.username, "keys_revoked": 1})
    for deed in (
        lambda: accounts.suspend(account=held.account, reason="x", by=BY, now=NOW),
        lambda: accounts.lift(account=held.account, reason="x", by=BY, now=NOW),
        lambda: add_key(account=held.account, label="x", text=public_line(a_private_key(1)), by=BY, now=NOW),
    ):
        with pytest.raises(TransferError) as wrong:
            deed()
        assert wrong.value.code == "closed"


def test_changing_what_stays_the_same_leaves_no_row(held):
    same = {
        "name": held.account.name,
        "contact_email": "it@school.example",
        "networks": "",
        "most_sessions": 10,
    }
    accounts.change_account(account=held.account, **same, by=BY, now=NOW)
    before = trail(held.account)
    accounts.change_account(
        account=held.account, **same | {"networks": "203.0.113.7", "most_sessions": 3}, by=BY, now=NOW
    )
    assert len(before) == 2
    assert trail(held.account)[-1] == (
        "account:changed", {"username": held.username, "fields": ["networks", "most_sessions"]},
    )  # fmt: skip
    assert kept(held.account).networks == ["203.0.113.7/32"]


def test_a_key_is_added_once_and_never_after_it_was_revoked(held):
    line = public_line(a_private_key())
    with pytest.raises(TransferError) as wrong:
        add_key(account=held.account, label="Again", text=line, by=BY, now=NOW)
    assert wrong.value.code == "key_known"
    revoke_key(key=held.key, by=BY, now=NOW)
    revoke_key(key=held.key, by=BY, now=NOW)
    assert [action for action, _detail in trail(held.account)].count("key:revoked") == 1
    with pytest.raises(TransferError) as wrong:
        add_key(account=held.account, label="Again", text=line, by=BY, now=NOW)
    assert wrong.value.code == "key_revoked"


def test_two_keys_work_side_by_side_and_one_goes(held):
    second = add_key(
        account=held.account, label="", text=public_line(a_private_key(1), "new server"), by=BY, now=NOW
    )
    assert second.label == "new server"
    revoke_key(key=held.key, by=BY, now=NOW)
    with institution_scope(held.account.institution_id):
        assert [key.id for key in TransferKey.objects.filter(revoked_at__isnull=True)] == [second.id]


def test_a_key_without_a_label_and_comment_is_asked_for_one(held):
    with pytest.raises(TransferError) as wrong:
        add_key(account=held.account, label=" ", text=public_line(a_private_key(1)), by=BY, now=NOW)
    assert wrong.value.field == "label"


def test_an_account_has_at_most_twenty_keys(held):
    with institution_scope(held.account.institution_id):
        TransferKey.objects.bulk_create(
            TransferKey(
                institution_id=held.account.institution_id, account=held.account, username=held.username, label="x",
                algorithm="ssh-rsa", bits=2048, public_data=b"x", fingerprint=f"SHA256:{number}", created_at=NOW,
                created_by="tests",
            )
            for number in range(MOST_KEYS - 1)
        )  # fmt: skip
    with pytest.raises(TransferError) as wrong:
        add_key(account=held.account, label="One more", text=public_line(a_private_key(1)), by=BY, now=NOW)
    assert wrong.value.code == "too_many"


def test_ed25519_follows_the_setting(held):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        .decode()
    )
    with pytest.raises(TransferError) as wrong:
        add_key(account=held.account, label="x", text=line, by=BY, now=NOW)
    assert wrong.value.code == "ed25519"
    with override_settings(SFTP_ED25519=True):
        assert add_key(account=held.account, label="x", text=line, by=BY, now=NOW).bits == 256


def test_what_a_repeated_file_does_is_the_schools_choice(school):
    for choice in ("ignore", "ignore", "suspend"):
        assert (
            change_settings(institution=school, repeated_file=choice, by=BY, now=NOW).repeated_file == choice
        )
    with pytest.raises(TransferError):
        change_settings(institution=school, repeated_file="delete", by=BY, now=NOW)
    with institution_scope(school.id):
        assert AuditEvent.objects.filter(action="transfers:settings:changed").count() == 2
