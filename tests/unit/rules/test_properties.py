"""Laws that hold for every rule, whatever the evidence."""

import os
import re
from datetime import timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pratique.rules import (
    Evidence,
    ItemStatus,
    Requirement,
    compile_requirement,
    condition_from_data,
    condition_to_data,
    describe,
    evaluate,
    explain,
    last_day,
    reason_from_data,
    reason_to_data,
    requirement_from_data,
    requirement_to_data,
)
from tests.unit.rules import strategies as some

EXAMPLES = int(os.environ.get("RULES_EXAMPLES", "30"))  # raise it to search harder than CI has time for
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
HORIZON = timedelta(days=4000)  # beyond every date and period that the strategies can make


def all_reasons(verdict):
    return (*verdict.reasons, *(reason for finding in verdict.doses for reason in finding.reasons))


@often
@given(some.requirements, some.evidences, some.facts, some.days, st.data())
def test_verdict_stays_the_same_until_changes_on(requirement, evidence, facts, on_date, data):
    verdict = evaluate(requirement, evidence, facts, on_date)
    assert verdict.changes_on is None or verdict.changes_on > on_date
    end = verdict.changes_on or on_date + HORIZON
    span = (end - on_date).days
    assume(span > 1)
    near_the_end = st.integers(max(1, span - 3), span - 1)
    for offset in (1, data.draw(near_the_end), data.draw(st.integers(1, span - 1))):
        later = evaluate(requirement, evidence, facts, on_date + timedelta(offset))
        assert later == verdict


@often
@given(some.requirements, some.evidences, some.facts, some.days)
def test_following_changes_on_meets_every_change_of_status(requirement, evidence, facts, on_date):
    """Walk from change to change and compare with asking on every day of two years."""
    woken, day, verdict = {}, on_date, evaluate(requirement, evidence, facts, on_date)
    for offset in range(730):
        day = on_date + timedelta(offset)
        if verdict.changes_on == day:
            verdict = evaluate(requirement, evidence, facts, day)
        woken[day] = verdict
    for day in list(woken)[::13]:
        assert woken[day] == evaluate(requirement, evidence, facts, day)


@often
@given(some.requirements, some.evidences, some.facts, some.days, st.randoms())
def test_the_order_in_which_evidence_is_listed_does_not_matter(requirement, evidence, facts, on_date, random):
    shuffled = Evidence(*(tuple(random.sample(items, len(items))) for items in evidence))
    assert evaluate(requirement, shuffled, facts, on_date) == evaluate(requirement, evidence, facts, on_date)


@often
@given(some.series(plain=True), some.evidences, some.doses, some.facts, some.days)
def test_one_more_approved_dose_never_unmakes_an_approved_series(rule, evidence, dose, facts, on_date):
    assume(all(dose.id != other.id for other in evidence.doses))
    requirement = Requirement("mmr", "MMR", rule)
    before = evaluate(requirement, evidence, facts, on_date)
    more = evidence._replace(doses=(*evidence.doses, dose._replace(state="approved")))
    after = evaluate(requirement, more, facts, on_date)
    if before.status is ItemStatus.APPROVED:
        assert after.status is ItemStatus.APPROVED
    if before.status is ItemStatus.PENDING:
        assert after.status in (ItemStatus.APPROVED, ItemStatus.PENDING)


@often
@given(some.requirements, st.lists(st.tuples(some.evidences, some.facts, some.days), min_size=2, max_size=4))
def test_a_compiled_requirement_judges_many_as_a_fresh_one_judges_each(requirement, students):
    """Nothing of one student may leak into the next through what is compiled or remembered."""
    compiled = compile_requirement(requirement)
    together = [compiled(*student) for student in students]
    alone = [compile_requirement(requirement)(*student) for student in reversed(students)]
    assert together == alone[::-1]
    assert together == [evaluate(requirement, *student) for student in students]


