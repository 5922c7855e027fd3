"""A school whose students have accounts, and clients that are signed in."""

from datetime import timedelta
from itertools import count

import pytest

from pratique.foundation import clock
from tests.schools import EXAM, MMR, NOW, imported, judged, requires
from tests.staff import make_school

ANA = "ana@x.edu,0001,Núñez,Ana María,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Undergraduate,Fall 2026,0"
# Ana and Ben are born on 2006-04-03 and 2005-12-31; today is NOW, 2026-08-03.


@pytest.fixture
def now(monkeypatch):
    """Time goes on by a second at every look, as two windows need it."""
    seconds = count()
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=next(seconds)))
    return NOW


@pytest.fixture
def place(committed, now):
    """A school that asks Ana and Ben for MMR and a physical exam."""
    school = make_school()
    requires(school.institution, MMR, EXAM)
    imported(school.institution, ANA, BEN)
    judged(school.institution)
    return school
