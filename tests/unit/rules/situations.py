"""Situations in words: a requirement, one student's evidence, a day, and what must come out.

`test_situations.py` judges them; `test_sentences.py` proves with them that every reason code occurs.
"""

from datetime import UTC, date, datetime
from typing import NamedTuple

from pratique.rules import (
    Document,
    Dose,
    Evidence,
    Exemption,
    FormAnswer,
    Requirement,
    StudentFacts,
    Titer,
    requirement_from_data,
)

BORN = date(2005, 1, 15)
TODAY = date(2026, 9, 1)
TERM = date(2026, 8, 20)
FACTS = StudentFacts(BORN, True, {}, "UG", "Fall 2026", TERM, date(2026, 8, 1))

MMR = {
    "kind": "series", "vaccine": "MMR", "cvx": ["03", "94"], "doses": 2,
    "min_age": ["P12M", "P13M"], "min_interval": ["P28D"],
}  # fmt: skip
ONE = {"kind": "series", "vaccine": "MMR", "cvx": ["03"], "doses": 1}
TITER = {"kind": "titer", "antibodies": ["measles"]}
EXAM = {"kind": "document", "document": "physical_exam"}
FORM = {"kind": "form", "form": "tb_questionnaire"}
LAST_YEAR = {"within": "P12M"}
MEDICAL = {"exemption": "medical", "needs_document": True}
MEDICAL_RULE = {"kind": "exemption", **MEDICAL}
BORN_BEFORE_1957 = {"kind": "condition", "condition": {"kind": "born", "before": "1957-01-01"}}


class Situation(NamedTuple):
    """What must come out: the status ("does not apply" where it does not) and the codes in order."""

    words: str
    requirement: Requirement
    evidence: Evidence
    status: str
    codes: str
    facts: StudentFacts = FACTS
    on_date: date = TODAY
    finding_codes: str = ""
    next_action_on: date | None = None


def rule(data, **more):
    return requirement_from_data({"key": "mmr", "name": "MMR", "rule": data, **more})


def series(**changes):
    return {**ONE, **changes}


def at(hour):
    return datetime(2026, 8, 1, hour, tzinfo=UTC)


def dose(day, cvx="03", state="approved", came=None, name=""):
    return Dose(name or f"{cvx} {day}", cvx, date.fromisoformat(day), state, came)


def roughly(when, cvx="03", state="approved", came=None):
    """Make a dose of a month ("2006-03") or a year ("2006")."""
    precision = "month" if "-" in when else "year"
    first = date.fromisoformat((when + "-01-01")[:10])
    return Dose(f"{cvx} {when}", cvx, first, state, came, precision=precision)


def doses(*days, cvx="03"):
    return Evidence(doses=tuple(dose(day, cvx) for day in days))


def given(*items):
    """Sort evidence of all kinds into its places."""
    kinds = (Dose, Titer, Document, FormAnswer, Exemption)
    return Evidence(*(tuple(item for item in items if isinstance(item, kind)) for kind in kinds))


def titer(result="positive", day="2026-01-01", state="approved", antibody="measles"):
    return Titer(f"{antibody} {day} {result}", antibody, result, date.fromisoformat(day), state)


def paper(day="2026-01-01", state="approved", kind="physical_exam"):
    return Document(f"{kind} {day}", kind, day and date.fromisoformat(day), state)


def form(answers=None, signed="2026-08-01", state="approved", came=None):
    signed_on = date.fromisoformat(signed) if signed else None
    return FormAnswer(f"form {signed} {came}", "tb_questionnaire", answers or {}, signed_on, state, came)


def exemption(kind="medical", granted="2026-01-01", until=None, document=True, state="approved", key="mmr"):
    granted_on, expires_on = (day and date.fromisoformat(day) for day in (granted, until))
    return Exemption(f"{kind} {granted}", kind, key, granted_on, expires_on, document, state)


