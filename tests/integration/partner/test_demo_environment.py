"""The demo environment of a school: a twin with its packages and rules, and nothing of its students."""

import psycopg
import pytest
from django.db import connections
from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent, AuditSeal
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.actions import create_package
from pratique.institutions.models import Institution, Package, RequirementGroup, Term, Tracker
from pratique.institutions.queries import all_institution_ids
from pratique.interfaces.console.activity_words import SENTENCES
from pratique.partners import tasks
from pratique.partners.actions.demo_environment import copied_id, prepare, request_demo_environment, state
from pratique.requirements.actions import create_draft, publish
from pratique.requirements.models import RequirementSet
from pratique.requirements.queries import sets_in_force
from pratique.students.models import Membership, Student
from tests.integration.audit.trail import settle
from tests.integration.partner.wire import a_nonce, call, code, opened
from tests.partners import a_partner
from tests.schools import BY, EXAM, GROUPS, MMR, NOW, TERMS, TODAY, a_school, imported, judged, requires
from tests.settings import CLUSTER

pytestmark = pytest.mark.usefixtures("committed")


def with_code(code, slug="", **given):
    """A school whose one package has this code."""
    school = a_school(slug, **given)
    with institution_scope(school.id):
        Package.objects.update(code=code)
    return school


def prepared(school):
    """Have the demo environment made as the job makes it; return its id."""
    with institution_scope(school.id):
        twin = request_demo_environment(institution=school, by=BY, now=NOW)
    prepare(institution_id=school.id, now=NOW)
    return twin


def jobs():
    database = connections["default"].settings_dict["NAME"]
    with psycopg.connect(CLUSTER.url("postgres", database)) as owner:
        return owner.execute(
            "select task_name, args from procrastinate_jobs where task_name = 'partners.prepare_demo'"
        ).fetchall()


def seen_in(institution_id, model, *fields):
    with institution_scope(institution_id):
        return sorted(model.objects.values_list(*fields))


def test_the_id_is_chosen_once_and_one_job_waits():
    school = a_school()
    first = request_demo_environment(institution=school, by=BY, now=NOW)
    assert request_demo_environment(institution=school, by=BY, now=NOW) == first
    with institution_scope(school.id):
        assert Institution.objects.get().demo_institution == first
    assert jobs() == [("partners.prepare_demo", {"institution_id": str(school.id)})]


def test_a_twin_has_no_twin():
    school = a_school()
    twin = prepared(school)
    with institution_scope(twin), pytest.raises(ValueError, match="of its own"):
        request_demo_environment(institution=Institution.objects.get(), by=BY, now=NOW)


def test_the_twin_has_packages_groups_terms_trackers_and_rules_of_its_school():
    school = a_school("harbor", membership_months=6, secure_token_minutes=3, student_id_required=False)
    requires(school, MMR, EXAM)
    twin = prepared(school)
    with institution_scope(twin):
        stored = Institution.objects.get()
    assert (stored.slug, stored.name, stored.is_demo) == ("harbor-demo", "Test College (demo)", True)
    assert stored.demo_institution == school.id
    for name in ("time_zone", "membership_months", "secure_token_minutes", "student_id_required"):
        assert getattr(stored, name) == getattr(school, name), name
    for model, fields in (
        (RequirementGroup, ("name",)),
        (Term, ("name", "starts_on", "due_on")),
        (Tracker, ("name", "due_on", "package__name", "requirement_group__name", "term__name")),
        (Package, ("name", "is_default")),
        (RequirementSet, ("requirement_group__name", "version", "state", "applies_from")),
    ):
        assert seen_in(twin, model, *fields) == seen_in(school.id, model, *fields) != [], model
    assert rules_of(twin) == rules_of(school.id)


def rules_of(institution_id):
    with institution_scope(institution_id):
        names = dict(RequirementGroup.objects.values_list("id", "name"))
        return {names[group]: found.requirements for group, found in sets_in_force(TODAY).items()}


def test_a_second_run_makes_nothing_twice_and_brings_over_what_is_new():
    school = a_school()
    requires(school, MMR)
    twin = prepared(school)
    first = {model: seen_in(twin, model, "id") for model in (Package, RequirementGroup, Term, Tracker)}
    prepare(institution_id=school.id, now=NOW)
    assert {model: seen_in(twin, model, "id") for model in first} == first
    assert len(seen_in(twin, RequirementSet, "id")) == len(GROUPS)
    with institution_scope(school.id):
        Institution.objects.update(secure_token_minutes=4)
        create_package(
            institution=school, code=f"W{new_id().hex[-8:]}", name="Winter", groups=[*GROUPS, "Dance"],
            terms=TERMS, is_default=False, by=BY, now=NOW,
        )  # fmt: skip
        group = RequirementGroup.objects.get(name="Nursing")
        # A draft between two published versions: the copy keeps the number of its original.
        create_draft(group=group, requirements=[MMR], applies_from=TODAY, by=BY, now=NOW)
        publish(
            draft=create_draft(group=group, requirements=[EXAM], applies_from=TODAY, by=BY, now=NOW),
            by=BY,
            now=NOW,
        )
    prepare(institution_id=school.id, now=NOW)
    assert len(seen_in(twin, Tracker, "id")) == len(GROUPS) * len(TERMS) + 3 * len(TERMS)
    assert seen_in(twin, RequirementSet, "requirement_group__name", "version") == [
        ("Nursing", 1), ("Nursing", 3), ("Undergraduate", 1),
    ]  # fmt: skip
    assert rules_of(twin)["Nursing"][0].key == EXAM["key"]
    with institution_scope(twin):
        assert Institution.objects.get().secure_token_minutes == 4


