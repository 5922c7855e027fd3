import pytest
from django.core.cache import cache

from pratique.foundation import clock
from tests.integration.files.material import Learner, learners
from tests.schools import EXAM, MMR, NOW, a_school, requires


@pytest.fixture
def pair(db, settings, tmp_path, monkeypatch) -> list[Learner]:
    """Two students of one school; files lie in a folder of this test."""
    cache.clear()
    settings.FILES = tmp_path / "files"
    monkeypatch.setattr(clock, "now", lambda: NOW)
    school = a_school()
    requires(school, MMR, EXAM)
    return learners(school)


@pytest.fixture
def ana(pair) -> Learner:
    return pair[0]


@pytest.fixture
def ben(pair) -> Learner:
    return pair[1]
