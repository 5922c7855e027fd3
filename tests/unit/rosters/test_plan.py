"""Rows and stored students to intents: one situation a test row, and what must hold for any file."""

from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pratique.rosters.plan import make_plan, username_key, wanted_keys
from pratique.rosters.types import KnownMembership, KnownStudent, Outcome, ParsedRow, RosterPlan
from tests.unit.rosters.factories import codes, parse, student
from tests.unit.rosters.store import Store

ON_MAIN = {"package-main": KnownMembership("m1", None)}


def ada(**fields: object) -> KnownStudent:
    return student("A", "ada@x.edu", "1", memberships=ON_MAIN)._replace(**fields)


def bob() -> KnownStudent:
    return student("B", "bob@x.edu", "2", memberships={"package-main": KnownMembership("m2", None)})


def plan_of(lines: list[str], students: list[KnownStudent]) -> RosterPlan:
    """Plan a file of `Username,StudentId` rows, which may leave StudentId out."""
    rows = parse(*lines, header="Username,StudentId", student_id_required=False)
    return make_plan(rows, students)


class Case(NamedTuple):
    stored: list[KnownStudent]
    lines: list[str]
    outcomes: list[str]


CASES = {
    "nobody is stored: created": Case([], ["ada@x.edu,1"], ["created"]),
    "nothing differs: unchanged": Case([ada()], ["ada@x.edu,1"], ["unchanged"]),
    "found by StudentId, another Username": Case([ada()], ["ada2@x.edu,1"], ["updated username_changed"]),
    "found by Username, row without StudentId": Case([ada()], ["ada@x.edu,"], ["unchanged"]),
    "found by Username, stored without StudentId": Case([ada(student_id=None)], ["ada@x.edu,9"], ["updated"]),
    "an empty stored StudentId is none": Case([ada(student_id="")], ["ada@x.edu,9"], ["updated"]),
    "found by Username, another StudentId": Case([ada()], ["ada@x.edu,9"], ["updated student_id_changed"]),
    "StudentId is compared exactly": Case(
        [ada(student_id="0a")], ["ada@x.edu,0A"], ["updated student_id_changed"]
    ),
    "leading zeros tell StudentIds apart": Case([ada()], ["eve@x.edu,01"], ["created"]),
    "an e-mail that differs by case only": Case(
        [ada()], ["ADA@X.edu,1"], ["unchanged username_case_differs"]
    ),
    "by case only, beyond ASCII": Case(
        [ada(username="JOSÉ@x")], ["jose\u0301@x,1"], ["unchanged username_case_differs"]
    ),
    "StudentId of one, Username of another": Case(
        [ada(), bob()], ["bob@x.edu,1"], ["refused points_to_two_students"]
    ),
    "two students swap Usernames": Case(
        [ada(), bob()],
        ["bob@x.edu,1", "ada@x.edu,2"],
        ["refused points_to_two_students", "refused points_to_two_students"],
    ),
    "the same StudentId twice: the last wins": Case(
        [], ["ada@x.edu,1", "ada2@x.edu,1"], ["refused superseded", "created"]
    ),
    "the same Username twice, ids agree": Case(
        [], ["ada@x.edu,1", "ADA@x.edu,1"], ["refused superseded", "created"]
    ),
    "the same Username, one without id": Case(
        [], ["ada@x.edu,1", "ada@x.edu,"], ["refused superseded", "created"]
    ),
    "three rows of one student": Case(
        [ada()], ["ada@x.edu,1", "ada@x.edu,", "ada@x.edu,1"], ["refused superseded"] * 2 + ["unchanged"]
    ),
    "the last valid row wins, not the last row": Case(
        [], ["ada@x.edu,1", "ada@x.edu,1,extra"], ["created", "refused long_row"]
    ),
    "one Username, two StudentIds, both new": Case(
        [], ["eve@x.edu,8", "EVE@x.edu,9"], ["refused username_conflict"] * 2
    ),
    "one Username, two StudentIds, one stored": Case(
        [ada()], ["ada@x.edu,1", "ada@x.edu,9"], ["refused username_conflict"] * 2
    ),
    "a row without id beside the conflict": Case(
        [], ["eve@x.edu,8", "eve@x.edu,9", "eve@x.edu,"], ["refused username_conflict"] * 3
    ),
    "the rival is already refused: no conflict": Case(
        [ada(), bob()], ["bob@x.edu,1", "bob@x.edu,2"], ["refused points_to_two_students", "unchanged"]
    ),
    "a Username freed in the same file": Case(
        [ada()], ["ada2@x.edu,1", "ada@x.edu,9"], ["updated username_changed", "refused username_taken_over"]
    ),
    "freed by a later row": Case(
        [ada()], ["ada@x.edu,9", "ada2@x.edu,1"], ["refused username_taken_over", "updated username_changed"]
    ),
    "freed, and taken without StudentId": Case(
        [ada()], ["ada2@x.edu,1", "ada@x.edu,"], ["updated username_changed", "refused username_taken_over"]
    ),
    "a StudentId freed in the same file": Case(
        [ada()], ["eve@x.edu,1", "ada@x.edu,9"], ["updated username_changed", "refused username_taken_over"]
    ),
    "one new StudentId for two stored Usernames": Case(
        [ada(), bob()], ["ada@x.edu,9", "bob@x.edu,9"], ["refused superseded", "updated student_id_changed"]
    ),
    "not yet on the package": Case([ada(memberships={})], ["ada@x.edu,1"], ["updated"]),
    "archived on the package": Case(
        [ada(memberships={"package-main": KnownMembership("m1", "t", archived=True)})],
        ["ada@x.edu,1"],
        ["unchanged membership_archived"],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_becomes_of_each_row(case: Case) -> None:
    plan = plan_of(case.lines, case.stored)
    found = [
        " ".join([result.outcome, *codes(result.errors), *codes(result.warnings)]) for result in plan.results
    ]
    assert found == case.outcomes
    assert sum(plan.counts.values()) == len(case.lines)
    Store(case.stored).apply(plan)


def test_a_refused_rival_still_protects_the_student_whom_it_names() -> None:
    # The row of StudentId 1 is refused for its date; the other row must not become Ada meanwhile.
    rows = parse("ada2@x.edu,1,02/30/2001", "ada@x.edu,9,", header="Username,StudentId,Dob")
    plan = make_plan(rows, [ada()])
    assert [codes(result.errors) for result in plan.results] == [["date_day"], ["username_taken_over"]]
    assert "line 2" in plan.results[1].errors[0].message


def test_superseded_and_conflicting_rows_name_the_other_lines() -> None:
    superseded = plan_of(["ada@x.edu,1", "eve@x.edu,5", "ada@x.edu,1"], []).results[0]
    assert superseded.errors[0].message.startswith("Line 4 is about the same student")
    conflict = plan_of(["eve@x.edu,8", "eve@x.edu,9", "eve@x.edu,7"], []).results[1]
    assert "is also on line 2, 4 of this file" in conflict.errors[0].message
    many = plan_of([f"eve@x.edu,{number}" for number in range(50)], []).results[0]
    assert "11, 12 and 39 more" in many.errors[0].message


def test_messages_use_the_files_own_headers() -> None:
    rows = parse("bob@x.edu,1", header="user name,STUDENT ID")
    plan = make_plan(rows, [ada(), bob()], columns={"username": "user name", "student_id": "STUDENT ID"})
    (error,) = plan.results[0].errors
    assert error.column == "STUDENT ID"
    assert error.message.startswith(
        "STUDENT ID '1' belongs to the student with Username 'ada@x.edu', and user name"
    )


FULL = "ada@x.edu,1,Lovelace,Ada,555,12/10/2005,Undergraduate,Fall 2026,1"


def test_a_new_student_is_created_with_a_membership_to_be_invited() -> None:
    plan = make_plan(parse(FULL), [])
    assert [tuple(create) for create in plan.creates] == [
        (1, "ada@x.edu", "ada@x.edu", "1", "Lovelace", "Ada", "555", date(2005, 12, 10), True)
    ]
    assert [tuple(membership) for membership in plan.memberships] == [(1, None, "package-main", "ug-fall")]
    assert (plan.updates, plan.tracker_changes) == ([], [])
    assert plan.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 0}


def test_an_update_carries_only_what_differs() -> None:
    stored = ada(last_name="Byron", first_name="Ada", telephone=None, on_campus=False)
    plan = make_plan(parse(FULL), [stored])
    (update,) = plan.updates
    assert tuple(update) == (1, "A", None, None, None, "Lovelace", None, "555", date(2005, 12, 10), True)
    assert [tuple(change) for change in plan.tracker_changes] == [(1, "m1", "ug-fall")]
    assert plan.results[0].student == "A"


def test_empty_cells_change_nothing() -> None:
    full = {"last_name": "Byron", "telephone": "555", "date_of_birth": date(2000, 1, 1), "on_campus": True}
    stored = ada(**full, memberships={"package-main": KnownMembership("m1", "ug-fall")})
    plan = make_plan(parse("ada@x.edu,1,,,,,,,"), [stored])
    assert plan[1:5] == ([], [], [], [])
    assert plan.results[0].outcome is Outcome.UNCHANGED


def test_a_student_of_another_package_gets_a_membership_on_this_one() -> None:
    stored = ada(memberships={"package-other": KnownMembership("m9", "nursing-fall")})
    plan = make_plan(parse("ada@x.edu,1,,,,,Undergraduate,Fall 2026,"), [stored])
    assert [tuple(membership) for membership in plan.memberships] == [(1, "A", "package-main", "ug-fall")]
    assert plan.results[0].outcome is Outcome.UPDATED


def test_an_archived_membership_is_left_as_it_is_while_the_student_is_updated() -> None:
    archived = {"package-main": KnownMembership("m1", None, archived=True)}
    plan = make_plan(parse(FULL), [ada(memberships=archived)])
    assert plan.tracker_changes == []
    assert (plan.results[0].outcome, codes(plan.results[0].warnings)) == (
        Outcome.UPDATED,
        ["membership_archived"],
    )


def test_students_to_look_up_are_those_whom_valid_rows_may_name() -> None:
    rows = parse("ADA@x.edu,1", "bob@x.edu,", ",3", header="Username,StudentId", student_id_required=False)
    assert wanted_keys(rows) == ({"1"}, {"ada@x.edu", "bob@x.edu"})


def test_a_file_of_one_username_is_refused_in_no_time() -> None:
    stored = ada()
    lines = [f"ada@x.edu,{number if number % 2 else ''}" for number in range(20_000)]
    assert plan_of(lines, [stored]).counts[Outcome.REFUSED] == 20_000
    lines = [f"ada@x.edu,{'1' if number % 2 else ''}" for number in range(20_000)]
    assert plan_of(lines, [stored]).counts[Outcome.UNCHANGED] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADA@X.EDU", "ada@x.edu"),
        ("JOSÉ", "jose\u0301"),
        ("straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
        ("\u212a", "k"),
    ],
)
def test_usernames_that_are_the_same(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


# --- Properties -------------------------------------------------------------------------------------------

USERNAMES = st.sampled_from(["a@x", "A@x", "b@x", "c@x", "d@x", "é@x", "E\u0301@x"])
STUDENT_IDS = st.sampled_from(["", "1", "2", "3", "4"])
LAST_NAMES = st.sampled_from(["", "Adams", "Baker"])
PLACES = st.sampled_from([",", "Undergraduate,Fall 2026", "Undergraduate,Spring 2027", "Nobody,Never"])
LINES = st.tuples(USERNAMES, STUDENT_IDS, LAST_NAMES, PLACES).map(",".join)
PROPERTY_HEADER = "Username,StudentId,LastName,RequirementGroup,Term"


@st.composite
def stores(draw: st.DrawFn) -> list[KnownStudent]:
    """Up to four students who share neither Username nor StudentId."""
    usernames = draw(st.lists(USERNAMES, max_size=4, unique_by=username_key))
    ids = draw(st.permutations(["1", "2", "3", None]))
    memberships = st.sampled_from([None, None, "ug-fall"])
    students = []
    for number, username in enumerate(usernames):
        tracker = draw(memberships)
        archived = draw(st.booleans()) and draw(st.booleans())
        on = {"package-main": KnownMembership(f"m{number}", tracker, archived)}
        students.append(
            student(f"S{number}", username, ids[number], memberships=on if draw(st.booleans()) else {})
        )
    return students


def rows_of(lines: list[str]) -> list[ParsedRow]:
    return parse(*lines, header=PROPERTY_HEADER, student_id_required=False)


@given(stores(), st.lists(LINES, min_size=1, max_size=8))
@settings(max_examples=400, deadline=None)
def test_any_file_on_any_store(stored: list[KnownStudent], lines: list[str]) -> None:
    store = Store(stored)
    rows = rows_of(lines)
    plan = make_plan(rows, store.students.values())
    # Every data row has exactly one result, in file order, refused exactly when it has an error.
    assert [(result.row, result.line) for result in plan.results] == [(row.row, row.line) for row in rows]
    assert all((result.outcome is Outcome.REFUSED) == bool(result.errors) for result in plan.results)
    # Loading only the students whom the file may name gives the same plan.
    ids, keys = wanted_keys(rows)
    few = [each for each in stored if each.student_id in ids or username_key(each.username) in keys]
    assert make_plan(rows, few) == plan
    # `apply` proves that no two students ever share a Username or StudentId.
    store.apply(plan)
    assert store.invited == [create.username for create in plan.creates]
    # A superseded row lost to a later row that was not refused.
    outcomes = {result.line: result.outcome for result in plan.results}
    for result in plan.results:
        for error in result.errors:
            if error.code == "superseded":
                winner = int(error.message.split()[1])
                assert winner > result.line
                assert outcomes[winner] is not Outcome.REFUSED
    # Applied again, what went in changes nothing more and nobody is made or invited twice.
    again = make_plan(rows, store.students.values())
    for first, second in zip(plan.results, again.results, strict=True):
        if first.outcome is not Outcome.REFUSED and "username_taken_over" not in codes(second.errors):
            assert second.outcome in {Outcome.UNCHANGED, Outcome.REFUSED}
    for _ in range(3):
        store.apply(again)
        again = make_plan(rows, store.students.values())
    assert again.counts[Outcome.CREATED] == 0


@given(stores(), st.lists(LINES, min_size=2, max_size=8))
@settings(max_examples=400, deadline=None)
def test_no_row_that_might_be_somebody_else_goes_in(stored: list[KnownStudent], lines: list[str]) -> None:
    rows = rows_of(lines)
    plan = make_plan(rows, stored)
    by_id = {each.student_id: each for each in stored if each.student_id}
    by_key = {username_key(each.username): each for each in stored}
    for row, result in zip(rows, plan.results, strict=True):
        if row.data is None or result.outcome is Outcome.REFUSED:
            continue
        key, student_id = username_key(row.username), row.student_id
        others = [other for other in rows if other is not row]
        found = by_key.get(key)
        for other in others:
            # No other sound row gives this Username to another StudentId.
            rival = by_id.get(other.student_id)
            sound = other.data is not None and (rival is None or found is None or rival is found)
            if sound and student_id and other.student_id and username_key(other.username) == key:
                assert other.student_id == student_id
        if found is not None and found.student_id and student_id not in by_id and student_id:
            # Found by Username alone: no other row is about the student of that Username by StudentId.
            assert found.student_id not in {other.student_id for other in others}
