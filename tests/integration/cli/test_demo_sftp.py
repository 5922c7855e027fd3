"""The demo's account for file transfer: its key on disk, its past, and what `demo credentials` says of it."""

import stat

import pytest

from pratique.foundation.demo_credentials import SFTP, demo_sftp, keep_sign_ins, sftp_key_path, sign_ins
from pratique.interfaces.cli.demo_sftp import add_sftp
from pratique.transfers import lists
from pratique.transfers.models import InboundFile, OutboundFile, TransferAccount, TransferKey
from pratique.transfers.standing import Standing
from tests.schools import BY, NOW, imported
from tests.staff import make_school
from tests.transfers import public_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def var(tmp_path, settings):
    settings.VAR = tmp_path
    keep_sign_ins(tmp_path, [{"role": "administrator", "username": "boss", "password": "x"}])
    return tmp_path


@pytest.fixture
def school():
    made = make_school()
    imported(made.institution, "ana@x.edu,1,A,B,,,,,", ",2,,,,,,,")
    return made


def test_it_has_a_key_that_signs_in_and_a_past(school, var):
    assert add_sftp(school.institution, by=BY, now=NOW)
    path = sftp_key_path(var)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with school.scope():
        account, key = TransferAccount.objects.get(), TransferKey.objects.get()
        assert (account.username, key.bits) == (f"{school.institution.slug}-sis", 3072)
        assert public_line(path.read_text()).split()[1].startswith("AAAAB3NzaC1yc2E")
        assert lists.account_line(account).standing is Standing.WORKS
        processed = InboundFile.objects.get(state="processed")
        assert processed.roster_import.counts["rows"] == 2
        assert OutboundFile.objects.get().folder == "results"
        # Whoever tries the very same roster by SFTP is not suspended for it.
        assert account.last_claimed is None
    assert demo_sftp(var, host="127.0.0.1", port=2222, host_key="ssh-rsa AAAA") == {
        "role": "sftp", "host": "127.0.0.1", "port": 2222, "username": account.username,
        "private_key_path": str(path), "host_key": "ssh-rsa AAAA",
    }  # fmt: skip
    assert [one["role"] for one in sign_ins(var)] == ["administrator", SFTP]


def test_a_second_time_nothing_is_made(school, var):
    assert add_sftp(school.institution, by=BY, now=NOW)
    before = sftp_key_path(var).read_bytes()
    assert not add_sftp(school.institution, by=BY, now=NOW)
    assert sftp_key_path(var).read_bytes() == before


def test_a_key_that_is_lost_is_replaced(school, var):
    add_sftp(school.institution, by=BY, now=NOW)
    sftp_key_path(var).unlink()
    assert add_sftp(school.institution, by=BY, now=NOW)
    with school.scope():
        assert TransferAccount.objects.count() == 1
        assert TransferKey.objects.filter(revoked_at__isnull=True).count() == 1
        assert TransferKey.objects.count() == 2
        assert OutboundFile.objects.count() == 1
    assert [one["role"] for one in sign_ins(var)].count(SFTP) == 1


def test_without_a_demo_there_is_nothing(tmp_path):
    assert demo_sftp(tmp_path, host="x", port=1, host_key="") is None
