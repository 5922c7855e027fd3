"""createUser: one student for a vendor key, a username that nobody else has, and nothing else touched."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.actions import create_staff
from pratique.accounts.roles import Role
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Package
from pratique.interfaces.partner.methods import answer
from pratique.partners import usernames
from pratique.partners.models import SecureToken
from pratique.students.folding import search_text, username_key
from pratique.students.models import Invitation, Membership, Student
from tests.integration.partner.asking import (
    ALBERT,
    CLIENT,
    LATER,
    ask,
    audited,
    caller_of,
    code_of,
    created,
    long,
    refused,
)
from tests.schools import BY, NOW, TODAY, a_school, imported

pytestmark = pytest.mark.django_db


def student(school, **named) -> Student:
    with institution_scope(school.id):
        return Student.objects.get(**named)


def taken_by(school, *names: str) -> None:
    """Students who have these usernames."""
    for number, name in enumerate(names):
        assert created(school, username=name, vendorKey=f"of {number}")["username"] == name


def staff(school, username: str) -> None:
    with institution_scope(school.id):
        create_staff(
            institution=school, username=username, name="N", role=Role.REVIEWER, password="a long enough password",
            email="", by=BY, now=NOW,
        )  # fmt: skip


# --- a new vendor key -------------------------------------------------------------------------------------------------


def test_a_new_student_is_stored_whole_and_put_on_the_package():
    school = a_school()
    made = created(
        school,
        firstName=" Albert ",
        lastName="O’Brien",
        dateOfBirthString="04/30/2001",
        dateOfBirth=0,
        extra=[1],
    )
    kept = student(school)
    assert made["accountToken"] == kept.account_token
    assert (kept.username, kept.username_key, kept.student_id) == ("amagnus", "amagnus", "Azy834Itlw0")
    assert (kept.first_name, kept.last_name, kept.date_of_birth) == ("Albert", "O’Brien", date(2001, 4, 30))
    assert (kept.telephone, kept.email) == ("919-599-2917", "albert.magnus@example.edu")
    assert (kept.on_campus, kept.attributes, kept.created_at, kept.updated_at) == (None, {}, NOW, NOW)
    assert kept.search_text == search_text(
        first_name="Albert",
        last_name="O’Brien",
        username="amagnus",
        student_id="Azy834Itlw0",
        email=kept.email,
    )
    with institution_scope(school.id):
        membership = Membership.objects.get()
        assert membership.package == Package.objects.get()
        assert not Invitation.objects.exists(), "a partner brings its students itself"
    assert (membership.student_id, membership.tracker_id, membership.state) == (kept.id, None, "active")
    assert (membership.stale_since, membership.evaluated_at, membership.status_changed_at) == (None, NOW, NOW)
    assert (membership.num_items, membership.complete, membership.user_complete) == (0, False, False)
    ((action, by, detail),) = audited(school)
    assert (action, by) == ("partners:student:created", f"partner:{CLIENT}")
    assert detail == {"package": str(membership.package_id), "username_as_suggested": True}


def test_what_is_made_is_what_the_columns_of_the_models_say():
    # The insert is written by hand; a column that somebody adds must not be forgotten there.
    school = a_school()
    created(school)
    kept = student(school)
    kept.full_clean(exclude=["institution"])
    with institution_scope(school.id):
        Membership.objects.get().full_clean(exclude=["institution", "student", "package"])


@pytest.mark.parametrize(
    ("months", "sent", "last_day"),
    [
        pytest.param(12, None, date(2027, 8, 3), id="a-year-unless-the-school-says-otherwise"),
        pytest.param(6, None, date(2027, 2, 3), id="as-long-as-the-school-has-set"),
        pytest.param(None, None, None, id="no-end-where-the-school-has-set-none"),
        pytest.param(
            12, datetime(2027, 7, 1, 4, 59, tzinfo=UTC), date(2027, 6, 30), id="as-sent-by-central-time"
        ),
        pytest.param(None, datetime(2020, 1, 1, 12, tzinfo=UTC), date(2020, 1, 1), id="in-the-past-too"),
    ],
)
def test_a_registration_ends(months, sent, last_day):
    school = a_school(membership_months=months)
    created(school, **({"expirationDate": long(sent)} if sent else {}))
    with institution_scope(school.id):
        assert Membership.objects.get().expires_on == last_day


def test_the_years_begin_on_the_schools_own_day():
    school = a_school(time_zone="Pacific/Auckland")
    created(school, now=datetime(2026, 8, 3, 13, 0, tzinfo=UTC))  # it is the 4th there
    with institution_scope(school.id):
        assert Membership.objects.get().expires_on == date(2027, 8, 4)


def test_nobody_is_born_after_the_schools_today():
    school = a_school(time_zone="America/New_York")
    tomorrow = f"{TODAY + timedelta(1):%m/%d/%Y}"
    refusal = refused(
        school, "createUser", **ALBERT, registrationCode=code_of(school), dateOfBirthString=tomorrow
    )
    assert (refusal.code, refusal.field) == ("FIELD_INVALID", "dateOfBirthString")
    with institution_scope(school.id):
        assert not Student.objects.exists()


# --- a known one ------------------------------------------------------------------------------------------------------


def test_a_known_vendor_key_gives_a_new_token_and_nothing_else_changes():
    school = a_school()
    first = created(school)
    before = student(school)
    with institution_scope(school.id):
        membership = Membership.objects.values().get()
    second = created(
        school, username="another", firstName="X", lastName="Y", email="z@example.edu", now=LATER,
        expirationDate=0, dateOfBirthString="01/01/2001",
    )  # fmt: skip
    assert second["secureToken"] != first["secureToken"]
    assert (second["accountToken"], second["username"]) == (first["accountToken"], "amagnus")
    after = student(school)
    assert {f.name: getattr(before, f.attname) for f in before._meta.fields} == {
        f.name: getattr(after, f.attname) for f in after._meta.fields
    }
    with institution_scope(school.id):
        assert Membership.objects.values().get() == membership
        assert SecureToken.objects.count() == 2
    assert [action for action, _by, _detail in audited(school)] == ["partners:student:created"]


def test_with_a_known_vendor_key_nothing_else_can_be_wrong():
    school = a_school()
    staff(school, "nurse")
    first = created(school)
    for values in (
        {},
        {
            "username": 7,
            "firstName": None,
            "email": "?",
            "dateOfBirthString": "13/45/2001",
            "expirationDate": "x",
        },
        {"username": "nurse", "registrationCode": "NOSUCH"},
        {"username": "a\0b", "registrationCode": "\0"},
    ):
        again = ask(school, "createUser", vendorKey=ALBERT["vendorKey"], **values)
        assert (again["accountToken"], again["username"]) == (first["accountToken"], "amagnus")


def test_an_archived_student_and_one_of_no_package_are_known_all_the_same():
    school = a_school()
    first = created(school)
    with institution_scope(school.id):
        Membership.objects.update(state="archive")
    assert created(school)["accountToken"] == first["accountToken"]
    with institution_scope(school.id):
        Membership.objects.all()._raw_delete("default")
    assert created(school)["accountToken"] == first["accountToken"]
    with institution_scope(school.id):
        assert not Membership.objects.exists()


def test_a_student_without_account_token_gets_one():
    school = a_school()
    created(school)
    with institution_scope(school.id):
        Student.objects.update(account_token="")
    made = created(school)["accountToken"]
    assert len(made) == 22
    assert student(school).account_token == made
    assert created(school)["accountToken"] == made


def test_vendor_keys_are_told_apart_by_case_and_by_institution():
    school, other = a_school(), a_school()
    tokens = {created(school, vendorKey=key)["accountToken"] for key in ("a1", "A1", "a1 b")}
    tokens.add(created(other, vendorKey="a1")["accountToken"])
    assert len(tokens) == 4


# --- usernames --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "suggested", "given"),
    [
        pytest.param([], "x", "x", id="free"),
        pytest.param(["x"], "x", "x1", id="taken"),
        pytest.param(["x", "x1"], "x", "x2", id="taken-with-one-number"),
        pytest.param(["x", "x2"], "x", "x1", id="a-gap-is-filled"),
        pytest.param(["x1"], "x", "x", id="only-the-number-is-taken"),
        pytest.param(["X"], "x", "x1", id="case-does-not-tell-apart"),
        pytest.param(["x", "X1"], "X", "X2", id="case-of-the-number's-too"),
        pytest.param(["Straße"], "STRASSE", "STRASSE1", id="as-unicode-folds-case"),
        pytest.param(["zoë"], "ZOE\u0308", "ZOË1", id="composed-or-not"),
        pytest.param(["x1", "x11"], "x1", "x12", id="a-number-is-appended-not-counted-on"),
        pytest.param(["x"], " x ", "x1", id="after-cleaning"),
        pytest.param(["y" * 254], "y" * 254, "y" * 253 + "1", id="shortened-so-that-the-number-fits"),
        pytest.param(
            ["y" * 254, *("y" * 253 + str(n) for n in range(1, 10))],
            "y" * 254,
            "y" * 252 + "10",
            id="and-two-digits",
        ),
        pytest.param(["ß" * 254], "ß" * 254, "ß" * 253 + "1", id="whose-key-is-longer-than-they"),
    ],
)
def test_a_taken_username_gets_the_next_free_number(there, suggested, given):
    school = a_school()
    taken_by(school, *there)
    assert created(school, username=suggested)["username"] == given
    assert student(school, student_id=ALBERT["vendorKey"]).username == given


def test_the_number_says_so_in_the_trail_and_no_name_does():
    school = a_school()
    taken_by(school, "amagnus")
    created(school)
    assert audited(school)[-1][2]["username_as_suggested"] is False
    assert "amagnus" not in str(audited(school))


def test_many_taken_numbers_are_passed_over_in_few_questions():
    school = a_school()
    imported(school, "x,0,L,F,,01/02/2003,,,1", *(f"x{n},{n},L,F,,01/02/2003,,,1" for n in range(1, 351)))
    with (
        institution_scope(school.id),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        assert usernames.next_free(school.id, "x") == "x351"
    assert sum("username_key = any" in query["sql"] for query in asked) == 4


@pytest.mark.parametrize(
    ("of_staff", "suggested"),
    [
        ("nurse", "nurse"),
        ("nurse", "NURSE"),
        ("Nurse", "nurse"),
        ("Straße", "STRASSE"),
        ("sam", "ſam"),
        ("josé", "JOSE\u0301"),
        ("nurse", "\uff4e\uff35\uff52\uff53\uff45"),
        ("office", "o\ufb03ce"),
    ],
)
def test_a_staff_username_is_refused(of_staff, suggested):
    school = a_school()
    staff(school, of_staff)
    refusal = refused(
        school, "createUser", **{**ALBERT, "username": suggested}, registrationCode=code_of(school)
    )
    assert (refusal.code, refusal.field) == ("STAFF_ACCOUNT", "username")
    with institution_scope(school.id):
        assert not Student.objects.exists()
        assert not SecureToken.objects.exists()


def test_a_number_never_makes_a_staff_username():
    school, other = a_school(), a_school()
    staff(school, "X1")
    staff(school, "é2")
    staff(other, "x2")
    taken_by(school, "x", "É", "é1")
    assert created(school, username="x")["username"] == "x2", "x1 is a colleague's; x2 is another school's"
    assert created(school, username="É", vendorKey="e")["username"] == "É3"


def test_another_institutions_usernames_are_no_matter():
    school, other = a_school(), a_school()
    taken_by(other, "amagnus")
    assert created(school)["username"] == "amagnus"


def test_a_numbered_username_is_unique_by_its_key():
    for base in ("x", "ß" * 254, "İ" * 254, "y" * 300):
        for number in (1, 9, 10, 12345):
            made = usernames.numbered(base, number)
            assert len(made) <= 254
            assert made.endswith(str(number))
            assert username_key(made)


# --- what it costs ----------------------------------------------------------------------------------------------------


def questions(school, **values) -> int:
    """How many times createUser asks the database, inside its transaction and scope."""
    caller, code = caller_of(school), code_of(school)
    with institution_scope(school.id), CaptureQueriesContext(connection) as asked:
        answer("createUser", {**ALBERT, "registrationCode": code, **values}, caller=caller, now=NOW)
    return len(asked)


def test_it_asks_the_database_a_fixed_number_of_times():
    school = a_school()
    assert questions(school) == 4, "new: look up, store, token, trail"
    assert questions(school) == 2, "known: look up, token"
    imported(school, *(f"r{n},r{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(50)))
    staff(school, "nurse")
    assert questions(school, vendorKey="second", username="second") == 4
    assert questions(school, vendorKey="third") == 6, "taken: also wait for one's turn, and look for a number"