def test_what_an_interrupted_run_left_out_is_made_by_the_next(monkeypatch):
    school = a_school()
    requires(school, MMR)
    twin = request_demo_environment(institution=school, by=BY, now=NOW)
    with monkeypatch.context() as broken:
        broken.setattr("pratique.partners.actions.demo_environment._publish", _breaks)
        with pytest.raises(RuntimeError):
            prepare(institution_id=school.id, now=NOW)
    prepare(institution_id=school.id, now=NOW)
    assert len(seen_in(twin, RequirementSet, "id")) == len(GROUPS)


def _breaks(*_):
    raise RuntimeError("the machine went down")


@pytest.mark.parametrize(
    ("code", "taken", "expected"),
    [
        pytest.param("HEALTH26", [], "HEALTH26-DEMO", id="fits"),
        pytest.param("HEALTH26", ["HEALTH26-DEMO"], "HEALTH26-DEMO2", id="another-school-has-it"),
        pytest.param(
            "HEALTH26", ["HEALTH26-DEMO", "HEALTH26-DEMO2"], "HEALTH26-DEMO3", id="two-others-have-it"
        ),
        pytest.param("A" * 15, [], "A" * 15 + "-DEMO", id="fits-just"),
        pytest.param("A" * 20, [], "A" * 15 + "-DEMO", id="is-cut"),
        pytest.param("A" * 20, ["A" * 15 + "-DEMO"], "A" * 14 + "-DEMO2", id="is-cut-and-another-has-it"),
        pytest.param("A" * 14 + "-BCDEF", [], "A" * 14 + "-DEMO", id="cut-at-a-dash"),
    ],
)
def test_codes_are_unique_in_the_installation_and_stay(code, taken, expected):
    for other in taken:
        with_code(other)
    school = with_code(code)
    twin = prepared(school)
    assert seen_in(twin, Package, "code") == [(expected,)]
    with institution_scope(twin):
        before = Package.objects.get().id
    prepare(institution_id=school.id, now=NOW)
    assert seen_in(twin, Package, "code", "id") == [(expected, before)]


def test_a_school_may_have_the_slug_already():
    a_school("harbor-demo")
    long = a_school("h" * 60)
    assert seen_in(prepared(a_school("harbor")), Institution, "slug") == [("harbor-demo2",)]
    assert seen_in(prepared(long), Institution, "slug") == [("h" * 55 + "-demo",)]


def test_the_school_reads_how_far_it_is():
    school = with_code("READ26")
    with institution_scope(school.id):
        assert state(school) == (False, {}, {})
        request_demo_environment(institution=school, by=BY, now=NOW)
        assert state(school) == (False, {}, {})
    prepare(institution_id=school.id, now=NOW)
    with institution_scope(school.id):
        found = state(school)
        # The school's own scope is what it was.
        assert Institution.objects.get().id == school.id
    assert found.prepared
    assert found.codes == {"READ26": "READ26-DEMO"}
    names = sorted(f"{group} - {term.name}" for group in GROUPS for term in TERMS)
    assert found.tracker_names == {"READ26-DEMO": names}
    with institution_scope(school.id):
        create_package(
            institution=school, code=f"N{new_id().hex[-8:]}", name="New", groups=[], terms=[],
            is_default=False, by=BY, now=NOW,
        )  # fmt: skip
    assert not state(school).prepared


def test_the_twin_is_in_none_of_the_schools_lists_and_holds_no_student_of_it():
    school = a_school()
    requires(school, MMR)
    imported(school, "ana@x.edu,0001,Nunez,Ana,,04/03/2006,Undergraduate,Fall 2026,1")
    twin = prepared(school)
    with institution_scope(school.id):
        assert Institution.objects.count() == Package.objects.count() == Student.objects.count() == 1
        assert copied_id(twin, Package.objects.get().id) not in Package.objects.values_list("id", flat=True)
    assert seen_in(twin, Student, "id") == []


