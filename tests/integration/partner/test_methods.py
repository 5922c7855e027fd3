"""What the eight methods do and answer, and whom they take each other for: contracts/partner-api.md, "Methods"."""

import json
import re
from datetime import date, timedelta

import pytest

from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.actions import create_package
from pratique.institutions.models import Package, Tracker
from pratique.interfaces.partner.methods import METHODS
from pratique.partners.models import SecureToken
from pratique.partners.tokens import token_hash
from pratique.partners.types import ERRORS
from pratique.students.models import Membership, Student
from tests.integration.partner.asking import (
    CLIENT,
    LATER,
    NURSING,
    UNDERGRADUATE,
    ask,
    audited,
    code_of,
    created,
    naming,
    refused,
)
from tests.schools import BY, EXAM, GROUPS, MMR, NOW, TERMS, a_school, imported, judged, requires

pytestmark = pytest.mark.django_db
STUDENT_METHODS = {
    "secureToken": {},
    "setTracker": {"trackerName": UNDERGRADUATE},
    "setMembershipStatus": {"status": "archive"},
    "getMembershipStatus": {},
    "getUser": {},
}
ON_PACKAGE = [name for name in STUDENT_METHODS if name != "secureToken"]


def rows(school):
    """All that a refused or repeated call must leave alone."""
    with institution_scope(school.id):
        return [
            sorted(map(str, model.objects.values_list()))
            for model in (Student, Membership, SecureToken, AuditEvent)
        ]


def membership(school):
    with institution_scope(school.id):
        return Membership.objects.select_related("tracker").get()


# --- the reference text's examples, as JSON ------------------------------------------------------------------------

CREATE = """{"username":"amagnus", "vendorKey": "Azy834Itlw0", "firstName":"Albert", "lastName":"Magnus",
    "phone":"919-599-2917", "email":"albert.magnus@magnushealthportal.com", "dateOfBirth": 259445405250,
    "registrationCode":"MHP123456", "nonce":"267445405250"}"""
SECURE_TOKEN = (
    """{"accountToken":"MPh0vm2rva53Bv1pbdzz1Q", "vendorKey":"Azy834Itlw0", "nonce":"267446780000"}"""
)
SET_TRACKER = """{"accountToken":"MPh0vm2rva53Bv1pbdzz1Q", "vendorKey":"Azy834Itlw0", "nonce":"267446780000",
    "code":"AB12MH", "trackerName":"Class of 2012"}"""
SET_STATUS = """{"accountToken":"MPh0vm2rva53Bv1pbdzz1Q", "vendorKey":"Azy834Itlw0", "code":"AB12MH",
    "status":"active", "nonce":"267445550000"}"""
GET_STATUS = """{"accountToken":"MPh0vm2rva53Bv1pbdzz1Q", "vendorKey":"Azy834Itlw0", "nonce":"267445550000",
    "code":"AB12MH"}"""
COUNTS = """{"code":"AB12MH", "nonce":"266445505390"}"""
COUNTS_SINCE = """{"code":"AB12MH", "nonce":"266445505390", "deltaStartDate": 1319498044338 }"""
GET_USER = """{"accountToken":"MPh0vm2rva53Bv1pbdzz1Q", "vendorKey":"Azy834Itlw0", "code":"AB12MH",
    "nonce":"267446780000"}"""