def S(words, rule_data, evidence, status, codes, **more):
    requirement = rule_data if isinstance(rule_data, Requirement) else rule(rule_data)
    return Situation(words, requirement, evidence, status, codes, **more)


NO_BIRTH = FACTS._replace(date_of_birth=None)

SERIES = [
    S("two doses four weeks apart after the first birthday", MMR, doses("2006-02-01", "2006-03-01"),
      "approved", "doses_count"),
    S("nothing handed in", MMR, Evidence(), "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("doses of another vaccine say nothing", MMR, doses("2006-02-01", "2006-03-01", cvx="21"),
      "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("first dose four days before the first birthday is inside the grace", MMR,
      doses("2006-01-11", "2006-03-01"), "approved", "doses_count"),
    S("first dose five days before the first birthday is not, and the second becomes the first", MMR,
      doses("2006-01-10", "2006-03-01"), "incomplete", "dose_missing",
      finding_codes="dose_before_age", next_action_on=date(2006, 3, 29)),
    S("the only dose was too early for the age", MMR, doses("2006-01-10"),
      "incomplete", "dose_before_age doses_short", finding_codes="dose_before_age",
      next_action_on=date(2006, 1, 15)),
    S("second dose 24 days after the first is inside the grace", MMR, doses("2006-03-01", "2006-03-25"),
      "approved", "doses_count"),
    S("second dose 23 days after the first is not", MMR, doses("2006-03-01", "2006-03-24"),
      "incomplete", "dose_too_soon doses_short", finding_codes="dose_too_soon",
      next_action_on=date(2006, 3, 29)),
    S("a third dose takes the number of one too soon", MMR, doses("2006-03-01", "2006-03-24", "2010-01-01"),
      "approved", "doses_count", finding_codes="dose_too_soon"),
    S("the next dose may be given later", MMR, doses("2026-08-20"), "incomplete", "dose_possible_from",
      next_action_on=date(2026, 9, 17)),
    S("the same dose reported twice counts once", MMR,
      Evidence((dose("2006-03-01"), dose("2006-03-01", "94"))),
      "incomplete", "dose_missing", finding_codes="dose_duplicate", next_action_on=date(2006, 3, 29)),
    S("a third dose is more than was needed", MMR, doses("2006-03-01", "2010-01-01", "2011-01-01"),
      "approved", "doses_count", finding_codes="dose_not_needed"),
    S("a dose dated in the future waits for its day", MMR, doses("2006-03-01", "2026-09-02"),
      "incomplete", "dose_missing", finding_codes="dose_in_future", next_action_on=date(2006, 3, 29)),
    S("a dose dated before birth", ONE, doses("2004-12-31"), "incomplete", "dose_before_birth doses_short",
      finding_codes="dose_before_birth"),
    S("date of birth missing where an age is asked", MMR, doses("2006-03-01"),
      "incomplete", "dose_age_unknown doses_short date_of_birth_missing", facts=NO_BIRTH,
      finding_codes="dose_age_unknown"),
    S("date of birth missing where none is asked", ONE, doses("2006-03-01"), "approved", "doses_count",
      facts=NO_BIRTH),
    S("one month after January 31 is March 1", series(doses=2, min_interval=["P1M"], grace_interval_days=0),
      doses("2006-01-31", "2006-02-28"), "incomplete", "dose_too_soon doses_short",
      finding_codes="dose_too_soon", next_action_on=date(2006, 3, 1)),
    S("live measles vaccine of 1968 counts", series(earliest="1968-01-01"), doses("1968-01-01"),
      "approved", "doses_count", facts=FACTS._replace(date_of_birth=date(1960, 1, 1))),
    S("measles vaccine of 1967 does not (vector 13)", series(earliest="1968-01-01"), doses("1967-12-31"),
      "incomplete", "dose_before_earliest doses_short", finding_codes="dose_before_earliest",
      facts=FACTS._replace(date_of_birth=date(1960, 1, 1)), next_action_on=date(1968, 1, 1)),
    S("a dose after the last date of a schedule", series(latest="2020-01-01"), doses("2020-01-02"),
      "incomplete", "dose_after_latest doses_short", finding_codes="dose_after_latest"),
    S("third dose too soon after the first", series(doses=3, min_interval_from_first=[None, "P16W"]),
      doses("2020-01-01", "2020-02-01", "2020-03-01"), "incomplete", "dose_too_soon_after_first doses_short",
      finding_codes="dose_too_soon_after_first", next_action_on=date(2020, 4, 22)),
    S("a product that is not accepted for this dose", series(cvx=["115", "09"], products=[["115"]]),
      doses("2020-01-01", cvx="09"), "incomplete", "dose_wrong_product doses_short",
      finding_codes="dose_wrong_product"),
    S("two brands mixed", series(doses=2, cvx=["162", "163"], same_brand=True),
      Evidence((dose("2020-01-01", "162"), dose("2020-06-01", "163"))),
      "incomplete", "dose_missing", finding_codes="dose_other_brand"),
    S("two of one brand among others", series(doses=2, cvx=["162", "163"], same_brand=True),
      Evidence((dose("2020-01-01", "162"), dose("2020-06-01", "163"), dose("2020-09-01", "163"))),
      "approved", "doses_count", finding_codes="dose_other_brand"),
    S("Penbraya is one brand with Trumenba", series(doses=2, cvx=["162", "163", "316"],
      same_brand=[["162", "316"], ["163"]]),
      Evidence((dose("2020-01-01", "162"), dose("2024-06-01", "316"))), "approved", "doses_count"),
]  # fmt: skip

