"""The outbreak list, as a truth table: what is on record of a student, and how they stand for one disease."""

import datetime

import pytest

from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Package
from pratique.reports import queries
from pratique.rules import preset
from tests.integration.reports.population import NOW, a_school, dose, exemption, titer
from tests.integration.reports.seeded import BORN
from tests.integration.reports.test_tables import rows_of

pytestmark = pytest.mark.django_db
MMR = next(one for one in preset("demo") if one["key"] == "mmr")
FLU = {
    "key": "flu", "name": "Influenza",
    "rule": {"kind": "recent", "of": "dose", "name": "Influenza", "cvx": ["150"], "window": {"since_day": "08-01"}},
}  # fmt: skip
FIRST, SECOND, TOO_SOON = dose("03", "2006-05-01"), dose("03", "2010-05-01"), dose("03", "2006-05-10")
# Nothing asks those on no tracker: then evidence alone decides.
ASKED, NOT_ASKED = "Nursing - Fall 2026", None
CASES = {
    "two doses that the rule accepts": (ASKED, [FIRST, SECOND], "immune"),
    "two doses, the second too soon": (ASKED, [FIRST, TOO_SOON], "in_process"),
    "one dose": (ASKED, [FIRST], "in_process"),
    "the second dose awaits review": (ASKED, [FIRST, dose("03", "2010-05-01", "pending")], "in_process"),
    "a first dose awaits review": (ASKED, [dose("03", "2010-05-01", "pending")], "in_process"),
    "a dose was turned down": (ASKED, [dose("03", "2010-05-01", "rejected")], "susceptible"),
    "positive titer for this disease alone": (ASKED, [titer("measles", "positive")], "immune"),
    "positive titer awaits review": (ASKED, [titer("measles", "positive", state="pending")], "in_process"),
    "positive titer for another disease": (ASKED, [titer("mumps", "positive")], "susceptible"),
    "negative titer": (ASKED, [titer("measles", "negative")], "susceptible"),
    "equivocal titer and one dose": (ASKED, [titer("measles", "equivocal"), FIRST], "susceptible"),
    "negative titer, two doses since": (ASKED, [titer("measles", "negative"), FIRST, SECOND], "immune"),
    "the newer of two titers counts": (
        ASKED, [titer("measles", "positive", "2020-01-01"), titer("measles", "negative", "2026-01-01")], "susceptible",
    ),
    "exempt": (ASKED, [exemption("medical", "mmr", ends="2026-12-31")], "exempt"),
    "exempt from everything": (ASKED, [exemption("religious")], "exempt"),
    "exempt from something else": (ASKED, [exemption("medical", "tdap")], "susceptible"),
    "exempt, and one dose": (ASKED, [exemption("medical", "mmr"), FIRST], "exempt"),
    "exempt, and a positive titer": (ASKED, [exemption("medical"), titer("measles", "positive")], "immune"),
    "exemption ended": (ASKED, [exemption("medical", "mmr", ends="2026-08-31")], "susceptible"),
    "exemption awaits review": (ASKED, [exemption("medical", "mmr", state="pending")], "in_process"),
    "exemption of a kind not accepted": (ASKED, [exemption("philosophical", "mmr")], "susceptible"),
    "nothing on record": (ASKED, [], "susceptible"),
    "not asked, two doses": (NOT_ASKED, [FIRST, SECOND], "immune"),
    "not asked, two records of one dose": (NOT_ASKED, [FIRST, dose("94", "2006-05-01")], "in_process"),
    "not asked, one dose": (NOT_ASKED, [FIRST], "in_process"),
    "not asked, exempt from everything": (NOT_ASKED, [exemption("religious")], "exempt"),
    "not asked, exemption of tomorrow": (NOT_ASKED, [exemption("religious", granted="2026-09-02")], "unknown"),
    "not asked, doses of another vaccine": (NOT_ASKED, [dose("21", "2006-05-01")], "unknown"),
    "not asked, nothing on record": (NOT_ASKED, [], "unknown"),
}  # fmt: skip


def test_measles_as_a_truth_table():
    school = a_school(requirements=(MMR,))
    for name, (tracker, pieces, _standing) in CASES.items():
        school.hand_in(school.student(name, tracker=tracker, date_of_birth=BORN), *pieces)
    school.hand_in(school.student("born before 1957", date_of_birth=datetime.date(1956, 12, 31)))
    school.judge()
    found = {
        row["username"]: row["standing"] for row in rows_of(school, "immunity-roster", disease="measles")
    }
    expected = {name: standing for name, (_tracker, _pieces, standing) in CASES.items()}
    assert found == expected | {"born before 1957": "immune"}
    with institution_scope(school.id):
        chart = queries.chart("immunity-roster", {"disease": "measles"}, now=NOW)
    counted = [
        list(expected.values()).count(one) for one in ("susceptible", "unknown", "exempt", "in_process")
    ]
    assert list(chart.series[0].values)[:4] == counted
    assert f"{counted[0]} susceptible" in chart.summary


@pytest.mark.parametrize(
    ("tracker", "given", "standing"),
    [
        pytest.param(ASKED, ["2026-08-20"], "immune", id="this season's dose"),
        pytest.param(
            ASKED, ["2025-10-01"], "susceptible", id="last season's dose, where this one's is asked"
        ),
        pytest.param(NOT_ASKED, ["2025-10-01"], "immune", id="not asked, a dose of the last twelve months"),
        pytest.param(NOT_ASKED, ["2024-10-01"], "susceptible", id="not asked, a dose of long ago"),
    ],
)
def test_what_wears_off(tracker, given, standing):
    school = a_school(requirements=(FLU,))
    school.hand_in(school.student("a", tracker=tracker), *(dose("150", on) for on in given))
    school.judge()
    (row,) = rows_of(school, "immunity-roster", disease="influenza")
    assert (row["standing"], row["last_dose_on"].isoformat()) == (standing, given[0])


def test_the_evidence_stands_beside_and_a_student_on_two_packages_is_one_row():
    school = a_school(requirements=(MMR,))
    membership = school.student("two", date_of_birth=BORN, email="two@x.edu", on_campus=True)
    with institution_scope(school.id):
        other = Package.objects.create(institution=school.institution, code="OTHER", name="Other")
        membership.pk, membership.package, membership.tracker = None, other, None
        membership.id = type(membership)._meta.pk.get_default()
        membership.save(force_insert=True)
    school.hand_in(
        membership, FIRST, titer("measles", "negative", "2026-02-01"),
        exemption("medical", "mmr", ends="2026-12-31"),
    )  # fmt: skip
    school.judge()
    (row,) = rows_of(school, "immunity-roster", disease="measles")
    assert (row["standing"], row["doses"], row["titer"], row["exemption"]) == (
        "exempt",
        1,
        "negative",
        "medical",
    )
    assert row["titer_on"] == datetime.date(2026, 2, 1)
    assert row["exemption_ends_on"] == datetime.date(2026, 12, 31)
    assert (row["email"], row["on_campus"]) == ("two@x.edu", True)
    assert rows_of(school, "immunity-roster", disease="measles", standing="immune") == []
    assert len(rows_of(school, "immunity-roster", disease="measles", package="OTHER")) == 1
    with institution_scope(school.id), pytest.raises(queries.InvalidParametersError, match="Disease"):
        queries.checked_parameters("immunity-roster", {})
