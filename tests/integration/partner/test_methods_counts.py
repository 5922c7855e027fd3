"""getPackageCounts and getPackageCountsSince: who is shown, in what order, and whatever stands in their names."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.partner.methods import answer
from pratique.students.models import Membership, Student
from tests.integration.partner.asking import (
    CLIENT,
    LATER,
    NURSING,
    UNDERGRADUATE,
    ask,
    audited,
    caller_of,
    code_of,
    created,
    long,
    named_tracker,
    naming,
    raw,
    refused,
)
from tests.schools import EXAM, MMR, NOW, a_school, imported, judged, requires

pytestmark = pytest.mark.django_db
FIELDS = ["vendorKey", "numComplete", "numItems", "complete", "trackerName", "userComplete"]


def counted(school, since: datetime | None = None):
    """What either method returns for the school's package."""
    if since is None:
        return ask(school, "getPackageCounts", code=code_of(school))["packageDetails"]
    return ask(school, "getPackageCountsSince", code=code_of(school), deltaStartDate=long(since))[
        "packageDetails"
    ]


def keys(rows) -> list[str]:
    return [row["vendorKey"] for row in rows]


def progress(school, vendor_key: str, **columns) -> None:
    with institution_scope(school.id):
        assert Membership.objects.filter(student__student_id=vendor_key).update(**columns) == 1


def test_a_row_says_what_is_stored_of_a_student():
    school = a_school()
    requires(school, MMR, EXAM)
    imported(
        school,
        "a@x.edu,01,L,F,,01/02/2003,Undergraduate,Fall 2026,1",
        "b@x.edu,02,L,F,,01/02/2003,Nursing,Fall 2026,1",
        "c@x.edu,03,L,F,,01/02/2003,,,1",
    )
    judged(school)
    progress(school, "01", num_complete=2, num_approved=1, user_complete=True)
    progress(school, "02", num_complete=2, num_approved=2, user_complete=True, complete=True)
    rows = counted(school)
    assert [list(row) for row in rows] == [FIELDS] * 3
    assert [tuple(row.values()) for row in rows] == [
        ("01", 2, 2, False, UNDERGRADUATE, True),
        ("02", 2, 2, True, NURSING, True),
        ("03", 0, 0, False, "None Selected", False),
    ]
    assert list(map(type, rows[0].values())) == [str, int, int, bool, str, bool]
    assert keys(counted(school, NOW)) == ["01", "02"], "of the third nothing was ever judged"


def test_a_package_without_students_has_no_rows():
    school = a_school()
    assert raw(school, "getPackageCounts", code=code_of(school)) == b'{"packageDetails":[]}'
    assert counted(school, datetime(1970, 1, 1, tzinfo=UTC)) == []


def test_rows_stand_by_vendor_key_and_those_without_come_first():
    school = a_school()
    for key in ("b", "a", "10", "9", "B"):
        created(school, vendorKey=key, username=f"user {key}")
    imported(school, "r1,R1,L,F,,01/02/2003,,,1", "r2,R2,L,F,,01/02/2003,,,1")
    with institution_scope(school.id):
        Student.objects.filter(username__in=["r1", "r2"]).update(student_id="")
    assert keys(counted(school)) == ["", "", "10", "9", "B", "a", "b"]


def test_archived_students_other_packages_and_other_institutions_are_left_out():
    school, other = a_school(), a_school()
    student = naming(school)
    created(school, vendorKey="kept", username="kept")
    created(other, vendorKey="theirs")
    ask(school, "setMembershipStatus", **student, status="archive")
    assert keys(counted(school)) == ["kept"]
    assert keys(counted(school, NOW)) == ["kept"]
    assert refused(school, "getPackageCounts", code=code_of(other)).code == "PACKAGE_UNKNOWN"


HOSTILE = [
    'a"b', "back\\slash", "\\u0041", "</script>", "O'Brien", "{}[],:", "ümlaut", "日本", "🩺", "\u202eabc", "a\u2028",
    "%s %(x)s {since}", "'; drop table x; --", "tab\tand\nline", "bell\x07", "\x7f\x80", "null", "1e5", "\u200b",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_whatever_stands_in_a_name_comes_out_of_the_json_as_it_was(text):
    school = a_school()
    student = naming(school)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    named_tracker(school, text)
    with institution_scope(school.id):
        Student.objects.update(student_id=text)
    answered = raw(school, "getPackageCounts", code=student["code"])
    (row,) = json.loads(answered)["packageDetails"]
    assert (row["vendorKey"], row["trackerName"]) == (text, text)
    user = ask(school, "getUser", **{**student, "vendorKey": text}) if text.isprintable() else None
    assert user is None or user["trackerName"] == text


# --- since ------------------------------------------------------------------------------------------------------------

CHANGED = datetime(2026, 8, 3, 15, 0, 0, 123_456, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        pytest.param(CHANGED.replace(microsecond=123_000) - MILLISECOND, True, id="a-millisecond-before"),
        pytest.param(CHANGED.replace(microsecond=123_000), True, id="in-the-very-millisecond"),
        pytest.param(CHANGED.replace(microsecond=124_000), False, id="a-millisecond-after"),
        pytest.param(datetime(1, 1, 1, tzinfo=UTC), True, id="ever"),
        pytest.param(datetime(9999, 12, 31, tzinfo=UTC), False, id="in-the-far-future"),
    ],
)
@pytest.mark.parametrize(
    "changed", [CHANGED, CHANGED.replace(microsecond=123_000)], ids=["within", "exactly-at"]
)
def test_a_change_is_shown_from_its_instant_on(changed, since, shown):
    school = a_school()
    created(school, now=changed)
    assert bool(counted(school, since)) is shown


def test_what_makes_a_row_new_makes_it_a_change():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    later = [NOW + timedelta(hours=hour) for hour in range(1, 6)]

    def shown(since):
        return keys(counted(school, since)) == [student["vendorKey"]]

    assert shown(NOW)
    assert not shown(later[0])
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE, now=later[0])
    assert shown(later[0])
    assert not shown(later[1])
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE, now=later[1])
    assert not shown(later[1]), "the same tracker again is no change"
    ask(school, "setMembershipStatus", **student, status="archive", now=later[2])
    assert not shown(later[0])
    ask(school, "setMembershipStatus", **student, status="active", now=later[3])
    assert shown(later[3])
    assert not shown(later[4])


# --- what it costs, and what it leaves behind -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["getPackageCounts", "getPackageCountsSince"])
def test_it_asks_the_database_twice_for_any_number_of_students(method):
    school = a_school()
    caller, code = caller_of(school), code_of(school)

    def questions():
        with institution_scope(school.id), CaptureQueriesContext(connection) as asked:
            answer(method, {"code": code, "deltaStartDate": 0}, caller=caller, now=NOW)
        return len(asked)

    assert questions() == 2
    imported(school, *(f"r{n},r{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(60)))
    assert questions() == 2
    assert len(counted(school)) == 60


def test_it_is_in_the_trail_with_the_package_and_nobodys_name():
    school = a_school()
    created(school)
    counted(school)
    counted(school, LATER)
    listed = audited(school, "partners:package:listed")
    assert [(by, detail) for _action, by, detail in listed] == [
        (f"partner:{CLIENT}", {}),
        (f"partner:{CLIENT}", {"since": LATER.isoformat()}),
    ]
