"""Presets can be adopted as they are, and mean what the research says."""

from datetime import date

import pytest

from pratique.rules import (
    PRESETS,
    Dose,
    Evidence,
    StudentFacts,
    describe,
    describe_to_student,
    evaluate,
    preset,
    requirement_from_data,
    requirement_to_data,
)

TERM = date(2026, 8, 20)
EVERY = [pytest.param(data, id=f"{name} {data['key']}") for name in PRESETS for data in preset(name)]


@pytest.mark.parametrize("data", EVERY)
def test_a_preset_is_read_described_and_tells_its_source(data):
    requirement = requirement_from_data(data)
    assert requirement_from_data(requirement_to_data(requirement)) == requirement
    assert describe(requirement).startswith(requirement.name)
    assert requirement.source
    assert requirement.as_of == date(2026, 11, 21)
    assert requirement.confidence in ("high", "medium", "low")


@pytest.mark.parametrize("name", PRESETS)
def test_keys_are_unique_in_a_preset(name):
    keys = [data["key"] for data in preset(name)]
    assert len(set(keys)) == len(keys)


def test_the_demonstration_has_its_eight_requirements():
    assert [data["name"] for data in preset("demo")] == [
        "MMR", "Varicella", "Tdap", "MenACWY", "Hepatitis B", "TB screening", "Physical exam",
        "Meningitis information",
    ]  # fmt: skip


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(KeyError, match="acha-baseline"):
        preset("us-atlantis")


def judge(name, key, *doses, born=date(2005, 1, 15), **attributes):
    requirement = next(requirement_from_data(data) for data in preset(name) if data["key"] == key)
    given = tuple(Dose(f"{cvx} {day}", cvx, date.fromisoformat(day), "approved") for cvx, day in doses)
    verdict = evaluate(requirement, Evidence(given), StudentFacts(born, True, attributes, "", "", TERM), TERM)
    return verdict.status.value if verdict.applies else "does not apply"


@pytest.mark.parametrize("data", EVERY)
def test_a_month_is_enough_for_tdap_and_influenza_alone(data):
    """Every other series counts days or the exact age, so the day decides."""

    def accepted(node):
        if isinstance(node, dict):
            yield from (node["accept_dates"],) if "accept_dates" in node else ()
            node = list(node.values())
        if isinstance(node, (list, tuple)):
            for part in node:
                yield from accepted(part)

    assert list(accepted(data)) == (["month"] if data["key"] in ("tdap", "influenza") else [])


