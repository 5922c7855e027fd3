"""What the demo institution's students handed in is what the product would have taken."""

import random
from datetime import date

import pytest

from pratique.interfaces.cli.demo_records import PROFILES, StudentRecords
from pratique.records.forms import check, derive, read, ready
from pratique.records.models import FormAnswer

TODAY = date(2026, 9, 1)


@pytest.mark.parametrize("profile", [name for name, _ in PROFILES])
def test_a_questionnaire_is_answered_question_by_question(profile):
    form = read(ready("tb_questionnaire"))
    told = [
        piece.answers
        for seed in range(40)
        for piece in StudentRecords(
            date(2000, 1, 1 + seed % 28), TODAY, random.Random(seed), lambda model, **values: model(**values)
        ).all(profile, nursing=False)
        if isinstance(piece, FormAnswer) and piece.form == form.key
    ]
    for answers in told:
        assert check(form, answers, today=TODAY).problems == {}
        assert derive(form, answers) == answers
    assert profile == "nothing" or len(told) > 20