LIVE = {"live_conflict": {"cvx": ["03", "21", "94"]}}
LIVE_CONFLICT = [
    S("varicella 27 days after MMR (vector 6)", series(vaccine="Varicella", cvx=["21"], **LIVE),
      Evidence((dose("2006-03-01"), dose("2006-03-28", "21"))),
      "incomplete", "dose_near_live_dose doses_short", finding_codes="dose_near_live_dose",
      next_action_on=date(2006, 3, 29)),
    S("varicella 28 days after MMR", series(vaccine="Varicella", cvx=["21"], **LIVE),
      Evidence((dose("2006-03-01"), dose("2006-03-29", "21"))), "approved", "doses_count"),
    S("varicella on the day of MMR", series(vaccine="Varicella", cvx=["21"], **LIVE),
      Evidence((dose("2006-03-01"), dose("2006-03-01", "21"))), "approved", "doses_count"),
    S("second MMR 24 days after the first (vector 6)", {**MMR, **LIVE}, doses("2006-03-01", "2006-03-25"),
      "approved", "doses_count"),
    S("an unreviewed live dose is not in the way yet", series(vaccine="Varicella", cvx=["21"], **LIVE),
      Evidence((dose("2006-03-01", state="pending"), dose("2006-03-28", "21"))), "approved", "doses_count"),
]  # fmt: skip

