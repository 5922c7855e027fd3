"""Forms as data: read with their faults named, shown and checked by their conditions, for whatever is answered."""

import copy
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pratique.records.forms import (
    READY,
    FormDataError,
    QuestionKind,
    answered,
    check,
    condition_to_data,
    countries,
    country_name,
    derive,
    missing_signers,
    page,
    read,
    ready,
    visible,
)
from pratique.records.forms.countries import country_code
from pratique.rules import PRESETS

TODAY = date(2026, 11, 22)
T = {"en": "Words", "es": "Palabras"}


def question(key="risk", kind="yes_no", **more):
    return {"key": key, "kind": kind, "label": T, **more}


def definition(*questions, **more):
    sections = [{"title": T, "questions": list(questions) or [question()]}]
    base = {"key": "form", "version": 1, "title": T, "introduction": T, "sections": sections}
    return {**base, "signers": ["student"], **more}


def choices(*keys):
    return [{"key": key, "label": T} for key in keys]


IF_RISK = {"question": "risk", "equals": True}
LIST = {"countries": ["MX", "PE"], "source": "WHO", "as_of": "2024-10-29"}

# --- reading ----------------------------------------------------------------------------------------------

WRONG = [
    pytest.param([], [""], id="not an object"),
    pytest.param({}, ["/introduction", "/key", "/sections", "/signers", "/title", "/version"], id="nothing"),
    pytest.param(definition(key="Form 1"), ["/key"], id="a key with a blank"),
    pytest.param(definition(version=0), ["/version"], id="version nought"),
    pytest.param(definition(title={"en": "x"}), ["/title/es"], id="no Spanish"),
    pytest.param(definition(title="x"), ["/title"], id="words in no language"),
    pytest.param(definition(colour="red"), ["/colour"], id="an unknown field"),
    pytest.param(definition(sections=[]), ["/sections"], id="no section"),
    pytest.param(definition(sections=[3]), ["/sections/0"], id="a section that is a number"),
    pytest.param(definition(question(kind="essay")), ["/sections/0/questions/0/kind"], id="an unknown kind"),
    pytest.param(definition(question(kind=["text"])), ["/sections/0/questions/0/kind"], id="a kind that is a list"),
    pytest.param(
        definition(question(choices=choices("a"))), ["/sections/0/questions/0/choices"], id="choices of yes or no"
    ),
    pytest.param(
        definition(question(kind="one_of")), ["/sections/0/questions/0/choices"], id="one of no choices"
    ),
    pytest.param(
        definition(question(kind="one_of", choices=choices("a"))),
        ["/sections/0/questions/0/choices"],
        id="one of a single choice",
    ),
    pytest.param(
        definition(question(kind="many_of", choices=choices("a", "a"))),
        ["/sections/0/questions/0/choices"],
        id="a choice twice",
    ),
    pytest.param(
        definition(question(kind="information")), ["/sections/0/questions/0/text"], id="information without text"
    ),
    pytest.param(
        definition(question(kind="consent", required=False)),
        ["/sections/0/questions/0/required"],
        id="a consent that need not be given",
    ),
    pytest.param(definition(question(), question()), ["/sections/0/questions/1/key"], id="a key twice"),
    pytest.param(
        definition(question(show_if=IF_RISK)), ["/sections/0/questions/0/show_if"], id="a question about itself"
    ),
    pytest.param(
        definition(question("a", show_if=IF_RISK), question()),
        ["/sections/0/questions/0/show_if"],
        id="a question about a later one",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"question": "risk", "equals": "yes"})),
        ["/sections/0/questions/1/show_if"],
        id="an answer that cannot be",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"question": "risk", "has": "x"})),
        ["/sections/0/questions/1/show_if"],
        id="a list asked of yes or no",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"question": "risk", "equals": True, "in": ["x"]})),
        ["/sections/0/questions/1/show_if"],
        id="two comparisons",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"and": []})),
        ["/sections/0/questions/1/show_if/and"],
        id="and of nothing",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"question": "risk", "answered": False})),
        ["/sections/0/questions/1/show_if/answered"],
        id="answered: false",
    ),
    pytest.param(
        definition(question("home", "country"), question("a", show_if={"question": "home", "in_list": "far"})),
        ["/sections/0/questions/1/show_if"],
        id="a list that is not there",
    ),
    pytest.param(
        definition(question(), question("a", show_if={"question": "risk", "in_list": "near"}), lists={"near": LIST}),
        ["/sections/0/questions/1/show_if"],
        id="a country asked of yes or no",
    ),
    pytest.param(
        definition(lists={"near": {**LIST, "countries": ["MX", "XX"]}}), ["/lists/near/countries"], id="no such country"
    ),
    pytest.param(definition(lists={"near": {"countries": ["MX"]}}), ["/lists/near/as_of", "/lists/near/source"],
                 id="a list from nowhere"),
    pytest.param(definition(lists={"near": 3}), ["/lists/near"], id="a list that is a number"),
    pytest.param(definition(question(shows_list="far")), ["/sections/0/questions/0/shows_list"], id="shows no list"),
    pytest.param(definition(signers=["nurse"]), ["/signers"], id="an unknown signer"),
    pytest.param(definition(signers=["guardian"] * 5), ["/signers"], id="a crowd of signers"),
    pytest.param(
        definition(derived=[{"key": "tb_risk", "when": IF_RISK}]),
        ["/derived/0/when"],
        id="derived from what may be empty",
    ),
    pytest.param(
        definition(question(required=True), derived=[{"key": "risk", "when": IF_RISK}]),
        ["/derived/0/key"],
        id="derived with the key of a question",
    ),
    pytest.param(
        definition(question(required=True), derived=[{"key": "a", "when": IF_RISK}, {"key": "a", "when": IF_RISK}]),
        ["/derived/1/key"],
        id="derived twice",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "paths"), WRONG)