STATES = [
    pytest.param(
        "us-tx-meningitis",
        "menacwy",
        [("114", "2021-08-20")],
        {"online_only": False},
        "approved",
        id="Texas: five years to the day",
    ),
    pytest.param(
        "us-tx-meningitis",
        "menacwy",
        [("114", "2021-08-19")],
        {"online_only": False},
        "incomplete",
        id="Texas: five years and a day (vector 1)",
    ),
    pytest.param(
        "us-tx-meningitis",
        "menacwy",
        [("114", "2026-08-11")],
        {"online_only": False},
        "incomplete",
        id="Texas: nine days before term (vector 3)",
    ),
    pytest.param(
        "us-tx-meningitis",
        "menacwy",
        [("162", "2025-01-01")],
        {"online_only": False},
        "incomplete",
        id="Texas: MenB never counts",
    ),
    pytest.param(
        "us-tx-meningitis", "menacwy", [], {"online_only": True}, "does not apply", id="Texas: online"
    ),
    pytest.param(
        "us-ny-mmr", "mmr", [], {"credits": 5}, "does not apply", id="New York: 5 credits (vector 9)"
    ),
    pytest.param("us-ny-mmr", "mmr", [], {"credits": 6}, "incomplete", id="New York: 6 credits (vector 9)"),
    pytest.param(
        "us-ny-mmr",
        "mmr",
        [("03", "2006-02-01"), ("05", "2010-01-01")],
        {"credits": 6},
        "approved",
        id="New York: two measles, one mumps, one rubella",
    ),
    pytest.param(
        "us-ny-mmr",
        "mmr",
        [("05", "2006-02-01"), ("05", "2010-01-01")],
        {"credits": 6},
        "incomplete",
        id="New York: measles alone",
    ),
    pytest.param(
        "acha-baseline",
        "mmr",
        [("03", "2006-03-01"), ("03", "2006-03-25")],
        {},
        "approved",
        id="MMR 24 days apart (vector 6)",
    ),
    pytest.param(
        "acha-baseline",
        "mmr",
        [("03", "2006-01-11"), ("03", "2006-03-25")],
        {},
        "approved",
        id="MMR at 11 months and 27 days (vector 5)",
    ),
    pytest.param(
        "acha-baseline",
        "mmr",
        [("03", "2006-01-04"), ("03", "2006-03-25")],
        {},
        "incomplete",
        id="MMR at 11 months and 20 days (vector 5)",
    ),
    pytest.param(
        "acha-baseline",
        "varicella",
        [("03", "2006-03-01"), ("21", "2006-03-28"), ("21", "2006-04-25")],
        {},
        "incomplete",
        id="varicella 27 days after MMR (vector 6)",
    ),
    pytest.param(
        "acha-baseline",
        "varicella",
        [("21", "2006-01-15"), ("21", "2006-02-12")],
        {},
        "approved",
        id="child varicella 28 days apart (vector 12b)",
    ),
    pytest.param(
        "acha-baseline",
        "varicella",
        [("21", "2006-01-15"), ("21", "2006-02-11")],
        {},
        "incomplete",
        id="child varicella 27 days apart (vector 12b)",
    ),
    pytest.param(
        "acha-baseline",
        "varicella",
        [("21", "2019-01-15"), ("21", "2019-02-08")],
        {},
        "approved",
        id="adolescent varicella 24 days apart has grace",
    ),
    pytest.param(
        "acha-baseline",
        "hepatitis_b",
        [("189", "2024-01-15"), ("189", "2024-02-12")],
        {},
        "approved",
        id="two doses of Heplisav-B",
    ),
    pytest.param(
        "acha-baseline",
        "hepatitis_b",
        [("08", "2005-01-16"), ("08", "2005-03-01"), ("08", "2005-08-01")],
        {},
        "approved",
        id="three doses of hepatitis B",
    ),
    pytest.param(
        "acha-baseline",
        "hepatitis_b",
        [("08", "2005-01-16"), ("08", "2005-03-01"), ("08", "2005-04-28")],
        {},
        "incomplete",
        id="third dose of hepatitis B before 24 weeks of age",
    ),
    pytest.param(
        "acha-baseline", "tdap", [("115", "2016-08-20")], {}, "approved", id="Tdap ten years ago to the day"
    ),
    pytest.param("acha-baseline", "tdap", [("115", "2016-08-19")], {}, "expired", id="Tdap longer ago"),
    pytest.param(
        "acha-baseline",
        "tdap",
        [("115", "2016-02-01"), ("113", "2025-01-01")],
        {},
        "approved",
        id="Td after Tdap",
    ),
    pytest.param("acha-baseline", "tdap", [("113", "2025-01-01")], {}, "incomplete", id="Td alone"),
    pytest.param(
        "residence-halls",
        "menacwy",
        [("114", "2021-01-11")],
        {},
        "approved",
        id="MenACWY four days before the 16th birthday",
    ),
    pytest.param(
        "residence-halls", "menacwy", [("114", "2021-01-10")], {}, "incomplete", id="MenACWY five days before"
    ),
    pytest.param(
        "health-sciences", "influenza", [("150", "2026-08-01")], {}, "approved", id="flu of this season"
    ),
]


@pytest.mark.parametrize(("name", "key", "doses", "attributes", "status"), STATES)
def test_what_the_states_ask(name, key, doses, attributes, status):
    assert judge(name, key, *doses, **attributes) == status


def test_presumed_immune_by_year_of_birth():
    assert judge("acha-baseline", "mmr", born=date(1956, 12, 31)) == "does not apply"
    assert (
        judge("acha-baseline", "varicella", born=date(1979, 12, 31), birth_country="US") == "does not apply"
    )
    assert judge("acha-baseline", "varicella", born=date(1979, 12, 31), birth_country="FR") == "incomplete"
    assert judge("acha-baseline", "varicella", born=date(1979, 12, 31)) == "incomplete"
    assert judge("health-sciences", "mmr", born=date(1956, 12, 31)) == "incomplete"


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("tb_screening", "All of these. (1) The form (TB questionnaire), filled in and signed. (2) Any one of these. "
         "(a) Answers on the form (TB questionnaire) after which nothing more is asked. (b) A document (TB test) dated "
         "no more than 12 months before the first day of term."),
        ("meningitis_form", "The form (meningitis information), filled in and signed."),
        ("physical_exam", "A document (physical exam) dated no more than 12 months before today."),
    ],
)  # fmt: skip
def test_a_student_reads_no_keys_of_questions(key, sentence):
    (data,) = [one for one in preset("demo") if one["key"] == key]
    assert describe_to_student(requirement_from_data(data)) == sentence