def test_the_schedulers_jobs_work_for_the_twin(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    school = a_school()
    requires(school, MMR)
    twin = request_demo_environment(institution=school, by=BY, now=NOW)
    tasks.prepare_demo(institution_id=str(school.id))
    assert set(all_institution_ids()) == {school.id, twin}
    app.perform_import_paths()
    periodic = list(app.periodic_registry.periodic_tasks.values())
    assert periodic
    settle()  # what is sealed lies below every open transaction, also of tests that run beside this one
    for one in periodic:
        if one.task.name.split(".")[0] in {"builtin", "procrastinate"}:
            continue
        one.task.func(timestamp=int(NOW.timestamp()))
    with institution_scope(twin):
        stored = Institution.objects.get()
        written = set(AuditEvent.objects.values_list("action", flat=True))
        assert AuditSeal.objects.count() == AuditEvent.objects.count() > 0
    assert written <= set(SENTENCES)
    # Whoever is put on a tracker there is judged like anybody.
    imported(stored, "bo@x.edu,0002,Li,Bo,,04/03/2006,Undergraduate,Fall 2026,1")
    judged(stored)
    with institution_scope(twin):
        membership = Student.objects.get().membership_set.get()
    assert (membership.num_items, membership.num_complete) == (1, 0)


ANA = {
    "username": "ana@x.edu", "vendorKey": "0001", "firstName": "Ana", "lastName": "Nunez", "phone": "", "email": "",
}  # fmt: skip
NURSING = "Nursing - Fall 2026"


@pytest.fixture
def both():
    """A school, its twin, and a session of its partner in each, with the code of the package there."""
    school = with_code("BOTH26")
    requires(school, MMR)
    twin = prepared(school)
    with institution_scope(twin):
        demo = Institution.objects.get()
    live = a_partner(school, name="Portal")
    trial = a_partner(school, environment="demo", acts_for=demo, name="Portal, trial")
    return {
        "production": (opened(live.client_id, live.encryption_key), "BOTH26", school.id),
        "demo": (opened(trial.client_id, trial.encryption_key), "BOTH26-DEMO", twin),
    }


def made(side, **values):
    session, package, _ = side
    status, answer = call(session, "createUser", {**ANA, "registrationCode": package, **values})
    assert status == 200, answer
    return answer


def people_of(side):
    return seen_in(side[2], Student, "student_id", "username", "account_token")


def test_one_vendor_key_is_two_students_who_know_nothing_of_each_other(both):
    in_production, in_demo = made(both["production"]), made(both["demo"])
    # The name is taken in neither by the other.
    assert in_production["username"] == in_demo["username"] == "ana@x.edu"
    assert in_production["accountToken"] != in_demo["accountToken"]
    assert people_of(both["production"]) == [("0001", "ana@x.edu", in_production["accountToken"])]
    assert people_of(both["demo"]) == [("0001", "ana@x.edu", in_demo["accountToken"])]


@pytest.mark.parametrize(
    ("here", "there"), [("demo", "production"), ("production", "demo")], ids=["demo-key", "production-key"]
)
def test_a_key_of_the_one_sees_and_touches_nobody_of_the_other(both, here, there):
    session, package, _ = both[here]
    other = made(both[there])
    made(both[here], vendorKey="0002", username="bo@x.edu")
    before = seen_in(both[there][2], Membership, "student_id", "tracker_id", "state", "status_changed_at")
    named = {"accountToken": other["accountToken"], "vendorKey": "0001"}
    for which in (package, both[there][1]):
        wanted = {
            "secureToken": {}, "getUser": {"code": which}, "getMembershipStatus": {"code": which},
            "setTracker": {"code": which, "trackerName": NURSING},
            "setMembershipStatus": {"code": which, "status": "archive"},
        }  # fmt: skip
        for method, more in wanted.items():
            answer = call(session, method, named | more)[1]
            assert code(answer) in ("STUDENT_UNKNOWN", "PACKAGE_UNKNOWN"), (method, answer)
    for method in ("getPackageCounts", "createUser"):
        values = {"code": both[there][1]} | ANA | {"registrationCode": both[there][1], "vendorKey": "0003"}
        assert code(call(session, method, values)[1]) == "PACKAGE_UNKNOWN"
    rows = call(session, "getPackageCounts", {"code": package})[1]["packageDetails"]
    assert [row["vendorKey"] for row in rows] == ["0002"]
    assert (
        seen_in(both[there][2], Membership, "student_id", "tracker_id", "state", "status_changed_at")
        == before
    )
    assert len(people_of(both[there])) == 1


def test_a_nonce_used_in_the_one_is_fresh_in_the_other(both):
    nonce = a_nonce()
    for side in both.values():
        asked = call(side[0], "getPackageCounts", {"code": side[1]}, nonce=nonce)
        assert asked == (200, {"packageDetails": []})


def test_a_student_of_the_demo_signs_in_to_the_demo(both, client):
    token = made(both["demo"])["secureToken"]
    answer = client.post(f"/sso/{token}", follow=True)
    assert answer.status_code == 200
    assert client.session["institution"] == str(both["demo"][2])


def test_a_tracker_set_in_the_demo_is_judged_by_the_rules_that_were_copied(both):
    session, package, twin = both["demo"]
    named = {"accountToken": made(both["demo"])["accountToken"], "vendorKey": "0001", "code": package}
    assert call(session, "setTracker", named | {"trackerName": NURSING})[1] == {"setSuccessfully": True}
    with institution_scope(twin):
        judged(Institution.objects.get())
    rows = call(session, "getPackageCounts", {"code": package})[1]["packageDetails"]
    assert [(row["numItems"], row["trackerName"]) for row in rows] == [(1, NURSING)]
