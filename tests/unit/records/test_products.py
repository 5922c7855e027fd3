"""What a student types or reads on a card finds the product that a nurse would expect."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pratique.records.products import (
    PLAIN_NAMES,
    VERSION,
    all_products,
    group_names,
    maker_name,
    plain_name,
    product,
    search,
)
from pratique.rules import PRESETS, Reason, explain

FIRST = [
    pytest.param("mmr", "03", id="abbreviation"),
    pytest.param("M-M-R II", "03", id="brand as printed"),
    pytest.param("mmr2", "03", id="brand as typed"),
    pytest.param("gardasil", "165", id="the Gardasil of today"),
    pytest.param("gardasil 4", "62", id="the Gardasil of before"),
    pytest.param("ROR", "03", id="French card"),
    pytest.param("ROR Vax", "03", id="French brand"),
    pytest.param("triple viral", "03", id="Latin American name"),
    pytest.param("SRP", "03", id="Mexican card"),
    pytest.param("SR", "04", id="Mexican second dose"),
    pytest.param("КПК", "03", id="Russian card"),
    pytest.param("卡介苗", "19", id="Chinese card"),
    pytest.param("hep b", "45", id="hepatitis B in short"),
    pytest.param("HepB", "45", id="hepatitis B in one word"),
    pytest.param("hepatitis b adult", "43", id="hepatitis B of an adult"),
    pytest.param("hep a", "85", id="hepatitis A in short"),
    pytest.param("Havrix Junior", "83", id="hepatitis A of a child"),
    pytest.param("heplisav", "189", id="Heplisav"),
    pytest.param("covid", "213", id="COVID and no more"),
    pytest.param("covid pfizer", "208", id="COVID by maker"),
    pytest.param("pfizer covid", "208", id="the maker first"),
    pytest.param("CoronaVac", "511", id="Sinovac"),
    pytest.param("covishield", "210", id="AstraZeneca in India"),
    pytest.param("tdap boostrix", "115", id="vaccine and brand"),
    pytest.param("boostricks", "115", id="a typing mistake"),
    pytest.param("gardisil", "165", id="another typing mistake"),
    pytest.param("BCG", "19", id="what no rule counts"),
    pytest.param("flu shot", "88", id="flu"),
    pytest.param("vacuna contra la gripe", "88", id="flu in Spanish"),
    pytest.param("Vaxigrip Tetra", "150", id="flu in Europe"),
    pytest.param("chicken pox", "21", id="chickenpox in two words"),
    pytest.param("VARICELA", "21", id="chickenpox in Spanish"),
    pytest.param("rubeola", "05", id="rubeola is measles in English"),
    pytest.param("meningitis", "108", id="meningitis"),
    pytest.param("menactra", "114", id="Menactra"),
    pytest.param("nimenrix", "147", id="Nimenrix"),
    pytest.param("bexsero", "163", id="Bexsero"),
    pytest.param("infanrix hexa", "132", id="six in one"),
    pytest.param("hexaxim", "132", id="six in one elsewhere"),
    pytest.param("pentavalente", "198", id="five in one"),
    pytest.param("dpt", "01", id="whole-cell pertussis"),
    pytest.param("repevax", "115", id="a combination without a code of its own"),
    pytest.param("revaxis", "195", id="Revaxis"),
    pytest.param("twinrix", "104", id="Twinrix"),
    pytest.param("encepur", "77", id="ticks"),
    pytest.param("fiebre amarilla", "184", id="yellow fever in Spanish"),
    pytest.param("td", "139", id="tetanus booster"),
    pytest.param("115", "115", id="the code itself"),
    pytest.param("cvx 03", "03", id="the code with its name"),
]


@pytest.mark.parametrize(("text", "cvx"), FIRST)
def test_what_is_expected_first_is_first(text, cvx):
    assert search(text)[0].cvx == cvx


def test_a_combination_without_a_code_is_offered_part_by_part():
    assert {one.cvx for one in search("repevax")} == {"115", "10"}


def test_a_brand_tells_the_maker_and_a_name_does_not():
    (boostrix, *_) = search("boostrix")
    assert (boostrix.matched, boostrix.mvx, maker_name(boostrix.mvx)) == (
        "Boostrix",
        "SKB",
        "GlaxoSmithKline",
    )
    assert search("tdap")[0].mvx == ""
    assert search("卡介苗")[0].mvx == ""


@pytest.mark.parametrize("text", ["", "  ", "-", "?!", "\0", "zzzzqqqq", "💉"])
def test_nothing_is_found_for_nothing(text):
    assert search(text) == []


def test_a_single_letter_is_a_word_and_not_a_beginning():
    assert "45" not in {one.cvx for one in search("hepatitis a", 3)}
    assert all("B" in one.name for one in search("hepatitis b", 3))


def test_the_limit_is_kept():
    assert len(search("covid", 3)) == 3
    assert search("covid", 0) == []


@pytest.mark.parametrize(
    "one", [pytest.param(one, id=one.cvx) for one in all_products() if one.cvx not in ("999",)]
)
def test_every_product_is_found_by_its_names(one):
    """By its full name it is among the first; by each of its brands and foreign names among those found."""
    assert one.cvx in [found.cvx for found in search(one.name, 12)]
    assert one.cvx in [found.cvx for found in search(one.name_es, 12)]
    for name in (*one.brands, *one.also_called, *(name for name, _ in one.names_abroad)):
        assert one.cvx in [found.cvx for found in search(name, 40)], name
    assert search(f"cvx {one.cvx}")[0].cvx == one.cvx


def test_at_least_sixty_names_from_abroad_are_known_with_their_place():
    names = {name: where for one in all_products() for name, where in one.names_abroad}
    assert len(names) >= 60
    assert all(where for where in names.values())


def codes_in(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from value if key == "cvx" else codes_in(value)
    elif isinstance(node, (list, tuple)):
        for part in node:
            yield from codes_in(part)


RARE = {"144", "166", "200", "201", "202", "231", "331"}  # kinds of flu vaccine that CDC's own words describe


def test_every_code_that_a_preset_counts_has_a_plain_name_of_ours():
    counted = {cvx for name in PRESETS for cvx in codes_in(PRESETS[name])}
    assert not [cvx for cvx in counted - RARE if product(cvx).rank == 50]
    assert all(product(cvx) for cvx in RARE)


@pytest.mark.parametrize(
    ("cvx", "name", "spanish"),
    [
        pytest.param("03", "MMR", "MMR o SRP", id="MMR"),
        pytest.param("115", "Tdap", "Tdap", id="Tdap"),
        pytest.param("09", "Td, 2 Lf", "Td, 2 Lf", id="Td"),
        pytest.param("9", "Td, 2 Lf", "Td, 2 Lf", id="a code that lost its zero"),
        pytest.param("88", "Influenza, kind not known", "Influenza, tipo desconocido", id="flu"),
        pytest.param("62", "HPV, 4 types (Gardasil)", "VPH, 4 tipos (Gardasil)", id="a brand stays"),
        pytest.param("777", "777", "777", id="no such code"),
    ],
)
def test_names_for_sentences(cvx, name, spanish):
    assert (plain_name(cvx), plain_name(cvx, "es-MX")) == (name, spanish)


def test_names_for_sentences_tell_products_apart():
    assert len(set(PLAIN_NAMES.values())) == len(PLAIN_NAMES)


def test_rules_speak_of_products_by_these_names():
    params = (("vaccine", "Tdap"), ("number", 1), ("given_on", "2020"), ("cvx", "113"))
    assert "(Td, 5 Lf)" in explain(Reason("dose_wrong_product", params), products=PLAIN_NAMES)


def test_what_is_live_and_what_is_in_use():
    assert product("03").live
    assert product("21").live
    assert product("111").live
    assert not product("150").live
    assert product("115").has_current_us_use
    assert not product("01").has_current_us_use
    assert not product("198").has_current_us_use


def test_groups_have_words_in_both_languages():
    assert group_names()["MMR"] == "MMR (measles, mumps, rubella)"
    assert group_names("es")["YELLOWFEVER"] == "Fiebre amarilla"
    assert product("94").groups == ("MMR", "VARICELLA")
    assert set(group_names()) == {group for one in all_products() for group in one.groups}


def test_the_table_says_how_new_it_is():
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", VERSION)


def test_tests_of_the_skin_and_placeholders_are_no_products():
    assert product("96") is None
    assert product("998") is None
    assert product("nonsense") is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30) | st.builds(str.__add__, st.sampled_from(["hep", "covid "]), st.text(max_size=5)))
def test_no_text_whatever_raises(text):
    found = search(text)
    assert len(found) <= 8
    assert len({one.cvx for one in found}) == len(found)
