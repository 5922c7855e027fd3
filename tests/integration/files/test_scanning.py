"""Files are scanned where there is a scanner, and wait where it does not answer."""

import threading
from collections.abc import Iterator

import pytest

from pratique.connectors.clamd import fake
from pratique.foundation.storage import blob_store
from pratique.records.actions import checking
from pratique.records.actions import files as actions
from pratique.records.files import ScannerUnavailableError
from tests.integration.files.material import photo
from tests.schools import NOW


@pytest.fixture
def scanner(settings) -> Iterator[None]:
    with fake.FakeClamd() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        settings.CLAMD = f"127.0.0.1:{server.server_address[1]}"
        yield
        server.shutdown()
        thread.join()


def names(learner) -> set[str]:
    found = blob_store().names(institution_id=learner.institution.id)
    return {name.split("/")[1] for name in found if not name.startswith("roster/")}  # which made the school


@pytest.mark.usefixtures("scanner")
def test_a_clean_photo_passes(ana):
    assert ana.checked(photo()).state == "ready"


@pytest.mark.usefixtures("scanner")
def test_a_file_with_a_virus_is_refused_and_nothing_of_it_is_kept(ana):
    file = ana.checked(photo() + fake.EICAR)
    assert (file.state, file.refusal) == ("refused", "infected")
    assert names(ana) == set()


def test_while_the_scanner_is_away_a_file_waits_and_is_checked_later(ana, settings):
    settings.CLAMD = "127.0.0.1:9"
    file = ana.sent(photo())
    with pytest.raises(ScannerUnavailableError):
        actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert ana.file(file.id).state == "checking"
    assert [one.id for one in checking.waiting_files(institution_id=ana.institution.id)] == [file.id]

    settings.CLAMD = ""
    actions.check(institution=ana.institution, file_id=file.id, now=NOW)
    assert ana.file(file.id).state == "ready"