def test_the_examples_of_the_reference_text_work_one_after_the_other():
    school = a_school()
    requires(school, MMR)
    with institution_scope(school.id):
        for code in ("MHP123456", "AB12MH"):
            create_package(
                institution=school, code=code, name=code, groups=GROUPS, terms=TERMS, is_default=False, by=BY, now=NOW
            )  # fmt: skip
        Tracker.objects.filter(package__code="AB12MH", name=UNDERGRADUATE).update(name="Class of 2012")

    def call(method, example):
        values = json.loads(example)
        if "accountToken" in values:
            values["accountToken"] = made["accountToken"]
        return ask(school, method, **values)

    made = call("createUser", CREATE)
    assert set(made) == {"secureToken", "accountToken", "username"}
    assert re.fullmatch("[0-9A-Za-z]{32}", made["secureToken"])
    assert re.fullmatch("[0-9A-Za-z]{22}", made["accountToken"])
    assert made["username"] == "amagnus"
    with institution_scope(school.id):
        student = Student.objects.get()
        assert student.date_of_birth == date(1978, 3, 22)
        # The text goes on with another package's code.
        Membership.objects.update(package=Package.objects.get(code="AB12MH"))
    token = call("secureToken", SECURE_TOKEN)
    assert set(token) == {"secureToken"}
    assert token["secureToken"] != made["secureToken"]
    assert call("setTracker", SET_TRACKER) == {"setSuccessfully": True}
    assert call("setMembershipStatus", SET_STATUS) == {"status": "success", "membershipStatus": "active"}
    assert call("getMembershipStatus", GET_STATUS) == {"status": "active"}
    counted = {
        "packageDetails": [
            {"vendorKey": "Azy834Itlw0", "numComplete": 0, "numItems": 1, "complete": False,
             "trackerName": "Class of 2012", "userComplete": False},
        ]
    }  # fmt: skip
    assert call("getPackageCounts", COUNTS) == counted
    assert call("getPackageCountsSince", COUNTS_SINCE) == counted
    user = call("getUser", GET_USER)
    assert user["trackerName"] == "Class of 2012"
    assert [item["itemName"] for item in user["Items"]] == ["MMR"]


def test_the_eight_methods_are_named_and_every_other_name_is_unknown():
    assert list(METHODS) == [
        "createUser", "secureToken", "setTracker", "setMembershipStatus", "getMembershipStatus", "getPackageCounts",
        "getPackageCountsSince", "getUser",
    ]  # fmt: skip
    school = a_school()
    for name in ("createuser", "deleteUser", "", "__class__"):
        assert refused(school, name).code == "METHOD_UNKNOWN"


# --- who is meant --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", STUDENT_METHODS)
def test_whatever_is_wrong_about_token_and_key_is_one_answer_and_changes_nothing(method):
    school, other = a_school(), a_school()
    requires(school, MMR)
    good = {**naming(school), **STUDENT_METHODS[method]}
    second = naming(school, username="b", vendorKey="B-2")
    theirs = naming(other, vendorKey="theirs")
    imported(school, "nokey@x.edu,K9,L,F,,01/02/2003,,,1")
    with institution_scope(school.id):
        Student.objects.filter(username="nokey@x.edu").update(student_id="")
        no_key = Student.objects.get(username="nokey@x.edu").account_token
    before = rows(school), rows(other)
    wrong = [
        {"vendorKey": "B-2"},  # another student's
        {"accountToken": second["accountToken"]},
        {"vendorKey": good["vendorKey"].lower()},
        {"vendorKey": "nobody"},
        {"accountToken": "0" * 22},
        {"accountToken": good["accountToken"].swapcase()},
        {"accountToken": "x" * 5000},
        {"accountToken": "’;--"},
        {"accountToken": theirs["accountToken"], "vendorKey": "theirs"},  # good, but another institution's
        {"accountToken": theirs["accountToken"]},
        {"accountToken": no_key, "vendorKey": "K9"},
    ]
    answers = {json.dumps(refused(school, method, **{**good, **values}).to_data()) for values in wrong}
    assert answers == {
        json.dumps({"error": {"code": "STUDENT_UNKNOWN", "message": ERRORS["STUDENT_UNKNOWN"].meaning}})
    }
    assert (rows(school), rows(other)) == before


@pytest.mark.parametrize("method", [*ON_PACKAGE, "getPackageCounts", "getPackageCountsSince", "createUser"])
def test_another_institutions_package_is_as_unknown_as_none(method):
    school, other = a_school(), a_school()
    student = naming(school)
    extra = {
        **student, **STUDENT_METHODS.get(method, {}), "deltaStartDate": 0, "username": "new", "firstName": "N",
        "lastName": "N", "phone": "", "email": "",
    }  # fmt: skip
    if method == "createUser":
        extra["vendorKey"] = "a new one"
    before = rows(school)
    field = "registrationCode" if method == "createUser" else "code"
    answers = {
        json.dumps(refused(school, method, **{**extra, field: code}).to_data())
        for code in (code_of(other), "NOSUCHCODE", code_of(school).lower(), "x" * 500, " ")
    }
    assert len(answers) == 1
    assert json.loads(answers.pop())["error"] == {
        "code": "PACKAGE_UNKNOWN", "message": ERRORS["PACKAGE_UNKNOWN"].meaning, "field": field,
    }  # fmt: skip
    assert rows(school) == before


