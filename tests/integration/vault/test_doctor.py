"""What `pratique doctor` says of the vault, of page images and of the virus scanner."""

import pytest

from pratique.foundation import vault
from pratique.foundation.imaging import RenderingUnavailableError
from pratique.interfaces.cli import checks
from tests.schools import a_school


def found(check) -> checks.Finding:
    (finding,) = check()
    return finding


def test_all_is_well():
    assert found(checks._vault).state == "ok"
    assert found(checks._imaging).state in ("ok", "warn")  # a kernel without Landlock is worth a word


def test_no_scanner_is_information_and_no_fault(settings):
    settings.CLAMD = ""
    finding = found(checks._virus_scanner)
    assert (finding.state, finding.message) == ("ok", "none: files are not scanned (CLAMD is not set)")


def test_a_scanner_that_does_not_answer_is_a_fault(settings):
    settings.CLAMD = "/no/such/socket"
    finding = found(checks._virus_scanner)
    assert finding.state == "fail"
    assert "wait" in finding.remedy


def test_a_master_key_that_is_gone_is_a_fault(settings, tmp_path):
    settings.VAULT_MASTER_KEY = tmp_path / "gone"
    finding = found(checks._vault)
    assert (finding.state, finding.remedy) == ("fail", "Put it back from your backup.")


def test_no_process_for_page_images_is_a_fault(monkeypatch):
    def unavailable(_content):
        raise RenderingUnavailableError("No process could be started to make page images.")

    monkeypatch.setattr(checks.imaging, "render", unavailable)
    assert found(checks._imaging).state == "fail"


def test_a_folder_for_files_that_cannot_be_written_to_is_a_fault(settings, monkeypatch, tmp_path):
    assert found(checks._file_store).state == "ok"
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    finding = found(checks._file_store)
    assert finding.state == "fail"
    assert "PRATIQUE_VAR" in finding.remedy


def test_a_bucket_is_asked_whether_it_answers(bucket, settings):
    assert found(checks._file_store).message == f"bucket {bucket}, below pratique/files/"
    settings.S3_BUCKET = "no-such-bucket-here"
    finding = found(checks._file_store)
    assert (finding.state, "PRATIQUE_S3_BUCKET" in finding.remedy) == ("fail", True)


def test_a_key_provider_is_asked_whether_it_answers(hsm, settings):
    settings.VAULT_PROVIDER = "pkcs11"
    finding = found(checks._vault)
    assert (finding.state, "vault rotate --master --to pkcs11" in finding.remedy) == ("fail", True)


@pytest.mark.parametrize("check", [checks._vault, checks._file_store, checks._imaging, checks._virus_scanner])
def test_each_is_looked_at(check):
    assert check in checks.CHECKS


@pytest.mark.usefixtures("committed")
def test_a_master_key_that_was_made_anew_is_a_fault(settings, tmp_path):
    school = a_school()
    vault.forget_keys()
    vault.seal(institution_id=school.id, name="a/original", content=b"")
    assert found(checks._data_keys).state == "ok"
    settings.VAULT_MASTER_KEY = tmp_path / "vault"
    settings.VAULT_MASTER_KEY.write_text("another " * 8)
    finding = found(checks._data_keys)
    assert finding.state == "fail"
    assert "master key" in finding.remedy
