"""Many calls at one moment, each committed on a connection of its own."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from django.db import connection

from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.partner.methods import answer
from pratique.partners.models import SecureToken
from pratique.students.models import Membership, Student
from tests.integration.partner.asking import (
    ALBERT,
    UNDERGRADUATE,
    ask,
    caller_of,
    code_of,
    naming,
)
from tests.schools import MMR, NOW, a_school, requires

pytestmark = pytest.mark.usefixtures("committed")
CALLS, AT_ONCE = 200, 20


def at_once(school, method, calls):
    """Make these calls, twenty at a time; what each answered or raised."""
    caller = caller_of(school)

    def call(values):
        try:
            with institution_scope(school.id):
                return orjson.loads(answer(method, values, caller=caller, now=NOW))
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(call, calls))


def test_first_calls_for_one_vendor_key_make_one_student():
    school = a_school()
    code = code_of(school)
    answers = at_once(
        school,
        "createUser",
        # Half of them suggest another username each: the key alone must hold them together.
        [
            {**ALBERT, "registrationCode": code, "username": "amagnus" if n % 2 else f"a{n}"}
            for n in range(CALLS)
        ],
    )
    assert [one for one in answers if not isinstance(one, dict)] == []
    with institution_scope(school.id):
        kept = Student.objects.get()
        assert Membership.objects.count() == 1
        assert SecureToken.objects.count() == CALLS
        assert AuditEvent.objects.filter(action="partners:student:created").count() == 1
    assert {(one["accountToken"], one["username"]) for one in answers} == {
        (kept.account_token, kept.username)
    }
    assert len({one["secureToken"] for one in answers}) == CALLS


@pytest.mark.parametrize("username", ["amagnus", "y" * 254], ids=["short", "as-long-as-can-be"])
def test_calls_for_one_username_give_each_its_own_number(username):
    school = a_school()
    code = code_of(school)
    answers = at_once(
        school,
        "createUser",
        [
            {**ALBERT, "registrationCode": code, "username": username, "vendorKey": f"key {n}"}
            for n in range(CALLS)
        ],
    )
    assert [one for one in answers if not isinstance(one, dict)] == []
    given = {one["username"] for one in answers}
    assert given == {username, *(f"{username[: 254 - len(str(n))]}{n}" for n in range(1, CALLS))}, "no gaps"
    with institution_scope(school.id):
        assert Student.objects.count() == Membership.objects.count() == CALLS


def test_calls_that_suggest_each_others_numbers_do_not_wait_for_each_other_for_ever():
    school = a_school()
    code = code_of(school)
    names = ["x", "x1", "x2", "X", "x11"]
    answers = at_once(
        school,
        "createUser",
        [
            {**ALBERT, "registrationCode": code, "username": names[n % 5], "vendorKey": f"key {n % 150}"}
            for n in range(CALLS)
        ],
    )
    assert [one for one in answers if not isinstance(one, dict)] == []
    with institution_scope(school.id):
        assert Student.objects.count() == 150


def test_one_status_set_many_times_at_once_is_one_change():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    answers = at_once(school, "setMembershipStatus", [{**student, "status": "archive"}] * 40)
    assert Counter(map(str, answers)) == {str({"status": "success", "membershipStatus": "archive"}): 40}
    with institution_scope(school.id):
        assert AuditEvent.objects.filter(action="partners:student:status_set").count() == 1


def test_one_tracker_set_many_times_at_once_is_one_change():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    answers = at_once(school, "setTracker", [{**student, "trackerName": UNDERGRADUATE}] * 40)
    assert Counter(map(str, answers)) == {str({"setSuccessfully": True}): 40}
    with institution_scope(school.id):
        assert AuditEvent.objects.filter(action="partners:student:tracker_set").count() == 1
    assert ask(school, "getUser", **student)["numItems"] == 1