@pytest.mark.parametrize("method", ON_PACKAGE)
def test_a_student_who_is_not_on_the_package_is_refused(method):
    school = a_school()
    student = naming(school)
    with institution_scope(school.id):
        create_package(
            institution=school, code="SECOND", name="x", groups=(), terms=(), is_default=False, by=BY, now=NOW
        )
    before = rows(school)
    assert (
        refused(school, method, **{**student, **STUDENT_METHODS[method], "code": "SECOND"}).code
        == "NOT_ON_PACKAGE"
    )
    assert rows(school) == before


@pytest.mark.parametrize("method", METHODS)
def test_every_field_that_is_needed_is_asked_for(method):
    school = a_school()
    student = naming(school)
    good = {
        **student, "deltaStartDate": 0, "status": "active", "trackerName": UNDERGRADUATE, "username": "n",
        "firstName": "N", "lastName": "N", "phone": "", "email": "", "registrationCode": student["code"],
    }  # fmt: skip
    if method == "createUser":
        good["vendorKey"] = "a new one"
    # The nonce is taken before a method is called.
    for field in [field.name for field in METHODS[method].fields if field.required and field.name != "nonce"]:
        left_out = {name: value for name, value in good.items() if name != field}
        refusal = refused(school, method, **left_out)
        assert (refusal.code, refusal.field) == ("FIELD_MISSING", field)
    ask(school, method, **good)


# --- secureToken ---------------------------------------------------------------------------------------------------


def test_a_secure_token_is_kept_as_a_hash_for_the_schools_minutes():
    school = a_school(secure_token_minutes=25)
    student = naming(school)
    made = ask(school, "secureToken", **student)["secureToken"]
    with institution_scope(school.id):
        kept = SecureToken.objects.get(token_hash=token_hash(made))
        assert (kept.identifier, kept.created_at, kept.expires_at) == (
            CLIENT,
            NOW,
            NOW + timedelta(minutes=25),
        )
        assert kept.student.student_id == "Azy834Itlw0"
        assert SecureToken.objects.count() == 2, "the one of createUser and this one"


# --- setTracker ----------------------------------------------------------------------------------------------------


def test_a_tracker_is_set_and_the_standing_is_right_at_once():
    school = a_school()
    requires(school, MMR, EXAM)
    student = naming(school)
    assert ask(school, "setTracker", **student, trackerName=UNDERGRADUATE, now=LATER) == {
        "setSuccessfully": True
    }
    stored = membership(school)
    assert (stored.tracker.name, stored.num_items, stored.stale_since) == (UNDERGRADUATE, 2, None)
    assert stored.status_changed_at == LATER
    (counted,) = ask(school, "getPackageCounts", code=student["code"])["packageDetails"]
    user = ask(school, "getUser", **student)
    assert (counted["numItems"], counted["trackerName"]) == (2, UNDERGRADUATE)
    assert (user["numItems"], user["trackerName"]) == (2, UNDERGRADUATE)
    action, by, detail = audited(school)[1]
    assert (action, by) == ("partners:student:tracker_set", f"partner:{CLIENT}")
    assert detail == {"package": str(stored.package_id), "tracker": str(stored.tracker_id)}


def test_the_same_tracker_again_succeeds_and_changes_nothing():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    before = rows(school)
    assert ask(school, "setTracker", **student, trackerName=UNDERGRADUATE, now=LATER) == {
        "setSuccessfully": True
    }
    assert rows(school) == before


def test_another_tracker_is_changed_to_and_told_as_a_change():
    school = a_school()
    student = naming(school)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    ask(school, "setTracker", **student, trackerName=NURSING, now=LATER)
    stored = membership(school)
    assert (stored.tracker.name, stored.status_changed_at) == (NURSING, LATER)