TEXAS = series(window={"within": "P5Y", "at_least_before": "P10D", "of": "term_start"})
BOOSTER = series(booster_every="P10Y", min_age=["P11Y"])
TIME = [
    S("Texas: a dose five years and a day before term (vector 1)", TEXAS, doses("2021-08-19"),
      "incomplete", "last_dose_too_old", next_action_on=None),
    S("Texas: a dose exactly five years before term", TEXAS, doses("2021-08-20"), "approved", "doses_count"),
    S("Texas: a dose nine days before term (vector 3)", TEXAS, doses("2026-08-11"),
      "incomplete", "last_dose_too_late"),
    S("Texas: a dose ten days before term", TEXAS, doses("2026-08-10"), "approved", "doses_count"),
    S("Texas: the first day of term is not known", TEXAS, doses("2026-08-10"),
      "incomplete", "window_unknown", facts=FACTS._replace(term_starts_on=None)),
    S("a booster after ten years is overdue the day after", BOOSTER, doses("2016-08-31"),
      "expired", "booster_overdue", next_action_on=TODAY),
    S("on the tenth anniversary it is not overdue", BOOSTER, doses("2016-09-01"),
      "approved", "doses_count good_through", next_action_on=date(2026, 9, 2)),
    S("a booster in between starts another ten years", BOOSTER, doses("2016-02-01", "2020-05-01"),
      "approved", "doses_count good_through", next_action_on=date(2030, 5, 2)),
    S("a booster of a series that never was complete is no lapse", series(doses=2, booster_every="P10Y"),
      doses("2010-01-01"), "incomplete", "dose_missing"),
    S("flu dose of last season", {"kind": "recent", "of": "dose", "name": "Influenza", "cvx": ["150"],
      "window": {"since_day": "08-01"}}, doses("2025-10-01", cvx="150"),
      "expired", "last_dose_lapsed", next_action_on=date(2026, 8, 1)),
    S("flu dose of this season", {"kind": "recent", "of": "dose", "name": "Influenza", "cvx": ["150"],
      "window": {"since_day": "08-01"}}, doses("2026-08-01", cvx="150"),
      "approved", "doses_count good_through", next_action_on=date(2027, 8, 1)),
    S("dose on the 16th birthday", series(window={"since_age": "P16Y"}), doses("2021-01-15"),
      "approved", "doses_count"),
    S("dose on the eve of the 16th birthday", series(window={"since_age": "P16Y"}), doses("2021-01-14"),
      "incomplete", "last_dose_too_old", next_action_on=date(2021, 1, 15)),
]  # fmt: skip

_2021 = "2024-10-24"
_BEXSERO = {"kind": "any_of", "rules": [
    series(vaccine="MenB", cvx=["163"], doses=2, min_interval=["P28D"], latest=_2021),
    series(vaccine="MenB", cvx=["163"], doses=2, min_interval=["P6M"]),
    series(vaccine="MenB", cvx=["163"], doses=3, min_interval=["P28D", "P4M"],
    min_interval_from_first=[None, "P6M"]),
]}  # fmt: skip
_CHILD = series(vaccine="Varicella", cvx=["21"], doses=2, min_age=["P12M"], min_interval=["P28D"],
                grace_interval_days=0)  # fmt: skip
