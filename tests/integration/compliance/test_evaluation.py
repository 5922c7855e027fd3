"""Standing: judged in bulk, stored once, told once, and judged again only for whom something changed."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.compliance import actions, queries
from pratique.compliance.models import Item, StatusChange
from pratique.foundation.tenancy import institution_scope
from pratique.records.actions import add_evidence
from pratique.records.models import Document, Dose, Exemption
from pratique.students.models import Membership, Student
from tests.schools import BY, EXAM, MMR, NOW, TODAY, a_school, imported, judged, requires

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)

ANA = "ana@x.edu,0001,Nunez,Ana,,04/03/2006,Undergraduate,Fall 2026,1"


def a_student(*requirements, row=ANA):
    school = a_school()
    requires(school, *requirements)
    imported(school, row)
    judged(school)
    return school


def hand_in(school, *evidence, now=LATER):
    with institution_scope(school.id):
        student = Student.objects.get()
        for piece in evidence:
            piece.student_id = student.id
        add_evidence(institution_id=school.id, evidence=evidence, by=BY, now=now)


def dose(on: str, state="approved", cvx="03", at=NOW):
    review = {} if state == "pending" else {"reviewed_at": at, "reviewed_by": "staff:nurse"}
    return Dose(cvx=cvx, administered_on=date.fromisoformat(on), state=state, submitted_at=at, **review)


def exam(on: str, state="approved", at=NOW):
    review = {} if state == "pending" else {"reviewed_at": at, "reviewed_by": "staff:nurse"}
    return Document(
        kind="physical_exam", issued_on=date.fromisoformat(on), state=state, submitted_at=at, **review
    )


def items(school):
    with institution_scope(school.id):
        return dict(Item.objects.values_list("requirement_key", "status"))


def membership(school):
    with institution_scope(school.id):
        return Membership.objects.get()


def changes(school):
    with institution_scope(school.id):
        return list(
            StatusChange.objects.order_by("id").values_list("requirement_key", "from_status", "to_status")
        )


def test_a_new_student_is_incomplete_on_everything_and_told_of_once():
    school = a_student(MMR, EXAM)
    assert items(school) == {"mmr": "incomplete", "physical_exam": "incomplete"}
    standing = membership(school)
    assert (standing.num_items, standing.num_complete, standing.complete, standing.user_complete) == (
        2,
        0,
        False,
        False,
    )
    assert standing.stale_since is None
    assert standing.status_changed_at == NOW
    assert changes(school) == [("", "", "")]


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        pytest.param([dose("2007-05-01"), dose("2010-05-01")], "approved", id="two approved doses hold"),
        pytest.param(
            [dose("2007-05-01"), dose("2010-05-01", "pending")], "pending", id="the second awaits review"
        ),
        pytest.param(
            [dose("2007-05-01", "pending")], "incomplete", id="one of two awaits review: not sufficient"
        ),
        pytest.param(
            [dose("2007-05-01"), dose("2010-05-01", "rejected", at=LATER)],
            "rejected",
            id="the newest was turned down",
        ),
        pytest.param([dose("2007-05-01"), dose("2007-05-10")], "incomplete", id="the second came too early"),
    ],
)
def test_the_five_statuses_of_a_series(evidence, status):
    school = a_student(MMR)
    hand_in(school, *[Dose(**_copied(piece)) for piece in evidence])
    judged(school, now=LATER)
    assert items(school) == {"mmr": status}


def _copied(piece):
    names = ("cvx", "administered_on", "state", "submitted_at", "reviewed_at", "reviewed_by")
    return {name: getattr(piece, name) for name in names}


def test_progress_counts_pending_as_the_students_part_and_approved_as_complete():
    school = a_student(MMR, EXAM)
    hand_in(school, dose("2007-05-01"), dose("2010-05-01"), exam("2026-07-01", "pending"))
    judged(school, now=LATER)
    standing = membership(school)
    assert (standing.num_items, standing.num_complete, standing.num_approved) == (2, 2, 1)
    assert (standing.user_complete, standing.complete) == (True, False)


def test_a_student_without_a_tracker_has_nothing_to_do_and_is_not_complete():
    school = a_student(MMR, row="ana@x.edu,0001,Nunez,Ana,,04/03/2006,,,1")
    standing = membership(school)
    assert items(school) == {}
    assert (standing.num_items, standing.complete, standing.user_complete) == (0, False, False)


def test_what_lapses_with_time_alone_is_judged_on_its_day_and_nothing_else_is_touched():
    school = a_student(EXAM)
    hand_in(school, exam("2025-09-01"))
    judged(school, now=LATER)
    assert items(school) == {"physical_exam": "approved"}
    standing = membership(school)
    assert standing.next_action_on == standing.changes_on == date(2026, 9, 2)

    before, after = date(2026, 9, 1), date(2026, 9, 2)
    assert actions.mark_lapsed(institution=school, today=before, now=LATER) == 0
    assert actions.mark_lapsed(institution=school, today=after, now=LATER) == 1
    judged(school, today=after, now=LATER)
    assert items(school) == {"physical_exam": "expired"}
    assert changes(school)[-1] == ("physical_exam", "approved", "expired")
    assert actions.mark_lapsed(institution=school, today=after, now=LATER) == 0


def test_an_exemption_holds_until_it_expires():
    accepting = {**MMR, "exemptions": [{"exemption": "medical", "needs_document": True}]}
    school = a_student(accepting)
    hand_in(
        school,
        Exemption(
            kind="medical", requirement_key="mmr", granted_on=date(2026, 1, 1), expires_on=date(2026, 12, 31),
            has_document=True, state="approved", submitted_at=NOW, reviewed_at=NOW, reviewed_by="staff:nurse",
        ),
    )  # fmt: skip
    judged(school, now=LATER)
    assert items(school) == {"mmr": "approved"}
    judged_on = date(2027, 1, 1)
    assert actions.mark_lapsed(institution=school, today=judged_on, now=LATER) == 1
    judged(school, today=judged_on, now=LATER)
    assert items(school) == {"mmr": "expired"}


def test_judging_again_without_a_change_writes_nothing_that_others_are_told():
    school = a_student(MMR)
    before = changes(school), membership(school).status_changed_at
    with institution_scope(school.id):
        Membership.objects.update(stale_since=LATER)
    assert judged(school, now=LATER) == 1
    assert (changes(school), membership(school).status_changed_at) == before


def test_an_answer_that_changes_no_status_still_moves_the_instant_of_change():
    school = a_student(MMR)
    hand_in(school, dose("2007-05-01", at=LATER))
    judged(school, now=LATER)
    assert items(school) == {"mmr": "incomplete"}
    assert membership(school).status_changed_at == LATER
    assert changes(school) == [("", "", "")]


def test_a_rule_change_re_evaluates_its_group_and_a_requirement_that_goes_is_told():
    school = a_student(MMR, EXAM)
    requires(school, MMR)
    assert judged(school, now=LATER) == 1
    assert items(school) == {"mmr": "incomplete"}
    assert changes(school)[-1] == ("physical_exam", "incomplete", "")


def test_a_version_that_applies_later_takes_over_on_its_day():
    school = a_student(MMR)
    requires(school, MMR, EXAM, applies_from=date(2026, 10, 1))
    judged(school, now=LATER)
    assert set(items(school)) == {"mmr"}
    assert membership(school).changes_on == date(2026, 10, 1)
    assert actions.mark_lapsed(institution=school, today=date(2026, 10, 1), now=LATER) == 1
    judged(school, today=date(2026, 10, 1), now=LATER)
    assert set(items(school)) == {"mmr", "physical_exam"}


def test_a_mark_that_moved_while_the_facts_were_read_stays(monkeypatch):
    school = a_student(MMR)
    hand_in(school, dose("2007-05-01"))
    write = actions.store.write

    def somebody_hands_in_meanwhile(*args, **options):
        Membership.objects.update(stale_since=LATER + timedelta(seconds=1))
        write(*args, **options)

    monkeypatch.setattr(actions.store, "write", somebody_hands_in_meanwhile)
    actions.evaluate_stale(institution=school, today=TODAY, now=LATER, batch=10)
    assert membership(school).stale_since == LATER + timedelta(seconds=1)


def test_standing_is_current_even_while_the_stored_row_is_stale():
    school = a_student(MMR)
    hand_in(school, dose("2007-05-01"), dose("2007-05-10"))
    with institution_scope(school.id):
        (item,) = queries.standing(Membership.objects.get().id, TODAY)
        assert items(school) == {"mmr": "incomplete"}
    assert [line.counts for line in item.doses] == [True, False]
    assert "too early" in item.reasons[0]
    assert "May 10, 2007" in item.reasons[0]
    assert item.doses[1].first_date_that_helps is not None
    assert item.satisfied_by.startswith("2 doses of MMR")


def test_the_number_of_queries_does_not_grow_with_the_students():
    counts = []
    for size in (3, 60):
        school = a_school()
        requires(school, MMR, EXAM)
        imported(school, *[f"s{n}@x.edu,{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(size)])
        with CaptureQueriesContext(connection) as captured:
            judged(school)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_batches_cover_everybody():
    school = a_school()
    requires(school, MMR)
    imported(school, *[f"s{n}@x.edu,{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(25)])
    seen: list[int] = []
    total = actions.evaluate_stale(institution=school, today=TODAY, now=LATER, batch=10, report=seen.append)
    assert (total, seen) == (25, [10, 20])
    with institution_scope(school.id):
        assert Item.objects.count() == 25


def test_progress_by_tracker_counts_active_students_only():
    school = a_school()
    requires(school, MMR)
    imported(school, *[f"s{n}@x.edu,{n},L,F,,01/02/2003,Nursing,Fall 2026,1" for n in range(3)])
    judged(school)
    with institution_scope(school.id):
        archived = Membership.objects.order_by("id").first()
        archived.state = "archive"
        archived.save()
        progress = {p.name: p for p in queries.progress_by_tracker()}
    nursing = progress["Nursing - Fall 2026"]
    assert (nursing.students, nursing.complete, nursing.incomplete) == (2, 0, 2)
    assert nursing.items_by_status == {"incomplete": 2}
    assert progress["Undergraduate - Spring 2027"].students == 0


def test_a_published_set_cannot_be_changed_even_by_sql():
    from django.db import DatabaseError

    school = a_student(MMR)
    with (
        pytest.raises(DatabaseError, match="published"),
        institution_scope(school.id),
        connection.cursor() as cursor,
    ):
        cursor.execute("update requirements_requirement set name = 'x'")
    with (
        pytest.raises(DatabaseError, match="published"),
        institution_scope(school.id),
        connection.cursor() as cursor,
    ):
        cursor.execute("delete from requirements_requirementset")
