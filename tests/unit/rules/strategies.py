"""Random rules, facts and evidence, small enough that they often meet: few codes, few years."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from pratique.rules import (
    AgeBetween,
    AllOf,
    Anchor,
    And,
    AnyOf,
    Attribute,
    BornBetween,
    Comparison,
    ConditionRule,
    Document,
    DocumentRule,
    Dose,
    Evidence,
    Exemption,
    ExemptionRule,
    FormAnswer,
    FormRule,
    InGroup,
    InTerm,
    LiveConflict,
    Not,
    OnCampus,
    Or,
    Period,
    Precision,
    Recent,
    RecentKind,
    Requirement,
    Series,
    StudentFacts,
    Titer,
    TiterRule,
    Window,
)

BIRTH = date(2018, 1, 15)
CODES = ("03", "21", "94", "115")
STATES = ("approved", "pending", "rejected")

days = st.dates(date(2017, 12, 1), date(2023, 12, 31))
ids = st.integers(1, 10**6).map(str)
states = st.sampled_from(STATES)
code_sets = st.frozensets(st.sampled_from(CODES), min_size=1)
periods = st.sampled_from(
    [Period(days=7), Period(days=28), Period(weeks=24), Period(months=1), Period(months=6), Period(years=2)]
)
maybe_periods = st.none() | periods
arrivals = st.none() | st.integers(0, 5).map(lambda hour: datetime(2023, 1, 1, hour, tzinfo=UTC))


def _roughly(dose, precision):
    """Make the date of a dose one that is known by month or year only."""
    first = {"day": {}, "month": {"day": 1}, "year": {"month": 1, "day": 1}}[precision]
    return dose._replace(administered_on=dose.administered_on.replace(**first), precision=precision)


precisions = st.sampled_from(["day", "day", "day", "month", "month", "year"])
accepted_precisions = st.sampled_from(Precision)
exact_doses = st.builds(Dose, ids, st.sampled_from(CODES), days, states, arrivals)
doses = st.builds(_roughly, exact_doses, precisions)
titers = st.builds(
    Titer, ids, st.sampled_from(["measles", "mumps"]), st.sampled_from(["positive", "negative", "equivocal"]),
    days, states, arrivals,
)  # fmt: skip
documents = st.builds(Document, ids, st.sampled_from(["exam", "letter"]), st.none() | days, states, arrivals)
answers = st.fixed_dictionaries(
    {}, optional={"risk": st.booleans() | st.just(""), "agree": st.booleans(), "credits": st.integers(0, 20)}
)
forms = st.builds(
    FormAnswer, ids, st.sampled_from(["tb", "mening"]), answers, st.none() | days, states, arrivals
)
exemption_kinds = st.sampled_from(["medical", "religious", "other"])
exemptions = st.builds(
    Exemption, ids, exemption_kinds, st.sampled_from(["", "mmr", "else"]), st.none() | days, st.none() | days,
    st.booleans(), states, arrivals,
)  # fmt: skip


def several(items, most):
    return st.lists(items, max_size=most, unique_by=lambda item: item.id).map(tuple)


evidences = st.builds(
    Evidence,
    several(doses, 6),
    several(titers, 3),
    several(documents, 3),
    several(forms, 3),
    several(exemptions, 2),
)
late_days = st.dates(date(2021, 1, 1), date(2023, 12, 31))
births = st.none() | st.sampled_from([BIRTH, date(2020, 2, 29), date(2018, 1, 31)])
facts = st.builds(
    StudentFacts,
    births,
    st.none() | st.booleans(),
    st.fixed_dictionaries(
        {}, optional={"credits": st.integers(0, 12), "country": st.sampled_from(["US", "CA", ""]),
                      "programs": st.just(["nursing"])}
    ),
    st.sampled_from(["", "UG", "Nursing"]),
    st.sampled_from(["", "Fall"]),
    st.none() | days,
    st.none() | days,
)  # fmt: skip


known_facts = facts.map(lambda known: known._replace(date_of_birth=known.date_of_birth or BIRTH))


def _windows(**bounds):
    return st.builds(Window, **bounds).filter(lambda window: window != Window(of=window.of))


windows = _windows(
    since=st.none() | days,
    since_day=st.none() | st.sampled_from([(8, 1), (1, 1), (12, 31)]),
    within=maybe_periods,
    since_age=maybe_periods,
) | _windows(
    since_day=st.none() | st.just((8, 1)),
    within=maybe_periods,
    at_least_before=maybe_periods,
    of=st.sampled_from([Anchor.TERM_START, Anchor.DUE]),
)
maybe_windows = st.none() | windows

attributes = (
    st.builds(Attribute, st.just("country"), st.just(Comparison.IN), st.just(("US", "CA")))
    | st.builds(Attribute, st.just("country"), st.just(Comparison.EQUALS), st.just("US"))
    | st.builds(Attribute, st.just("programs"), st.just(Comparison.HAS), st.just("nursing"))
    | st.builds(
        Attribute,
        st.just("credits"),
        st.sampled_from([Comparison.AT_LEAST, Comparison.BELOW]),
        st.integers(1, 10),
    )
)
ages = st.builds(AgeBetween, st.sampled_from(Anchor) | days, maybe_periods, maybe_periods).filter(
    lambda age: age.at_least is not None or age.below is not None
)
births_between = st.builds(BornBetween, st.none() | days, st.none() | days).filter(
    lambda born: born != BornBetween()
)
names = st.frozensets(st.sampled_from(["UG", "Fall", "Nursing"]), min_size=1)
leaf_conditions = (
    st.builds(OnCampus, st.booleans()) | ages | births_between | attributes
    | st.builds(InGroup, names) | st.builds(InTerm, names)
)  # fmt: skip


def _combined(parts):
    some = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.builds(And, some) | st.builds(Or, some) | st.builds(Not, parts)


conditions = st.recursive(leaf_conditions, _combined, max_leaves=4)


@st.composite
def series(draw, plain=False, one_brand=True):
    """A series; a plain one has neither live conflict nor a last date, so that more doses never hurt."""
    cvx = draw(code_sets)
    count = draw(st.integers(1, 3))
    later = st.lists(maybe_periods, max_size=count - 1).map(tuple)
    each_code = tuple(frozenset({code}) for code in sorted(cvx))
    brands = st.sampled_from([(), each_code] if one_brand and len(cvx) > 1 else [()])
    products = st.lists(st.none() | st.frozensets(st.sampled_from(sorted(cvx)), min_size=1), max_size=count)
    return Series(
        vaccine="MMR",
        cvx=cvx,
        doses=count,
        min_age=draw(st.lists(maybe_periods, max_size=count).map(tuple)),
        min_interval=draw(later),
        min_interval_from_first=draw(later),
        products=draw(products.map(tuple)),
        same_brand=draw(brands),
        earliest=draw(st.none() | st.dates(date(2017, 12, 1), date(2019, 12, 31))),
        latest=draw(st.none() | st.dates(date(2020, 1, 1), date(2023, 12, 31))),
        window=draw(maybe_windows),
        booster_every=draw(maybe_periods),
        live_conflict=None if plain else draw(st.none() | st.builds(LiveConflict, code_sets)),
        grace_age_days=draw(st.sampled_from([0, 4])),
        grace_interval_days=draw(st.sampled_from([0, 4])),
        accepts=draw(accepted_precisions),
    )


exemption_rules = st.builds(
    ExemptionRule, exemption_kinds, st.booleans(), st.none() | st.sampled_from([6, 12])
)
leaf_rules = (
    series()
    | st.builds(Recent, st.just(RecentKind.DOSE), st.just("MMR"), windows, code_sets, accepted_precisions)
    | st.builds(Recent, st.just(RecentKind.DOCUMENT), st.just("exam"), windows)
    | st.builds(Recent, st.just(RecentKind.FORM), st.just("tb"), windows)
    | st.builds(Recent, st.just(RecentKind.TITER), st.just("measles"), windows)
    | st.builds(DocumentRule, st.sampled_from(["exam", "letter"]), maybe_windows)
    | st.builds(
        FormRule,
        st.sampled_from(["tb", "mening"]),
        st.sampled_from([(), ("risk",)]),
        st.sampled_from([(), ("agree",)]),
        st.booleans(),
        st.none() | attributes | st.just(Attribute("risk", Comparison.EQUALS, False)),
        maybe_windows,
    )
    | st.builds(TiterRule, st.sampled_from([("measles",), ("measles", "mumps")]), maybe_windows)
    | exemption_rules
    | st.builds(ConditionRule, conditions)
)


def _branched(rules):
    some = st.lists(rules, min_size=1, max_size=3).map(tuple)
    return st.builds(AllOf, some) | st.builds(AnyOf, some)


rules = st.recursive(leaf_rules, _branched, max_leaves=4)
requirements = st.builds(
    Requirement,
    st.just("mmr"),
    st.just("MMR"),
    rules,
    st.none() | conditions,
    st.lists(exemption_rules, max_size=2, unique_by=lambda rule: rule.exemption).map(tuple),
    st.sampled_from(["", "ACHA"]),
    st.none() | days,
    st.sampled_from(["", "high"]),
)
