"""Which rules prove immunity to a disease: what is approved by them counts in an outbreak, and nothing else does."""

import pytest

from pratique.records.products import all_products
from pratique.reports.definitions.diseases import DISEASES, is_about_vaccines, proves
from pratique.rules import preset, requirement_from_data, rule_from_data

FORM = {"kind": "form", "form": "waiver"}
OLD = {"kind": "condition", "condition": {"kind": "born", "before": "1957-01-01"}}
TITER = {"kind": "titer", "antibodies": ["measles", "mumps"]}
RECENT_TITER = {"kind": "recent", "of": "titer", "name": "measles", "window": {"within": "P1Y"}}


def series(*cvx, **more):
    return {"kind": "series", "vaccine": "x", "cvx": list(cvx), "doses": 2, **more}


def any_of(*rules):
    return {"kind": "any_of", "rules": list(rules)}


def all_of(*rules):
    return {"kind": "all_of", "rules": list(rules)}


@pytest.mark.parametrize(
    ("rule", "disease", "expected"),
    [
        pytest.param(series("03", "94"), "measles", True, id="every product has the antigen"),
        pytest.param(series("03", "94"), "varicella", False, id="one product has it, another has not"),
        pytest.param(series("03", "06"), "measles", False, id="one of the products is rubella alone"),
        pytest.param(series("94"), "varicella", True, id="MMRV proves varicella too"),
        pytest.param(series("09", "115"), "pertussis", False, id="Td or Tdap proves no pertussis"),
        pytest.param(series("09", "115", products=[["115"]]), "pertussis", True, id="one dose must be Tdap"),
        pytest.param(TITER, "mumps", True, id="titer for this antibody among others"),
        pytest.param(TITER, "rubella", False, id="titer for others"),
        pytest.param(RECENT_TITER, "measles", True, id="recent titer"),
        pytest.param(any_of(series("03"), TITER), "measles", True, id="each way proves it"),
        pytest.param(any_of(series("03"), FORM), "measles", False, id="a signed form instead proves nothing"),
        pytest.param(any_of(series("03"), OLD), "measles", True, id="or born long ago"),
        pytest.param(any_of(OLD, OLD), "measles", False, id="born long ago alone"),
        pytest.param(all_of(series("03"), FORM), "measles", True, id="and a form besides"),
        pytest.param(all_of(series("21"), FORM), "measles", False, id="another vaccine and a form"),
        pytest.param(FORM, "measles", False, id="a form"),
    ],
)
def test_what_proves_immunity(rule, disease, expected):
    assert proves(rule_from_data(rule), DISEASES[disease]) is expected


def test_the_presets_prove_what_they_are_named_after():
    found = {
        requirement["key"]: [
            key for key, one in DISEASES.items() if proves(requirement_from_data(requirement).rule, one)
        ]
        for requirement in preset("demo")
    }
    assert found == {
        "mmr": ["measles", "mumps", "rubella"], "varicella": ["varicella"], "tdap": ["pertussis", "tetanus"],
        "menacwy": ["meningococcal_acwy"], "hepatitis_b": ["hepatitis_b"], "tb_screening": [], "physical_exam": [],
        "meningitis_form": [],
    }  # fmt: skip
    vaccines = [one["key"] for one in preset("demo") if is_about_vaccines(requirement_from_data(one).rule)]
    assert vaccines == ["mmr", "varicella", "tdap", "menacwy", "hepatitis_b"]


def test_every_code_is_one_that_cdc_has():
    known = {product.cvx for product in all_products()}
    assert [one.key for one in DISEASES.values() if not one.cvx <= known] == []
