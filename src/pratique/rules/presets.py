"""Ready requirement sets as data, each requirement with its source, date and confidence.

Nothing here is in force: a named person of the institution adopts a preset, which copies it into the
institution's own versioned requirements, where it can be changed. Code sets and ages: CDSi 4.64. What the
states ask: the research notes on requirement rules (numbers in brackets are their sources). Reading the
data is `data.py`. A month is enough where many years or a whole season lie between doses; elsewhere days decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]

AS_OF = "2026-11-21"

MEASLES = ["03", "04", "05", "94"]
MUMPS = ["03", "07", "38", "94"]
RUBELLA = ["03", "04", "06", "38", "94"]
MMR = ["03", "94"]
VARICELLA = ["21", "94"]
TDAP = ["115"]
TD_OR_TDAP = ["09", "113", "115", "138", "139", "196"]
HEPATITIS_B = [
    "08", "42", "43", "44", "45", "51", "102", "104", "110", "132", "146", "189", "193", "198", "220",
]  # fmt: skip
HEPLISAV = ["189"]
MENACWY = ["108", "114", "136", "147", "203", "316", "328"]
INFLUENZA = [
    "15", "16", "88", "111", "135", "140", "141", "144", "149", "150", "151", "153", "155", "158", "161",
    "166", "168", "171", "185", "186", "194", "197", "200", "201", "202", "205", "231", "320", "331", "333",
]  # fmt: skip
LIVE_INFLUENZA = ["111", "149", "151", "333"]

# CDSi: products of the measles, mumps and rubella family are one live vaccine to each other (24 days), MMRV is not.
_NEAR_MMR = {"cvx": ["03", "21", "94", *LIVE_INFLUENZA], "days": 28}
_NEAR_VARICELLA = {"cvx": ["03", "04", "05", "06", "07", "21", "38", "94", *LIVE_INFLUENZA], "days": 28}
_MEDICAL = {"exemption": "medical", "needs_document": True, "validity_months": 12}
_RELIGIOUS = {"exemption": "religious", "needs_document": True}
_CONSCIENCE = {"exemption": "philosophical", "needs_document": True, "validity_months": 24}
_BORN_1957_OR_LATER = {"kind": "not", "of": {"kind": "born", "before": "1957-01-01"}}
_UNDER_22_AT_TERM = {"kind": "age", "at": "term_start", "below": "P22Y"}


def _series(vaccine: str, cvx: list[str], doses: int, **limits: Any) -> Data:
    return {"kind": "series", "vaccine": vaccine, "cvx": cvx, "doses": doses, **limits}


def _any_of(*rules: Data) -> Data:
    return {"kind": "any_of", "rules": list(rules)}


def _all_of(*rules: Data) -> Data:
    return {"kind": "all_of", "rules": list(rules)}


def _antigen(vaccine: str, cvx: list[str], doses: int) -> Data:
    """Count one antigen: after the first birthday, 28 days apart, live vaccines only (since 1968)."""
    return _series(
        vaccine, cvx, doses,
        min_age=["P12M"] * doses, min_interval=["P28D"] * (doses - 1), earliest="1968-01-01",
        live_conflict=_NEAR_MMR,
    )  # fmt: skip


_MMR_DOSES = _series(
    "MMR", MMR, 2,
    min_age=["P12M", "P13M"], min_interval=["P28D"], earliest="1968-01-01", live_conflict=_NEAR_MMR,
)  # fmt: skip
_MMR_TITER = {"kind": "titer", "antibodies": ["measles", "mumps", "rubella"]}
_MMR = _any_of(_MMR_DOSES, _MMR_TITER)

# From 13 years on the interval has grace; a child's 4 weeks are the allowable interval, which has none.
_VARICELLA_DOSES = (
    _series(
        "Varicella", VARICELLA, 2,
        min_age=["P12M", "P13M"], min_interval=["P28D"], grace_interval_days=0, live_conflict=_NEAR_VARICELLA,
    ),
    _series(
        "Varicella (13 years and older)", VARICELLA, 2,
        min_age=["P13Y", "P13Y"], min_interval=["P28D"], live_conflict=_NEAR_VARICELLA,
    ),
)  # fmt: skip
_VARICELLA = _any_of(*_VARICELLA_DOSES, {"kind": "titer", "antibodies": ["varicella"]})

_HEPATITIS_B_DOSES = (
    _series(
        "Hepatitis B", HEPATITIS_B, 3,
        min_age=[None, None, "P24W"], min_interval=["P28D", "P56D"], min_interval_from_first=[None, "P112D"],
    ),
    _series("Heplisav-B", HEPLISAV, 2, min_age=["P18Y", "P18Y"], min_interval=["P28D"]),
)  # fmt: skip
_HEPATITIS_B_TITER = {"kind": "titer", "antibodies": ["hepatitis_b"]}
_HEPATITIS_B = _any_of(*_HEPATITIS_B_DOSES, _HEPATITIS_B_TITER)

_TDAP = _series(
    "Tdap", TD_OR_TDAP, 1, min_age=["P11Y"], products=[TDAP], booster_every="P10Y", accept_dates="month"
)
_MENACWY_16 = _series("MenACWY", MENACWY, 1, min_age=["P16Y"])
_INFLUENZA = {
    "kind": "recent", "of": "dose", "name": "Influenza", "cvx": INFLUENZA, "window": {"since_day": "08-01"},
    "accept_dates": "month",
}  # fmt: skip

_TB_TEST = {"kind": "document", "document": "tb_test", "window": {"within": "P12M", "of": "term_start"}}
_TB_NO_RISK = {
    "kind": "form", "form": "tb_questionnaire",
    "answers": {"kind": "attribute", "name": "tb_risk", "equals": False},
}  # fmt: skip
_TB_SCREENING = _all_of(
    {"kind": "form", "form": "tb_questionnaire", "questions": ["tb_risk"], "signature": True},
    _any_of(_TB_NO_RISK, _TB_TEST),
)
_PHYSICAL_EXAM = {
    "kind": "recent", "of": "document", "name": "physical_exam", "window": {"within": "P12M"},
}  # fmt: skip
_MENINGITIS_FORM = {
    "kind": "form", "form": "meningitis_information",
    "questions": ["vaccination_decision"], "consents": ["information_read"], "signature": True,
}  # fmt: skip


def _requirement(key: str, name: str, rule: Data, source: str, confidence: str, **more: Any) -> Data:
    return {
        "key": key, "name": name, "rule": rule,
        "source": source, "as_of": AS_OF, "confidence": confidence, **more,
    }  # fmt: skip


_ACHA = "ACHA Immunization Recommendations for College Students, 2021; CDSi 4.64"
_ACHA_TB = "ACHA Tuberculosis Screening, 2021"
_HCP = "ACHA 2021 for health sciences students; CDSi 4.64"

_ACHA_BASELINE = (
    _requirement(
        "mmr", "MMR", _MMR, _ACHA, "high",
        condition=_BORN_1957_OR_LATER, exemptions=[_MEDICAL, _RELIGIOUS],
    ),
    _requirement(
        "varicella", "Varicella", _VARICELLA, _ACHA, "high",
        condition={
            "kind": "not",
            "of": {
                "kind": "and",
                "of": [
                    {"kind": "born", "before": "1980-01-01"},
                    {"kind": "attribute", "name": "birth_country", "equals": "US"},
                ],
            },
        },
        exemptions=[_MEDICAL, _RELIGIOUS],
    ),
    _requirement("tdap", "Tdap", _TDAP, _ACHA, "medium", exemptions=[_MEDICAL, _RELIGIOUS]),
    _requirement(
        "menacwy", "MenACWY", _MENACWY_16, _ACHA, "high",
        condition=_UNDER_22_AT_TERM, exemptions=[_MEDICAL, _RELIGIOUS],
    ),
    _requirement(
        "hepatitis_b", "Hepatitis B", _HEPATITIS_B, _ACHA, "high", exemptions=[_MEDICAL, _RELIGIOUS],
    ),
    _requirement("tb_screening", "TB screening", _TB_SCREENING, _ACHA_TB, "high"),
)  # fmt: skip

_DEMO = (
    *_ACHA_BASELINE,
    _requirement("physical_exam", "Physical exam", _PHYSICAL_EXAM, "Demonstration", "low"),
    _requirement("meningitis_form", "Meningitis information", _MENINGITIS_FORM, "Demonstration", "low"),
)

_TEXAS = (
    _requirement(
        "menacwy", "Bacterial meningitis",
        _series(
            "MenACWY", MENACWY, 1,
            window={"within": "P5Y", "at_least_before": "P10D", "of": "term_start"},
        ),
        "Texas: 25 TAC and the Higher Education Coordinating Board", "high",
        condition={
            "kind": "and",
            "of": [
                _UNDER_22_AT_TERM,
                {"kind": "not", "of": {"kind": "attribute", "name": "online_only", "equals": True}},
            ],
        },
        exemptions=[_MEDICAL, _CONSCIENCE],
    ),
)  # fmt: skip

_NEW_YORK = (
    _requirement(
        "mmr", "Measles, mumps and rubella",
        _any_of(
            _all_of(
                _antigen("Measles", MEASLES, 2), _antigen("Mumps", MUMPS, 1), _antigen("Rubella", RUBELLA, 1)
            ),
            _MMR_TITER,
        ),
        "New York: Public Health Law 2165, Department of Health handbook", "high",
        condition={
            "kind": "and",
            "of": [_BORN_1957_OR_LATER, {"kind": "attribute", "name": "credits", "at_least": 6}],
        },
        exemptions=[_MEDICAL, _RELIGIOUS],
    ),
)  # fmt: skip

# No condition on the program here: adopt it for the requirement group of the programs that see patients.
_HEALTH_SCIENCES = (
    _requirement("mmr", "MMR", _MMR, _HCP, "high", exemptions=[_MEDICAL]),
    _requirement("varicella", "Varicella", _VARICELLA, _HCP, "high", exemptions=[_MEDICAL]),
    _requirement(
        "hepatitis_b", "Hepatitis B with titer",
        _all_of(_any_of(*_HEPATITIS_B_DOSES), _HEPATITIS_B_TITER), _HCP, "high", exemptions=[_MEDICAL],
    ),
    _requirement("tdap", "Tdap", _TDAP, _HCP, "high", exemptions=[_MEDICAL]),
    _requirement("influenza", "Influenza", _INFLUENZA, _HCP, "medium", exemptions=[_MEDICAL]),
)  # fmt: skip

_RESIDENCE_HALLS = (
    _requirement(
        "menacwy", "MenACWY", _MENACWY_16, _ACHA, "high",
        condition={"kind": "and", "of": [{"kind": "on_campus"}, _UNDER_22_AT_TERM]},
        exemptions=[_MEDICAL, _RELIGIOUS],
    ),
)  # fmt: skip

PRESETS: Mapping[str, tuple[Data, ...]] = {
    "acha-baseline": _ACHA_BASELINE,
    "demo": _DEMO,
    "us-tx-meningitis": _TEXAS,
    "us-ny-mmr": _NEW_YORK,
    "health-sciences": _HEALTH_SCIENCES,
    "residence-halls": _RESIDENCE_HALLS,
}


def preset(name: str) -> tuple[Data, ...]:
    """Return the requirements of a preset as data for `requirement_from_data`.

    Raises KeyError with the known names for any other name. Do not change what you get: copy it.
    """
    if name not in PRESETS:
        raise KeyError(f"There is no preset {name!r}. Known: {', '.join(PRESETS)}.")
    return PRESETS[name]