@pytest.mark.parametrize(
    "name",
    [
        UNDERGRADUATE.lower(),
        UNDERGRADUATE.upper(),
        f" {UNDERGRADUATE}",
        f"{UNDERGRADUATE} ",
        "Undergraduate",
        "%",
        "None Selected",
    ],
)
def test_a_name_that_is_not_exactly_a_trackers_is_refused(name):
    school = a_school()
    student = naming(school)
    before = rows(school)
    refusal = refused(school, "setTracker", **student, trackerName=name)
    assert (refusal.code, refusal.field) == ("TRACKER_UNKNOWN", "trackerName")
    assert rows(school) == before


def test_a_tracker_of_another_package_or_institution_is_unknown():
    school, other = a_school(), a_school()
    student = naming(school)
    with institution_scope(other.id):
        Tracker.objects.filter(name=NURSING).update(name="Theirs")
    with institution_scope(school.id):
        create_package(
            institution=school, code="SECOND", name="x", groups=("Law",), terms=TERMS, is_default=False, by=BY, now=NOW
        )  # fmt: skip
    answers = {
        json.dumps(refused(school, "setTracker", **student, trackerName=name).to_data())
        for name in ("Theirs", "Law - Fall 2026", "Nobody's")
    }
    assert len(answers) == 1
    assert "TRACKER_UNKNOWN" in answers.pop()


def test_an_archived_student_is_put_on_a_tracker_and_stays_archived():
    school = a_school()
    student = naming(school)
    ask(school, "setMembershipStatus", **student, status="archive")
    ask(school, "setTracker", **student, trackerName=NURSING)
    stored = membership(school)
    assert (stored.tracker.name, stored.state) == (NURSING, "archive")


# --- setMembershipStatus, getMembershipStatus ------------------------------------------------------------------------


def test_a_student_is_archived_and_made_active_again():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    assert ask(school, "getMembershipStatus", **student) == {"status": "active"}
    assert ask(school, "setMembershipStatus", **student, status="archive", now=LATER) == {
        "status": "success", "membershipStatus": "archive",
    }  # fmt: skip
    assert ask(school, "getMembershipStatus", **student) == {"status": "archive"}
    assert ask(school, "getPackageCounts", code=student["code"]) == {"packageDetails": []}
    archived = membership(school)
    assert (archived.status_changed_at, archived.stale_since) == (NOW, None), "nobody is shown that row"
    assert ask(school, "setMembershipStatus", **student, status="active", now=LATER) == {
        "status": "success", "membershipStatus": "active",
    }  # fmt: skip
    assert ask(school, "getMembershipStatus", **student) == {"status": "active"}
    stored = membership(school)
    assert (stored.status_changed_at, stored.evaluated_at, stored.stale_since) == (LATER, LATER, None)
    done = [
        (action, detail["status"]) for action, _by, detail in audited(school, "partners:student:status_set")
    ]
    assert done == [("partners:student:status_set", "archive"), ("partners:student:status_set", "active")]


@pytest.mark.parametrize("status", ["archive", "active"])
def test_the_same_status_again_succeeds_and_changes_nothing(status):
    school = a_school()
    student = naming(school)
    ask(school, "setMembershipStatus", **student, status="archive")
    ask(school, "setMembershipStatus", **student, status=status)
    before = rows(school)
    for _ in range(2):
        again = ask(school, "setMembershipStatus", **student, status=status, now=LATER)
        assert again == {"status": "success", "membershipStatus": status}
    assert rows(school) == before


def test_an_archived_student_still_has_a_standing_to_look_at():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    ask(school, "setMembershipStatus", **student, status="archive")
    assert ask(school, "getUser", **student)["numItems"] == 1


# --- beside the roster -----------------------------------------------------------------------------------------------


def test_a_student_of_the_roster_is_found_by_the_schools_id_and_the_other_way_round():
    school = a_school()
    imported(school, "ana@x.edu,0001,Nunez,Ana,,04/03/2006,Undergraduate,Fall 2026,1")
    assert created(school, vendorKey=" 0001 ", username="other")["username"] == "ana@x.edu"
    new = created(school, username="ben@x.edu", vendorKey="Ü2", firstName="Ben")
    imported(school, "ben@x.edu,U\u03082,Okafor,Benjamin,,05/06/2005,Nursing,Fall 2026,1")
    judged(school)
    with institution_scope(school.id):
        assert Student.objects.count() == 2
        ben = Student.objects.get(account_token=new["accountToken"])
        assert ben.first_name == "Benjamin"