def test_a_wrong_form_is_refused_with_every_problem(data, paths):
    with pytest.raises(FormDataError) as caught:
        read(data)
    for problem in caught.value.problems:
        assert problem.message in str(caught.value)
        assert problem.remedy.endswith(".")
    assert sorted({problem.path for problem in caught.value.problems}) == sorted(paths)


def test_hostile_nesting_is_refused():
    condition = IF_RISK
    for _ in range(400):
        condition = {"not": condition}
    with pytest.raises(FormDataError):
        read(definition(question(), question("a", show_if=condition)))


# --- answering --------------------------------------------------------------------------------------------

ANSWERS = [
    pytest.param(question(), "yes", True, id="yes from a browser"),
    pytest.param(question(), False, False, id="no as stored"),
    pytest.param(question(), "maybe", None, id="maybe"),
    pytest.param(question(), 1, None, id="one is not yes"),
    pytest.param(question(kind="consent"), "on", True, id="a ticked box"),
    pytest.param(question(kind="consent"), "no", None, id="a consent refused"),
    pytest.param(question(kind="one_of", choices=choices("a", "b")), "b", "b", id="a choice"),
    pytest.param(question(kind="one_of", choices=choices("a", "b")), "c", None, id="no such choice"),
    pytest.param(
        question(kind="many_of", choices=choices("a", "b")), ["b", "a"], ["a", "b"], id="in their order"
    ),
    pytest.param(question(kind="many_of", choices=choices("a", "b")), "b", ["b"], id="one box of a browser"),
    pytest.param(question(kind="many_of", choices=choices("a", "b")), ["b", "c"], None, id="one too many"),
    pytest.param(question(kind="text"), "  two\nlines\0 ", "two lines", id="one line of text"),
    pytest.param(question(kind="text"), "x" * 201, None, id="too long for a line"),
    pytest.param(question(kind="text"), {"a": 1}, None, id="an object for text"),
    pytest.param(question(kind="long_text"), "a\r\nb", "a\nb", id="several lines"),
    pytest.param(question(kind="date"), "2026-02-28", "2026-02-28", id="a date"),
    pytest.param(question(kind="date"), date(2026, 2, 28), "2026-02-28", id="a date as such"),
    pytest.param(question(kind="date"), "2026-02-30", None, id="no such day"),
    pytest.param(question(kind="date"), "20260228", None, id="a date without dashes"),
    pytest.param(question(kind="date"), "0026-02-28", None, id="a year of two digits"),
    pytest.param(question(kind="date"), "2026-11-23", "2026-11-23", id="tomorrow"),
    pytest.param(
        question(kind="date", past_only=True), "2026-11-23", None, id="tomorrow where it must be past"
    ),
    pytest.param(
        question(kind="date", past_only=True), "2026-11-22", "2026-11-22", id="today where it must be past"
    ),
    pytest.param(question(kind="country"), "mx", "MX", id="a country by code"),
    pytest.param(question(kind="country"), "Perú", "PE", id="a country by its Spanish name"),
    pytest.param(question(kind="country"), "Atlantis", None, id="no such country"),
]


