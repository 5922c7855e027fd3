"""One school with something of everything, judged by real rules: what every report must be able to show."""

import datetime

from pratique.compliance.actions import note_day
from pratique.rules import preset
from tests.integration.reports.population import (
    NOW,
    TODAY,
    School,
    a_school,
    answers,
    dose,
    exemption,
    paper,
    titer,
)

BORN = datetime.date(2005, 4, 3)
GRADUATE = "Graduate - Fall 2026"
_COMPLETE_MMR = (("03", "2006-05-01"), ("03", "2010-05-01"))


def a_seeded_school(slug: str = "ours", *, students: int = 8) -> School:
    """Return a school of so many students, each in the next of eight situations, and one who is archived."""
    school = a_school(slug, requirements=tuple(preset("demo")))
    for number in range(students):
        _STUDENTS[number % len(_STUDENTS)](school, f"{slug}-student{number:03}")
    gone = school.student(f"{slug}-gone", state="archive", last_name="Gone", date_of_birth=BORN)
    school.hand_in(gone, dose("03", "2006-05-01"), exemption("religious"), titer("measles", "positive"))
    school.judge()
    for days in (1, 0):
        note_day(institution=school.institution, today=TODAY - datetime.timedelta(days=days), now=NOW)
    school.roster_import({"outcome": "created", "username": f"{slug}-student000"})
    return school


def _vaccinated(school, username):
    membership = school.student(
        username,
        last_name=username,
        first_name="Ana",
        date_of_birth=BORN,
        on_campus=True,
        attributes={"grade": "12"},
    )
    school.hand_in(
        membership,
        *(dose(cvx, on, product="M-M-R II", lot="A1") for cvx, on in _COMPLETE_MMR),
        dose("115", "2017-05-01", precision="month"), dose("21", "2006-05-01"), dose("21", "2010-05-01"),
        answers("tb_questionnaire", {"tb_risk": False}), paper("physical_exam", "2026-01-10"),
    )  # fmt: skip


def _exempt(school, username):
    membership = school.student(username, last_name=username, date_of_birth=BORN, on_campus=False)
    school.hand_in(membership, exemption("medical", "mmr", ends="2026-09-20"), exemption("religious", "tdap"))


def _by_titer(school, username):
    membership = school.student(username, tracker=GRADUATE, last_name=username, date_of_birth=BORN)
    school.hand_in(
        membership,
        *(titer(one, "positive", value="2.4", unit="index") for one in ("measles", "mumps", "rubella")),
        titer("varicella", "negative"),
    )


def _waiting(school, username):
    membership = school.student(username, last_name=username, date_of_birth=BORN)
    school.hand_in(membership, *(dose(cvx, on, "pending") for cvx, on in _COMPLETE_MMR))


def _at_risk_of_tb(school, username):
    membership = school.student(username, last_name=username, date_of_birth=BORN)
    school.hand_in(
        membership, answers("tb_questionnaire", {"tb_risk": True}), paper("tb_test", "2026-06-01", "pending"),
        titer("igra", "negative", "2026-06-01"), paper("chest_x_ray", "2026-06-02"),
    )  # fmt: skip


def _lapsed(school, username):
    membership = school.student(username, last_name=username, date_of_birth=BORN)
    school.hand_in(membership, dose("115", "2016-05-02"), paper("physical_exam", "2025-01-10"))


def _returned(school, username):
    membership = school.student(username, last_name=username, date_of_birth=BORN)
    school.hand_in(membership, dose("03", "2006-05-01", "rejected", rejection_reason="Cannot be read"))


def _nothing(school, username):
    school.student(username, tracker=None, last_name=username)


_STUDENTS = (
    _vaccinated, _exempt, _by_titer, _waiting, _at_risk_of_tb, _lapsed, _returned, _nothing,
)  # fmt: skip