VECTORS = [
    S("Oregon: measles doses 24 days apart (vector 7)", series(doses=2, min_interval=["P24D"],
      grace_interval_days=0), doses("2006-03-01", "2006-03-25"), "approved", "doses_count"),
    S("Oregon: measles doses 23 days apart (vector 7)", series(doses=2, min_interval=["P24D"],
      grace_interval_days=0), doses("2006-03-01", "2006-03-24"), "incomplete", "dose_too_soon doses_short",
      finding_codes="dose_too_soon", next_action_on=date(2006, 3, 25)),
    S("Bexsero 31 days apart in 2021 (vector 11)", _BEXSERO, doses("2021-03-01", "2021-04-01", cvx="163"),
      "approved", "doses_count"),
    S("Bexsero 31 days apart in 2025 needs a third, four months on (vector 11)", _BEXSERO,
      doses("2025-03-01", "2025-04-01", cvx="163"), "incomplete", "dose_missing or_doses or_doses",
      next_action_on=date(2025, 9, 1)),
    S("child: varicella 28 days apart from the first birthday (vector 12b)", _CHILD,
      doses("2006-01-15", "2006-02-12", cvx="21"), "approved", "doses_count"),
    S("child: varicella 27 days apart (vector 12b)", _CHILD, doses("2006-01-15", "2006-02-11", cvx="21"),
      "incomplete", "dose_too_soon doses_short", finding_codes="dose_too_soon",
      next_action_on=date(2006, 2, 12)),
    S("Minnesota: high school of 1998 in the state (vector 14)", rule(ONE, condition={"kind": "not", "of": {
        "kind": "and", "of": [{"kind": "attribute", "name": "hs_state", "equals": "MN"},
                              {"kind": "attribute", "name": "hs_grad_year", "at_least": 1997}]}}),
      Evidence(), "does not apply", "does_not_apply",
      facts=FACTS._replace(attributes={"hs_state": "MN", "hs_grad_year": 1998})),
    S("New York: five credits (vector 9)", rule(ONE, condition={"kind": "attribute", "name": "credits",
      "at_least": 6}), Evidence(), "does not apply", "does_not_apply",
      facts=FACTS._replace(attributes={"credits": 5})),
    S("New York: six credits (vector 9)", rule(ONE, condition={"kind": "attribute", "name": "credits",
      "at_least": 6}), Evidence(), "incomplete", "dose_missing",
      facts=FACTS._replace(attributes={"credits": 6})),
    S("Ohio: answering not vaccinated is enough (vector 15)", {**FORM, "questions": ["vaccinated"]},
      given(form({"vaccinated": "no"})), "approved", "form_accepted"),
    S("Texas: 22 on the day after term starts is still under 22 (vector 1)", rule(ONE, condition={
        "kind": "age", "at": "term_start", "below": "P22Y"}), Evidence(), "incomplete", "dose_missing",
      facts=FACTS._replace(date_of_birth=date(2004, 8, 21))),
    S("Texas: 22 on the first day of term is not", rule(ONE, condition={
        "kind": "age", "at": "term_start", "below": "P22Y"}), Evidence(), "does not apply", "does_not_apply",
      facts=FACTS._replace(date_of_birth=date(2004, 8, 20))),
]  # fmt: skip

