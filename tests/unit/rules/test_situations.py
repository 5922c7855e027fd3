"""One row, one situation: see `situations.py` and `inexact_dates.py`."""

import pytest

from pratique.rules import evaluate
from tests.unit.rules.inexact_dates import INEXACT
from tests.unit.rules.situations import ALL

EVERY = [*ALL, *INEXACT]


@pytest.mark.parametrize("situation", [pytest.param(one, id=one.words) for one in EVERY])
def test_situation(situation):
    verdict = evaluate(situation.requirement, situation.evidence, situation.facts, situation.on_date)
    status = verdict.status.value if verdict.applies else "does not apply"
    assert (status, " ".join(reason.code for reason in verdict.reasons)) == (
        situation.status,
        situation.codes,
    )
    found = [reason.code for finding in verdict.doses for reason in finding.reasons]
    assert " ".join(found) == situation.finding_codes
    assert verdict.next_action_on == situation.next_action_on


def test_every_situation_has_its_own_words():
    assert len({one.words for one in EVERY}) == len(EVERY)