@pytest.mark.parametrize(("asked", "raw", "cleaned"), ANSWERS)
@pytest.mark.parametrize("language", ["en", "es"])
def test_an_answer_is_cleaned_or_refused_in_the_readers_language(asked, raw, cleaned, language):
    checked = check(read(definition(asked)), {"risk": raw}, language, today=TODAY)
    assert checked.answers == ({} if cleaned is None else {"risk": cleaned})
    assert set(checked.problems) == ({"risk"} if cleaned is None else set())
    assert checked.is_good is (cleaned is not None)


@pytest.mark.parametrize("kind", [kind for kind in QuestionKind if kind is not QuestionKind.INFORMATION])
def test_what_is_required_and_left_empty_is_named_in_both_languages(kind):
    more = {"choices": choices("a", "b")} if kind in ("one_of", "many_of") else {}
    form = read(definition(question(kind=kind.value, required=True, **more)))
    english, spanish = (check(form, {"risk": ""}, language).problems["risk"] for language in ("en", "es"))
    assert english != spanish


def test_what_is_optional_may_be_left_empty():
    assert check(read(definition()), {}).is_good


def test_answers_that_the_form_does_not_ask_for_are_dropped():
    assert check(read(definition()), {"risk": True, "is_admin": True}).answers == {"risk": True}


CHAIN = definition(
    question(),
    question("why", "text", required=True, show_if=IF_RISK),
    question("more", "text", required=True, show_if={"question": "why", "answered": True}),
)


def test_a_hidden_question_is_neither_asked_nor_answered():
    form = read(CHAIN)
    hidden = check(form, {"risk": "no", "why": "because", "more": "much"})
    assert hidden.is_good
    assert hidden.answers == {"risk": False}
    assert [shown.key for shown in visible(form, {"risk": "no", "why": "because"})] == ["risk"]


def test_what_a_hidden_answer_would_show_stays_hidden():
    """`why` is hidden, so that what it was once answered does not show `more`."""
    assert [shown.key for shown in visible(read(CHAIN), {"why": "because"})] == ["risk"]
    assert [shown.key for shown in visible(read(CHAIN), {"risk": True, "why": "because"})] == [
        "risk",
        "why",
        "more",
    ]


CONDITIONS = [
    pytest.param(IF_RISK, {"risk": True}, True, id="equals"),
    pytest.param(IF_RISK, {"risk": False}, False, id="equals something else"),
    pytest.param({"not": IF_RISK}, {}, True, id="not, unanswered"),
    pytest.param({"question": "pick", "in": ["a"]}, {"pick": "a"}, True, id="in"),
    pytest.param({"question": "pick", "in": ["a"]}, {"pick": "b"}, False, id="not in"),
    pytest.param({"question": "many", "has": "b"}, {"many": ["a", "b"]}, True, id="has"),
    pytest.param({"question": "many", "has": "b"}, {"many": ["a"]}, False, id="has not"),
    pytest.param({"question": "home", "in_list": "near"}, {"home": "PE"}, True, id="in a list"),
    pytest.param({"question": "home", "in_list": "near"}, {"home": "US"}, False, id="not in a list"),
    pytest.param({"question": "pick", "answered": True}, {"pick": "b"}, True, id="answered"),
    pytest.param({"question": "risk", "answered": True}, {"risk": False}, True, id="no is an answer"),
    pytest.param({"question": "risk", "answered": True}, {}, False, id="not answered"),
    pytest.param({"and": [IF_RISK, {"question": "pick", "equals": "a"}]}, {"risk": True}, False, id="and"),
    pytest.param({"or": [IF_RISK, {"question": "pick", "equals": "a"}]}, {"risk": True}, True, id="or"),
]


@pytest.mark.parametrize(("condition", "answers", "shown"), CONDITIONS)
def test_conditions(condition, answers, shown):
    data = definition(
        question(),
        question("pick", "one_of", choices=choices("a", "b")),
        question("many", "many_of", choices=choices("a", "b")),
        question("home", "country"),
        question("last", show_if=condition),
        lists={"near": LIST},
    )
    form = read(data)
    assert ("last" in {one.key for one in visible(form, answers)}) is shown
    assert condition_to_data(form.questions[-1].show_if) == condition


def test_signers_are_counted_one_by_one():
    form = read(definition(signers=["student", "guardian", "guardian"]))
    assert missing_signers(form, []) == ("student", "guardian", "guardian")
    assert missing_signers(form, ["guardian"]) == ("student", "guardian")
    assert missing_signers(form, ["guardian", "student", "guardian"]) == ()
    assert missing_signers(form, ["guardian"] * 3 + ["nurse"]) == ("student",)