PAPERS = [
    S("a document of the kind", EXAM, given(paper()), "approved", "document_accepted"),
    S("an undated document where no date matters", EXAM, given(paper(None)), "approved", "document_accepted"),
    S("a document of another kind", EXAM, given(paper(kind="letter")), "incomplete", "document_missing"),
    S("a document one year old to the day", {**EXAM, "window": LAST_YEAR}, given(paper("2025-09-01")),
      "approved", "document_accepted good_through", next_action_on=date(2026, 9, 2)),
    S("a document one year and a day old", {**EXAM, "window": LAST_YEAR}, given(paper("2025-08-31")),
      "expired", "document_lapsed", next_action_on=TODAY),
    S("an undated document where the date matters", {**EXAM, "window": LAST_YEAR}, given(paper(None)),
      "incomplete", "document_undated"),
    S("a document dated in the future", {**EXAM, "window": LAST_YEAR}, given(paper("2026-09-02")),
      "incomplete", "document_in_future"),
    S("a document from before the date asked", {**EXAM, "window": {"since": "2026-07-01"}},
      given(paper("2026-06-30")),
      "incomplete", "document_too_old", next_action_on=date(2026, 7, 1)),
    S("a document later than asked", {**EXAM, "window": {"at_least_before": "P1D", "of": "due"}},
      given(paper("2026-08-01")), "incomplete", "document_too_late"),
    S("the 16th birthday cannot be told", {**EXAM, "window": {"since_age": "P16Y"}}, given(paper()),
      "incomplete", "date_of_birth_missing", facts=NO_BIRTH),
    S("an old document from before the date asked is too old, not lapsed",
      {**EXAM, "window": {"since": "2020-01-01", "within": "P12M"}}, given(paper("2019-06-01")),
      "incomplete", "document_too_old", next_action_on=date(2020, 1, 1)),
    S("a form answered", {**FORM, "questions": ["risk"]}, given(form({"risk": False})),
      "approved", "form_accepted"),
    S("a form never handed in", FORM, Evidence(), "incomplete", "form_missing"),
    S("a question left out", {**FORM, "questions": ["risk"]}, given(form({"risk": ""})),
      "incomplete", "form_unanswered"),
    S("a consent not given", {**FORM, "consents": ["agree"]}, given(form({"agree": False})),
      "incomplete", "form_consent_missing"),
    S("a form not signed", {**FORM, "signature": True}, given(form(signed=None)),
      "incomplete", "form_unsigned"),
    S("answers that ask for more",
      {**FORM, "answers": {"kind": "attribute", "name": "risk", "equals": False}},
      given(form({"risk": True})), "incomplete", "form_answers_differ"),
    S("the newest answers speak", {**FORM, "questions": ["risk"]},
      given(form({"risk": False}, came=at(1)), form({}, came=at(2))), "incomplete", "form_unanswered"),
    S("a form of last year", {**FORM, "window": LAST_YEAR}, given(form(signed="2025-01-01")),
      "expired", "form_lapsed", next_action_on=date(2026, 1, 2)),
    S("a form signed tomorrow", FORM, given(form(signed="2026-09-02")), "incomplete", "form_in_future"),
    S("a form from before the date asked", {**FORM, "window": {"since": "2026-08-15"}}, given(form()),
      "incomplete", "form_too_old", next_action_on=date(2026, 8, 15)),
    S("a form signed later than asked", {**FORM, "window": {"at_least_before": "P1D", "of": "due"}},
      given(form()), "incomplete", "form_too_late"),
    S("a positive titer", TITER, given(titer()), "approved", "titer_positive"),
    S("no titer", TITER, Evidence(), "incomplete", "titer_missing"),
    S("a negative titer", TITER, given(titer("negative")), "incomplete", "titer_not_positive"),
    S("a newer equivocal titer speaks louder than an older positive one", TITER,
      given(titer(), titer("equivocal", "2026-02-01")), "incomplete", "titer_not_positive"),
    S("one of two antibodies", {"kind": "titer", "antibodies": ["measles", "mumps"]}, given(titer()),
      "incomplete", "titer_missing"),
    S("a titer from the future", TITER, given(titer(day="2026-10-01")), "incomplete", "titer_in_future"),
    S("a titer too old", {**TITER, "window": LAST_YEAR}, given(titer(day="2020-01-01")),
      "expired", "titer_lapsed", next_action_on=date(2021, 1, 2)),
    S("a titer from before the date asked", {**TITER, "window": {"since": "2026-07-01"}}, given(titer()),
      "incomplete", "titer_too_old", next_action_on=date(2026, 7, 1)),
    S("a titer later than asked", {**TITER, "window": {"at_least_before": "P8M", "of": "due"}},
      given(titer()), "incomplete", "titer_too_late"),
]  # fmt: skip

_ACCEPTS = rule(ONE, exemptions=[{**MEDICAL, "validity_months": 12}])
EXEMPTIONS = [
    S("a medical exemption with its document", _ACCEPTS, given(exemption()),
      "approved", "exemption_until", next_action_on=date(2027, 1, 2)),
    S("the earlier of expiry and validity ends it", _ACCEPTS, given(exemption(until="2026-10-01")),
      "approved", "exemption_until", next_action_on=date(2026, 10, 2)),
    S("an exemption without end", rule(ONE, exemptions=[MEDICAL]), given(exemption(granted=None)),
      "approved", "exemption_accepted"),
    S("an exemption that never expires", rule(ONE, exemptions=[MEDICAL]),
      given(exemption(until="9999-12-31")),
      "approved", "exemption_accepted"),
    S("an exemption for any requirement", _ACCEPTS, given(exemption(key="")),
      "approved", "exemption_until", next_action_on=date(2027, 1, 2)),
    S("an exemption for another requirement", _ACCEPTS, given(exemption(key="varicella")),
      "incomplete", "dose_missing"),
    S("an exemption awaiting review", _ACCEPTS, given(exemption(state="pending")),
      "pending", "awaiting_review exemption_until", next_action_on=date(2027, 1, 2)),
    S("an exemption without its document", _ACCEPTS, given(exemption(document=False)),
      "incomplete", "dose_missing exemption_document_missing"),
    S("an exemption without the day it was granted", _ACCEPTS, given(exemption(granted=None)),
      "incomplete", "dose_missing exemption_undated"),
    S("an exemption that ended", _ACCEPTS, given(exemption(granted="2025-08-31")),
      "expired", "dose_missing exemption_lapsed"),
    S("an exemption that begins tomorrow", _ACCEPTS, given(exemption(granted="2026-09-02")),
      "incomplete", "dose_missing exemption_in_future"),
    S("a kind that is not accepted", _ACCEPTS, given(exemption("religious")),
      "incomplete", "dose_missing exemption_kind_not_accepted"),
    S("an exemption as one way of several, not used", {"kind": "any_of", "rules": [MEDICAL_RULE, EXAM]},
      Evidence(), "incomplete", "exemption_missing or_document"),
]  # fmt: skip

