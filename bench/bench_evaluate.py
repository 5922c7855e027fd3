"""Re-evaluating N memberships x 8 requirements after a rule change, stored.

The floor reads the same facts with the same queries and writes the very rows that the evaluation changes, and
evaluates nothing: what was to be written is worked out beforehand, untimed.
"""

import datetime
from collections.abc import Iterator

import measure
import population

_TODAY = datetime.date(2026, 8, 1)
_NAME = "evaluate"


def setup(n: int) -> population.School:
    """Return a school whose students have ten doses and five other records each, all stale after a rule change."""
    school = population.prepared(n, name=_NAME)
    from django.db import connection

    from pratique.foundation import clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.students.models import Membership

    with institution_scope(school.institution_id), connection.cursor() as cursor:
        cursor.execute("select exists (select 1 from records_dose)")
        (prepared,) = cursor.fetchone()
    if not prepared:
        _hand_in(school)
        _publish(school, clock.now())
        _evaluate(school)
        with institution_scope(school.institution_id), connection.cursor() as cursor:
            cursor.execute("analyze")
    _publish(school, clock.now())
    with institution_scope(school.institution_id):
        assert Membership.objects.filter(stale_since__isnull=False).count() >= n * 0.9
    return school


def ours(n: int) -> None:
    """Evaluate all that is stale."""
    _evaluate(population.prepared(n, name=_NAME))


def floor(n: int) -> float:
    """Read the facts and write the changed rows; the seconds of just that."""
    import time

    from pratique.compliance import facts, store
    from pratique.foundation import clock
    from pratique.foundation.tenancy import institution_scope

    school = population.prepared(n, name=_NAME)
    now = clock.now()
    worked_out = list(_changes_by_batch(school))
    seconds = 0.0
    for memberships, changes in worked_out:
        began = time.perf_counter()
        with institution_scope(school.institution_id):
            _read_raw(facts, memberships)
            store.write(changes, institution_id=school.institution_id, now=now)
        seconds += time.perf_counter() - began
    return seconds


def _read_raw(facts: object, memberships: list[object]) -> None:
    """Run the statements of `facts._load` and take the rows as they come."""
    from pratique.foundation import bulk

    with bulk.reading() as cursor:
        rows = cursor.execute(facts._GIVEN, {"ids": memberships}).fetchall()  # type: ignore[attr-defined]
        students = [row[2] for row in rows]
        for statement in facts.evidence_statements():  # type: ignore[attr-defined]
            cursor.execute(statement, {"students": students}).fetchall()
        cursor.execute(facts._ITEMS, {"memberships": [row[0] for row in rows]}).fetchall()  # type: ignore[attr-defined]


def _changes_by_batch(school: population.School) -> Iterator[tuple[list[object], object]]:
    from pratique.compliance import actions, facts, store
    from pratique.compliance.judging import judge
    from pratique.foundation.tenancy import institution_scope
    from pratique.students.models import Membership

    with institution_scope(school.institution_id):
        sets = actions.compiled_sets(_TODAY)
        ids = list(
            Membership.objects.filter(stale_since__isnull=False)
            .order_by("stale_since", "id")
            .values_list("id", flat=True)
        )
        for start in range(0, len(ids), actions.BATCH):
            batch = ids[start : start + actions.BATCH]
            loaded = facts.of(batch)
            judged = [
                (one, judge(one.facts, sets.get(one.facts.requirement_group_id), _TODAY)) for one in loaded
            ]
            yield batch, store.compare(judged)


def _evaluate(school: population.School) -> None:
    from pratique.compliance.actions import evaluate_stale
    from pratique.foundation import clock
    from pratique.institutions.queries import institution_by_slug

    institution = institution_by_slug(school.slug)
    assert institution
    evaluate_stale(institution=institution, today=_TODAY, now=clock.now())


def _publish(school: population.School, now: datetime.datetime) -> None:
    """Publish the next version for every group; odd and even ones differ in how long a physical exam is good."""
    from pratique.foundation import audit
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.models import RequirementGroup
    from pratique.requirements.actions import create_draft, publish
    from pratique.requirements.models import RequirementSet
    from pratique.rules import preset

    by = audit.Actor("command", "bench")
    with institution_scope(school.institution_id):
        version = RequirementSet.objects.count() // len(population.GROUPS)
        months = 12 if version % 2 else 6
        rules = [dict(rule) for rule in preset("demo")]
        exam = next(rule for rule in rules if rule["key"] == "physical_exam")
        exam["rule"] = {**exam["rule"], "window": {"within": f"P{months}M"}}
        for group in RequirementGroup.objects.all():
            draft = create_draft(
                group=group, requirements=rules, applies_from=datetime.date(2026, 7, 1), by=by, now=now
            )
            publish(draft=draft, by=by, now=now)


_DOSES = """
    insert into records_dose (institution_id, id, student_id, state, source, submitted_at, reviewed_at, reviewed_by,
        rejection_code, rejection_reason, cvx, mvx, product, lot, administered_on, precision)
    select institution_id, gen_random_uuid(), id,
        case when abs(hashtext(id::text || v.n)) %% 20 = 0 then 'pending' else 'approved' end, 'bench',
        timestamptz '2026-05-01',
        case when abs(hashtext(id::text || v.n)) %% 20 > 0 then timestamptz '2026-05-03' end,
        case when abs(hashtext(id::text || v.n)) %% 20 > 0 then 'staff:bench' else '' end,
        '', '', v.cvx, '', '', '', date_of_birth + v.days + abs(hashtext(id::text)) %% 40, 'day'
    from students_student, (values (1, '03', 370), (2, '03', 1700), (3, '21', 420), (4, '21', 1760), (5, '08', 1),
        (6, '08', 60), (7, '08', 220), (8, '115', 4100), (9, '114', 4110), (10, '114', 5900)) v (n, cvx, days)
"""
_DOCUMENTS = """
    insert into records_document (institution_id, id, student_id, state, source, submitted_at, reviewed_at,
        reviewed_by, rejection_code, rejection_reason, kind, issued_on)
    select institution_id, gen_random_uuid(), id, 'approved', 'bench', timestamptz '2026-05-01',
        timestamptz '2026-05-03', 'staff:bench', '', '', 'physical_exam',
        date '2026-07-01' - abs(hashtext(id::text)) %% 500
    from students_student
"""
_FORMS = """
    insert into records_formanswer (institution_id, id, student_id, state, source, submitted_at, reviewed_at,
        reviewed_by, rejection_code, rejection_reason, form, form_version, answers, signed_on)
    select institution_id, gen_random_uuid(), id, 'approved', 'bench', timestamptz '2026-05-01',
        timestamptz '2026-05-03', 'staff:bench', '', '', f.form, 1, f.answers::jsonb, date '2026-05-01'
    from students_student, (values ('tb_questionnaire', '{"tb_risk": false}'),
        ('meningitis_information', '{"vaccination_decision": "yes", "information_read": true}')) f (form, answers)
"""


def _hand_in(school: population.School) -> None:
    from django.db import connection

    from pratique.foundation.tenancy import institution_scope

    with institution_scope(school.institution_id), connection.cursor() as cursor:
        for statement in (_DOSES, _DOCUMENTS, _FORMS):
            cursor.execute(statement.replace("%%", "%"))
        # Published sets of the population carry no rules; ours, of the next versions, take their place.
        cursor.execute("delete from compliance_item")


if __name__ == "__main__":
    measure.compare("evaluate", ours=ours, floor=floor, setup=setup, cleanup=population.throw_away, n=50_000)