@often
@given(some.requirements, some.evidences, some.facts, some.days)
def test_every_verdict_explains_itself_in_whole_sentences(requirement, evidence, facts, on_date):
    verdict = evaluate(requirement, evidence, facts, on_date)
    assert verdict.reasons
    for reason in all_reasons(verdict):
        sentence = explain(reason)
        assert sentence.endswith(".")
        assert not re.search(r"[{}…]|P\d|\bNone\b|_", sentence), sentence
        assert reason_from_data(reason_to_data(reason)) == reason
        assert hash(reason) is not None


@often
@given(some.requirements)
def test_requirements_survive_being_written_and_read(requirement):
    assert requirement_from_data(requirement_to_data(requirement)) == requirement


@often
@given(some.conditions)
def test_conditions_survive_being_written_and_read(condition):
    assert condition_from_data(condition_to_data(condition)) == condition


@often
@given(some.requirements)
def test_every_requirement_can_be_described(requirement):
    sentence = describe(requirement)
    assert sentence.startswith("MMR: ")
    assert sentence.endswith(".")
    assert not re.search(r"[{}]|\bNone\b|\.\.|P\d", sentence), sentence


@often
@given(some.requirements, some.evidences, some.facts, some.days)
def test_what_a_finding_says_of_a_dose_fits_the_verdict(requirement, evidence, facts, on_date):
    verdict = evaluate(requirement, evidence, facts, on_date)
    known = {dose.id for dose in evidence.doses}
    for finding in verdict.doses:
        assert finding.dose_id in known
        assert finding.counts == (not finding.reasons)
        assert finding.number is not None or not finding.counts


@often
@given(some.series(plain=True, one_brand=False), some.evidences, some.known_facts, some.late_days)
def test_a_dose_on_the_first_date_that_helps_does_help(rule, evidence, facts, on_date):
    """Where a day is named for the next dose, a dose of the right kind on that day counts."""
    evidence = evidence._replace(
        doses=tuple(
            dose for dose in evidence.doses if last_day(dose.administered_on, dose.precision) <= on_date
        )
    )
    requirement = Requirement("mmr", "MMR", rule)
    before = evaluate(requirement, evidence, facts, on_date)
    assume(before.status is ItemStatus.INCOMPLETE and before.next_action_on)
    assume(
        any(reason.code in ("dose_missing", "dose_possible_from", "doses_short") for reason in before.reasons)
    )
    counted = [finding for finding in before.doses if finding.counts]
    products = (*rule.products, None, None, None)[len(counted)] or rule.cvx
    given_on = max(before.next_action_on, on_date)
    assume(all(dose.administered_on != given_on for dose in evidence.doses))
    ends = (last_day(dose.administered_on, dose.precision) for dose in evidence.doses)
    assume(all(end < given_on for end in ends))
    dose = some.Dose("new", min(products), given_on, "approved")
    after = evaluate(requirement, evidence._replace(doses=(*evidence.doses, dose)), facts, given_on)
    assert any(finding.dose_id == "new" and finding.counts for finding in after.doses)


@often
@given(some.series(), some.evidences, some.facts, some.days, st.data())
def test_what_a_month_or_year_achieves_each_of_its_days_achieves(rule, evidence, facts, on_date, data):
    """A dose that counts with its month alone would count on whichever day of the month it really was."""
    requirement = Requirement("mmr", "MMR", rule)
    inexact = [dose for dose in evidence.doses if dose.precision != "day"]
    assume(len(inexact) == 1 and rule.live_conflict is None)
    before = evaluate(requirement, evidence, facts, on_date)
    (rough,) = inexact
    born = facts.date_of_birth or rough.administered_on
    end = last_day(rough.administered_on, rough.precision)
    assume(born <= end)
    day = data.draw(st.dates(max(born, rough.administered_on), end))
    known = rough._replace(administered_on=day, precision="day")
    doses = tuple(known if dose is rough else dose for dose in evidence.doses)
    after = evaluate(requirement, evidence._replace(doses=doses), facts, on_date)
    if before.status is ItemStatus.APPROVED:
        assert after.status is ItemStatus.APPROVED