_TB = {"kind": "all_of", "rules": [
    {**FORM, "questions": ["risk"]},
    {"kind": "any_of", "rules": [
        {**FORM, "answers": {"kind": "attribute", "name": "risk", "equals": False}},
        {"kind": "document", "document": "tb_test"},
    ]},
]}  # fmt: skip
_PEOPLE = {"kind": "condition", "condition": {"kind": "attribute", "name": "veteran", "equals": True}}
COMBINED = [
    S("TB: no risk, nothing more to do", _TB, given(form({"risk": False})), "approved", "form_accepted"),
    S("TB: a risk asks for a test", _TB, given(form({"risk": True})),
      "incomplete", "form_answers_differ or_document"),
    S("TB: a risk and a test", _TB, given(form({"risk": True}), paper(kind="tb_test")),
      "approved", "form_accepted document_accepted"),
    S("the branch closest to done speaks, the others are named",
      {"kind": "any_of", "rules": [MMR,
      {"kind": "series", "vaccine": "MMRV", "cvx": ["94"], "doses": 1}, TITER,
                                   MEDICAL_RULE, FORM]},
      doses("2006-03-01"), "incomplete", "dose_missing or_doses or_titer or_exemption or_form",
      next_action_on=date(2006, 3, 29)),
    S("of two that hold the one that lasts longer speaks",
      {"kind": "any_of", "rules": [BOOSTER, TITER]}, given(dose("2020-01-01"), titer()),
      "approved", "titer_positive"),
    S("born before 1957 needs no vaccine", {"kind": "any_of", "rules": [BORN_BEFORE_1957, MMR]}, Evidence(),
      "approved", "facts_suffice", facts=FACTS._replace(date_of_birth=date(1956, 12, 31))),
    S("born later needs it, and the other way is not named",
      {"kind": "any_of", "rules": [BORN_BEFORE_1957, MMR]},
      Evidence(), "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("what the student is alone, and is not", BORN_BEFORE_1957, Evidence(),
      "incomplete", "facts_do_not_suffice"),
    S("what the student is alone, and nobody knows", _PEOPLE, Evidence(), "incomplete", "fact_needed"),
    S("an all_of lapses when its only rolling branch does", {"kind": "all_of", "rules": [
        TITER, {**EXAM, "window": LAST_YEAR}]}, given(titer(day="2020-01-01"), paper("2025-08-31")),
      "expired", "document_lapsed", next_action_on=TODAY),
    S("an all_of whose parts never held together did not lapse", {"kind": "all_of", "rules": [
        TITER, {**EXAM, "window": LAST_YEAR}]}, given(titer(day="2026-08-01"), paper("2024-01-01")),
      "incomplete", "document_lapsed", next_action_on=date(2025, 1, 2)),
]  # fmt: skip

