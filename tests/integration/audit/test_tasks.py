"""The minute's job: every institution's trail is sealed."""

import pytest

from pratique.institutions.tasks import seal_audit
from tests.integration.audit.trail import chained, settle, tamper, verified, written
from tests.schools import a_school

pytestmark = pytest.mark.usefixtures("committed")
_ON_THE_HOUR, _AT_ONE_MINUTE_PAST = 1_785_769_200, 1_785_769_260


def test_the_trails_of_all_institutions_are_sealed():
    schools = [a_school(), a_school()]
    settle()
    seal_audit(timestamp=_AT_ONE_MINUTE_PAST)
    for school in schools:
        assert [sequence for sequence, _event in chained(school.id)] == [1, 2]  # the school and its package
        assert verified(school.id).broken is None


def test_an_event_that_was_left_behind_is_found_within_the_hour():
    school = a_school()
    settle()
    seal_audit(timestamp=_ON_THE_HOUR)
    written(1, institution_id=school.id)
    # As if this one had been in the trail all the time, and the sealer had passed it over.
    tamper("update foundation_auditevent set transaction_id = 1 where action = 'tests:thing:done'")
    settle()
    seal_audit(timestamp=_AT_ONE_MINUTE_PAST)
    assert len(chained(school.id)) == 2
    seal_audit(timestamp=_ON_THE_HOUR)
    assert len(chained(school.id)) == 3


def test_one_trail_that_cannot_be_read_does_not_keep_the_others_waiting():
    first, second = sorted([a_school(), a_school()], key=lambda school: school.slug)
    tamper(
        f"update foundation_auditevent set detail = repeat('9', 5000)::jsonb where institution_id = '{first.id}'"
    )
    settle()
    seal_audit(timestamp=_ON_THE_HOUR)
    assert (len(chained(first.id)), len(chained(second.id))) == (0, 2)