def test_answers_in_words():
    data = definition(
        question(), question("home", "country"), question("many", "many_of", choices=choices("a", "b")),
        question("read", "information", text=[T]),
    )  # fmt: skip
    answers = {"risk": "no", "home": "MX", "many": ["a", "b"]}
    assert answered(read(data), answers, "es") == [
        ("Palabras", "No"), ("Palabras", "México"), ("Palabras", "Palabras, Palabras"),
    ]  # fmt: skip


# --- the ready forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", READY)
def test_a_ready_form_is_read_and_asks_the_student_to_sign(key):
    form = read(ready(key))
    assert form.key == key
    assert "student" in form.signers
    assert all(text.en != text.es for question in form.questions for text in question.text)


def test_an_unknown_ready_form_names_the_known_ones():
    with pytest.raises(KeyError, match="tb_questionnaire"):
        ready("horoscope")


def test_what_you_get_is_your_own_copy():
    ready("declination")["title"]["en"] = "Changed"
    assert ready("declination")["title"]["en"] != "Changed"


def forms_in(node):
    if isinstance(node, dict):
        if node.get("kind") == "form":
            yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for part in node:
            yield from forms_in(part)


def test_what_presets_ask_of_a_form_the_ready_form_answers():
    for rule in [rule for name in PRESETS for rule in forms_in(PRESETS[name])]:
        form = read(ready(rule["form"]))
        asked = {question.key: question for question in form.questions}
        derived = {one.key for one in form.derived}
        assert all(key in derived or asked[key].required for key in rule.get("questions", ()))
        assert all(asked[key].kind is QuestionKind.CONSENT for key in rule.get("consents", ()))


TB = read(ready("tb_questionnaire"))
NO_RISK = {question.key: "no" for question in TB.questions if question.kind is QuestionKind.YES_NO}
RISKS = list(NO_RISK)


def test_no_risk_of_tb():
    answers = {**NO_RISK, "birth_country": "US"}
    assert check(TB, answers, today=TODAY).is_good
    assert derive(TB, answers)["tb_risk"] is False


@pytest.mark.parametrize("risk", RISKS)
def test_each_risk_of_tb_counts(risk):
    assert derive(TB, {**NO_RISK, "birth_country": "US", risk: "yes"})["tb_risk"] is True


@pytest.mark.parametrize(("country", "risk"), [("IN", True), ("MX", True), ("US", False), ("FR", False)])
def test_being_born_where_tb_is_common_is_a_risk(country, risk):
    assert derive(TB, {**NO_RISK, "birth_country": country})["tb_risk"] is risk


@pytest.mark.parametrize("left_out", [*RISKS, "birth_country"])
def test_what_nobody_answered_is_not_a_no(left_out):
    answers = {**NO_RISK, "birth_country": "US"}
    del answers[left_out]
    assert "tb_risk" not in derive(TB, answers)
    assert derive(TB, {left_out: "yes", "birth_country": "IN"})["tb_risk"] is True


def test_the_list_of_countries_says_where_it_is_from_and_that_it_must_be_confirmed():
    listed = TB.lists["tb_high_incidence"]
    assert "WHO" in listed.source
    assert listed.confirm
    assert "US" not in listed.countries
    (field,) = [
        field for section in page(TB, {}).sections for field in section.fields if field.listed_countries
    ]
    assert field.list_to_confirm
    assert "Peru" in field.listed_countries


def test_declining_is_told_that_it_may_be_changed():
    form = read(ready("meningitis_information"))
    shown = {one.key for one in visible(form, {"vaccination_decision": "not_vaccinated"})}
    assert "may_change" in shown
    assert "planned_for" not in shown


def test_a_consent_of_a_minor_is_signed_by_two():
    assert missing_signers(read(ready("housing_health_consent")), ["student"]) == ("guardian",)


# --- pages ------------------------------------------------------------------------------------------------


def test_a_page_has_everything_a_template_needs():
    laid_out = page(read(CHAIN), {"risk": "yes"}, "es", {"why": "Responde esta pregunta."})
    (section,) = laid_out.sections
    risk, why, more = section.fields
    assert [(option.value, option.label, option.is_chosen) for option in risk.options] == [
        ("yes", "Sí", True), ("no", "No", False),
    ]  # fmt: skip
    assert (why.is_shown, why.required, why.problem, why.longest) == (
        True,
        True,
        "Responde esta pregunta.",
        200,
    )
    assert (more.is_shown, more.show_if) == (False, {"question": "why", "answered": True})
    assert section.is_shown


# --- countries --------------------------------------------------------------------------------------------


