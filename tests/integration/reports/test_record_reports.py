"""Reports about what is on record: doses, titers, TB screening."""

import datetime

import pytest

from pratique.accounts.models import User
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Package
from pratique.reports import queries
from pratique.rules import preset
from pratique.students.models import Membership
from tests.integration.reports.population import NOW, a_school, answers, dose, paper, titer
from tests.integration.reports.seeded import BORN, GRADUATE
from tests.integration.reports.test_tables import rows_of

pytestmark = pytest.mark.django_db
TB = next(one for one in preset("demo") if one["key"] == "tb_screening")
FOOTBALL = {"key": "football", "name": "Football", "rule": {"kind": "document", "document": "football_exam"}}


def test_a_dose_is_one_row_with_its_name_its_precision_and_its_reviewer():
    school = a_school()
    membership = school.student("ana", last_name="Ng")
    nurse = new_id()
    with institution_scope(school.id):
        User.objects.create(
            id=nurse, institution=school.institution, username="nurse", name="Rosa Delgado, RN", role="reviewer",
            created_at=NOW,
        )  # fmt: skip
        other = Package.objects.create(institution=school.institution, code="OTHER", name="Other")
        Membership.objects.create(
            institution=school.institution, student_id=membership.student_id, package=other, created_at=NOW
        )
    reviewed = dose("03", "2006-05-01", product="M-M-R II", lot="=A1", source="import")
    reviewed.reviewed_by = f"staff:{nurse}"
    school.hand_in(membership, reviewed, dose("115", "2017-05-01", "pending", precision="month"))
    school.hand_in(school.student("gone", state="archive"), dose("03", "2006-05-01"))
    mmr, tdap = rows_of(school, "doses", sort="cvx")
    assert (mmr["cvx"], mmr["vaccine"], mmr["product"], mmr["lot"]) == ("03", "MMR", "M-M-R II", "=A1")
    assert (mmr["reviewer"], mmr["source"], mmr["review"]) == ("Rosa Delgado, RN", "import", "approved")
    assert (tdap["administered_on"], tdap["precision"]) == (datetime.date(2017, 5, 1), "month")
    assert (tdap["reviewer"], tdap["reviewed_at"], tdap["vaccine"]) == (None, None, "Tdap")
    with institution_scope(school.id):
        assert queries.chart("doses", {}, now=NOW).summary.startswith("3 doses. Most often: MMR")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param({"vaccine": "MMR"}, ["03", "94"], id="a combined vaccine counts for each of its groups"),
        pytest.param({"vaccine": ["VARICELLA", "TDAP"]}, ["115", "94"], id="two vaccines"),
        pytest.param({"given_from": "2010-01-01", "given_to": "2012-01-01"}, ["94"], id="given between"),
        pytest.param({"review": "pending"}, ["115"], id="awaits review"),
        pytest.param({"tracker": GRADUATE}, [], id="of another tracker"),
        pytest.param({"handed_in_from": "2026-09-02"}, [], id="handed in since"),
    ],
)
def test_filters_of_doses(raw, found):
    school = a_school()
    school.hand_in(
        school.student("a"),
        dose("03", "2006-05-01"),
        dose("94", "2011-05-01"),
        dose("115", "2017-05-01", "pending"),
    )
    assert sorted(row["cvx"] for row in rows_of(school, "doses", **raw)) == found


def test_titers():
    school = a_school()
    school.hand_in(
        school.student("a"),
        titer("measles", "positive", "2026-02-01", value=">300", unit="AU/mL"),
        titer("hepatitis_b", "negative", "2026-03-01"),
        titer("hepatitis_b", "equivocal", "2026-04-01", "pending"),
    )
    first, *others = rows_of(school, "titers", sort="collected_on")
    assert (first["antibody"], first["result"], first["value"], first["unit"]) == (
        "Measles",
        "positive",
        ">300",
        "AU/mL",
    )
    assert [row["antibody"] for row in others] == ["Hepatitis B", "Hepatitis B"]
    assert [row["result"] for row in rows_of(school, "titers", result=["negative"], review="approved")] == [
        "negative"
    ]
    with institution_scope(school.id):
        assert (
            queries.chart("titers", {}, now=NOW).summary == "3 titers: 1 positive, 1 negative, 1 equivocal."
        )


TB_CASES = {
    # name: (evidence, status, risk, result, test document of, X-ray of)
    "no risk": ([answers("tb_questionnaire", {"tb_risk": False})], "approved", "no", None, None, None),
    "at risk, tested": (
        [answers("tb_questionnaire", {"tb_risk": True}), paper("tb_test", "2026-06-01"),
         titer("igra", "negative", "2026-06-01")],
        "approved", "yes", "negative", "2026-06-01", None,
    ),
    "at risk, positive, X-ray": (
        [answers("tb_questionnaire", {"tb_risk": True}), titer("quantiferon-gold", "positive", "2026-06-01"),
         paper("chest_x_ray", "2026-06-05")],
        "incomplete", "yes", "positive", None, "2026-06-05",
    ),
    "answered again": (
        [answers("tb_questionnaire", {"tb_risk": False}, "2025-01-01"),
         answers("tb_questionnaire", {"tb_risk": True}, "2026-01-01")],
        "incomplete", "yes", None, None, None,
    ),
    "turned down": ([answers("tb_questionnaire", {"tb_risk": False}, state="rejected")],
                    "rejected", "unknown", None, None, None),
    "other papers": ([paper("football_exam", "2026-01-01"), titer("tbe", "positive")],
                     "incomplete", "unknown", None, None, None),
    "nothing": ([], "incomplete", "unknown", None, None, None),
}  # fmt: skip


def test_tb_screening_as_a_truth_table():
    school = a_school(requirements=(TB, FOOTBALL))
    for name, (pieces, *_expected) in TB_CASES.items():
        school.hand_in(school.student(name, date_of_birth=BORN), *pieces)
    school.student("on no tracker", tracker=None)
    school.judge()
    found = {
        row["username"]: (row["status"], row["risk"], row["result"], *(
            row[one].isoformat() if row[one] else None for one in ("test_paper_on", "x_ray_on")
        ))
        for row in rows_of(school, "tb-screening")
    }  # fmt: skip
    assert found == {name: tuple(expected) for name, (_pieces, *expected) in TB_CASES.items()}
    assert [row["username"] for row in rows_of(school, "tb-screening", risk="no")] == ["no risk"]
    assert len(rows_of(school, "tb-screening", risk=["yes"], status="incomplete")) == 2
    with institution_scope(school.id):
        summary = queries.chart("tb-screening", {}, now=NOW).summary
    assert summary == "7 students: 4 incomplete, 2 approved, 1 rejected."