PRECEDENCE = [
    S("unknown never lets off: housing is not on record", rule(ONE, condition={"kind": "on_campus"}),
      Evidence(),
      "incomplete", "dose_missing fact_unknown", facts=FACTS._replace(on_campus=None)),
    S("lives off campus", rule(ONE, condition={"kind": "on_campus"}), Evidence(),
      "does not apply", "does_not_apply", facts=FACTS._replace(on_campus=False)),
    S("does not apply beats approved", rule(ONE, condition={"kind": "on_campus"}), doses("2020-01-01"),
      "does not apply", "does_not_apply", facts=FACTS._replace(on_campus=False)),
    S("approved beats pending", ONE, given(dose("2020-01-01"), dose("2021-01-01", state="pending")),
      "approved", "doses_count", finding_codes="dose_awaiting_review"),
    S("approved beats a newer rejection", ONE,
      given(dose("2020-01-01", came=at(1)), dose("2021-01-01", state="rejected", came=at(2))),
      "approved", "doses_count", finding_codes="dose_rejected"),
    S("all handed in, one awaits review", MMR, given(dose("2006-03-01"), dose("2010-01-01", state="pending")),
      "pending", "awaiting_review doses_count", on_date=TODAY),
    S("what awaits review will not be enough", MMR, given(dose("2006-03-01", state="pending")),
      "incomplete", "dose_missing part_awaiting_review", finding_codes="dose_awaiting_review",
      next_action_on=date(2006, 1, 15)),
    S("pages that nobody has read yet: the student has done their part", MMR,
      given(paper(None, state="pending", kind="proof:mmr")),
      "pending", "awaiting_reading dose_missing", next_action_on=date(2006, 1, 15)),
    S("pages sent for another requirement", MMR, given(paper(None, state="pending", kind="proof:tdap")),
      "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("unread pages beside doses that will not be enough", MMR,
      given(dose("2006-03-01", state="pending"), paper(None, state="pending", kind="proof:mmr")),
      "pending", "awaiting_reading dose_missing", finding_codes="dose_awaiting_review",
      next_action_on=date(2006, 1, 15)),
    S("pages that were returned", MMR, given(paper(None, state="rejected", kind="proof:mmr")),
      "rejected", "evidence_rejected dose_missing", next_action_on=date(2006, 1, 15)),
    S("pages that were read never satisfy by themselves", MMR, given(paper(None, kind="proof:mmr")),
      "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("pending beats rejected", ONE,
      given(dose("2020-01-01", state="pending", came=at(1)),
            dose("2021-01-01", state="rejected", came=at(2))),
      "pending", "awaiting_review doses_count", finding_codes="dose_rejected"),
    S("the newest evidence was rejected", MMR,
      given(dose("2006-03-01", came=at(1)), dose("2010-01-01", state="rejected", came=at(2))),
      "rejected", "evidence_rejected dose_missing", finding_codes="dose_rejected",
      next_action_on=date(2006, 3, 29)),
    S("a rejection that was followed by something newer is over", MMR,
      given(dose("2006-03-01", came=at(2)), dose("2010-01-01", state="rejected", came=at(1))),
      "incomplete", "dose_missing", finding_codes="dose_rejected", next_action_on=date(2006, 3, 29)),
    S("a rejection of something else says nothing", MMR, given(dose("2010-01-01", "21", "rejected")),
      "incomplete", "dose_missing", next_action_on=date(2006, 1, 15)),
    S("rejected beats expired", {**EXAM, "window": LAST_YEAR},
      given(paper("2025-08-31"), paper("2026-08-01", "rejected")),
      "rejected", "evidence_rejected document_lapsed",
      next_action_on=TODAY),
    S("pending beats expired", {**EXAM, "window": LAST_YEAR},
      given(paper("2025-08-31"), paper("2026-08-01", "pending")),
      "pending", "awaiting_review document_accepted good_through", next_action_on=date(2027, 8, 2)),
]  # fmt: skip

ALL = [*SERIES, *LIVE_CONFLICT, *TIME, *VECTORS, *PAPERS, *EXEMPTIONS, *COMBINED, *PRECEDENCE]