def test_every_country_has_a_name_in_both_languages_and_is_found_by_it():
    assert len(countries()) == len(countries("es")) == 249
    for code, name in (*countries(), *countries("es")):
        assert country_name(country_code(name), "en") == country_name(code, "en")


def test_countries_are_sorted_as_readers_expect():
    names = [name for _, name in countries("es")]
    assert names.index("Etiopía") < names.index("Filipinas")
    assert names[0] == "Afganistán"
    assert country_name("XX") == "XX"


# --- any form, any answers --------------------------------------------------------------------------------

keys = st.sampled_from(["a", "b", "c", "d"])
texts = st.fixed_dictionaries({"en": st.text(min_size=1, max_size=5), "es": st.text(min_size=1, max_size=5)})
POSSIBLE = {
    "yes_no": [{"equals": True}, {"in": [False, True]}],
    "consent": [{"equals": True}, {"in": [False]}],
    "one_of": [{"equals": "x"}, {"in": ["x", "y"]}],
    "many_of": [{"has": "x"}, {"has": "y"}],
    "country": [{"equals": "MX"}, {"in_list": "near"}],
}


def comparisons(asked):
    """Compare an answer of one of these questions with something that it may be."""
    return st.sampled_from(asked).flatmap(
        lambda one: st.sampled_from(
            [{"question": one["key"], **how} for how in [*POSSIBLE.get(one["kind"], ()), {"answered": True}]]
        )
    )


def conditions(asked):
    def combined(parts):
        some = st.lists(parts, min_size=1, max_size=2)
        several = st.sampled_from(["and", "or"])
        return st.builds(lambda how, of: {how: of}, several, some) | st.builds(lambda of: {"not": of}, parts)

    return st.recursive(comparisons(asked), combined, max_leaves=3)


@st.composite
def definitions(draw):
    """Form data: four questions of any kinds, shown by the answers before, something derived from them."""
    questions, asked = [], []
    for key in ("a", "b", "c", "d"):
        kind = draw(st.sampled_from(QuestionKind)).value
        one = {"key": key, "kind": kind, "label": draw(texts)}
        if kind not in ("consent", "information"):
            one["required"] = draw(st.booleans())
        if kind == "information":
            one["text"] = [draw(texts)]
        if kind in ("one_of", "many_of"):
            one["choices"] = [{"key": choice, "label": draw(texts)} for choice in ("x", "y")]
        if asked and draw(st.booleans()):
            one["show_if"] = draw(conditions(asked))
        questions.append(one)
        if kind != "information":
            asked.append(one)
    required = [one for one in asked if one.get("required", True)]
    derived = [{"key": "follows", "when": draw(conditions(required))}] if required else []
    return definition(*questions, derived=derived, lists={"near": LIST})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["yes", "no", "x", "y", "MX", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
any_answers = st.dictionaries(keys, json_values | st.lists(st.sampled_from(["x", "y"]), max_size=2))
often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(definitions(), any_answers, st.sampled_from(["en", "es", "fr"]))
def test_any_form_that_is_read_can_be_shown_and_checked_for_any_answers(data, answers, language):
    before = copy.deepcopy(answers)
    form = read(data)
    checked = check(form, answers, language, today=TODAY)
    shown = {one.key for one in visible(form, answers)}
    laid_out = page(form, answers, language, checked.problems)
    assert {field.key for part in laid_out.sections for field in part.fields if field.is_shown} == shown
    assert set(checked.answers) | set(checked.problems) <= shown
    assert not set(checked.answers) & set(checked.problems)
    assert all(checked.problems.values())
    assert answers == before or str(answers) == str(before)  # nan is not equal to itself
    answered(form, answers, language)
    derived = derive(form, answers)
    if checked.is_good:
        assert {one.key for one in form.derived} <= set(derived)
        again = check(form, checked.answers, language, today=TODAY)
        assert again == checked


@often
@given(json_values)
def test_no_data_whatever_raise_anything_else(data):
    with pytest.raises(FormDataError):
        read(data)


@often
@given(st.data())
def test_a_ready_form_with_any_part_replaced_raises_nothing_else(data):
    """Replace something anywhere in a ready definition: it is read, or refused with a place."""
    form = ready(data.draw(st.sampled_from(READY)))
    node = form
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        deeper = isinstance(node[key], (dict, list)) and node[key] and data.draw(st.booleans())
        if not deeper:
            break
        node = node[key]
    node[key] = data.draw(json_values)
    try:
        made = read(form)
    except FormDataError:
        return
    page(made, {}, "es")
    check(made, {}, "es")
