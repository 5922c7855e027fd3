"""Rules from JSON and back. The schema, with an example for each kind, is `docs/reference/rules.md`.

Reading refuses what it does not know and names all problems at once (`RuleDataError`). How single fields are
read is in `reading.py`; conditions have the like in `condition_data.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from pratique.rules.condition_data import DEEPEST, condition_to_data, read_condition
from pratique.rules.evidence import Precision
from pratique.rules.periods import Period, format_period
from pratique.rules.reading import Fields, Problem, RuleDataError
from pratique.rules.types import (
    AllOf,
    Anchor,
    AnyOf,
    Condition,
    ConditionRule,
    DocumentRule,
    ExemptionRule,
    FormRule,
    LiveConflict,
    Recent,
    RecentKind,
    Requirement,
    Rule,
    Series,
    TiterRule,
    Window,
)

EXEMPTION_KINDS = ("medical", "religious", "philosophical", "other")
CONFIDENCES = ("", "high", "medium", "low")
MOST_DOSES = 12


def requirement_from_data(data: Mapping[str, Any]) -> Requirement:
    """Read a requirement. Raises RuleDataError with every problem found."""
    problems: list[Problem] = []
    requirement = _read_requirement(data, problems)
    if requirement is None or problems:
        raise RuleDataError(problems)
    return requirement


def rule_from_data(data: Mapping[str, Any]) -> Rule:
    """Read a rule. Raises RuleDataError with every problem found."""
    problems: list[Problem] = []
    rule = _read_rule(data, "", problems)
    if rule is None or problems:
        raise RuleDataError(problems)
    return rule


def condition_from_data(data: Mapping[str, Any]) -> Condition:
    """Read a condition. Raises RuleDataError with every problem found."""
    problems: list[Problem] = []
    condition = read_condition(data, "", problems)
    if condition is None or problems:
        raise RuleDataError(problems)
    return condition


def requirement_to_data(requirement: Requirement) -> dict[str, Any]:
    """Write a requirement as JSON values; `requirement_from_data` reads the same one back."""
    return _filled(
        key=requirement.key,
        name=requirement.name,
        rule=rule_to_data(requirement.rule),
        condition=None if requirement.condition is None else condition_to_data(requirement.condition),
        exemptions=[_exemption_to_data(accepted) for accepted in requirement.exemptions],
        source=requirement.source,
        as_of=requirement.as_of,
        confidence=requirement.confidence,
    )


def rule_to_data(rule: Rule) -> dict[str, Any]:
    """Write a rule as JSON values; `rule_from_data` reads the same one back."""
    match rule:
        case Series():
            return _series_to_data(rule)
        case Recent():
            data = _filled(kind="recent", of=rule.of, name=rule.name, cvx=rule.cvx, **_accepted(rule))
            return data | {"window": _window_to_data(rule.window)}
        case DocumentRule():
            return _filled(kind="document", document=rule.document, window=_window_to_data(rule.window))
        case FormRule():
            return _filled(
                kind="form",
                form=rule.form,
                questions=rule.questions,
                consents=rule.consents,
                signature=rule.signature,
                answers=None if rule.answers is None else condition_to_data(rule.answers),
                window=_window_to_data(rule.window),
            )
        case TiterRule():
            return _filled(kind="titer", antibodies=rule.antibodies, window=_window_to_data(rule.window))
        case ExemptionRule():
            return {"kind": "exemption", **_exemption_to_data(rule)}
        case ConditionRule(condition):
            return {"kind": "condition", "condition": condition_to_data(condition)}
        case AllOf(rules):
            return {"kind": "all_of", "rules": [rule_to_data(branch) for branch in rules]}
        case AnyOf(rules):
            return {"kind": "any_of", "rules": [rule_to_data(branch) for branch in rules]}


# --- reading ----------------------------------------------------------------------------------------------


def _read_requirement(data: Any, problems: list[Problem]) -> Requirement | None:
    read = Fields(data, "", problems)
    if not read.is_object:
        return None
    rule = _read_rule(read.value("rule"), "/rule", problems)
    condition = None
    if read.has("condition"):
        condition = read_condition(read.value("condition"), "/condition", problems)
    key, name, source = read.text("key"), read.text("name"), read.text("source", default="")
    as_of, confidence = read.day("as_of"), read.choice("confidence", CONFIDENCES, default="")
    exemptions = _read_exemptions(read)
    read.close()
    if rule is None:
        return None
    return Requirement(key, name, rule, condition, exemptions, source, as_of, confidence)


def _read_exemptions(read: Fields) -> tuple[ExemptionRule, ...]:
    values = read.value("exemptions") or []
    if not isinstance(values, (list, tuple)):
        read.refuse("exemptions", "this must be a list", "Write it as [...].")
        return ()
    accepted = []
    for place, value in enumerate(values):
        inner = Fields(value, f"{read.path}/exemptions/{place}", read.problems)
        accepted.append(_read_exemption(inner))
        inner.close()
    if len({one.exemption for one in accepted}) < len(accepted):
        read.refuse("exemptions", "a kind is listed twice", "List each kind once.")
    return tuple(accepted)


def _read_rule(data: Any, path: str, problems: list[Problem], depth: int = 1) -> Rule | None:
    read = Fields(data, path, problems)
    if not read.is_object:
        return None
    if depth > DEEPEST:
        read.refuse("", "rules are nested too deeply", f"Use at most {DEEPEST} levels.")
        return None
    kind = read.value("kind")
    if kind in ("all_of", "any_of"):
        rule = _read_branches(read, kind, depth)
    elif isinstance(kind, str) and kind in _READERS:
        rule = _READERS[kind](read)
    else:
        kinds = ", ".join(sorted((*_READERS, "all_of", "any_of")))
        read.refuse("kind", f"{kind!r} is not a kind of rule", f"Use one of: {kinds}.")
        return None
    read.close()
    return rule


def _read_branches(read: Fields, kind: str, depth: int) -> Rule | None:
    values = read.value("rules")
    if not isinstance(values, (list, tuple)) or not values:
        read.refuse("rules", "this must be a list of rules, not empty", "Write it as [{...}, {...}].")
        return None
    branches = [
        _read_rule(value, f"{read.path}/rules/{place}", read.problems, depth + 1)
        for place, value in enumerate(values)
    ]
    good = tuple(branch for branch in branches if branch is not None)
    return AllOf(good) if kind == "all_of" else AnyOf(good)


def _read_series(read: Fields) -> Series:
    doses = read.integer("doses", low=1, high=MOST_DOSES)
    series = Series(
        vaccine=read.text("vaccine"),
        cvx=read.codes("cvx"),
        doses=doses,
        min_age=read.periods("min_age", most=doses),
        min_interval=read.periods("min_interval", most=doses - 1),
        min_interval_from_first=read.periods("min_interval_from_first", most=doses - 1),
        products=read.code_lists("products", most=doses),
        same_brand=_read_brands(read),
        earliest=read.day("earliest"),
        latest=read.day("latest"),
        window=_read_window(read),
        booster_every=read.period("booster_every"),
        live_conflict=_read_live_conflict(read),
        grace_age_days=read.integer("grace_age_days", low=0, high=31, default=4),
        grace_interval_days=read.integer("grace_interval_days", low=0, high=31, default=4),
        accepts=_read_precision(read),
    )
    for place, products in enumerate(series.products):
        if products is not None and not products <= series.cvx:
            read.refuse(
                f"products/{place}", "a code is not among the codes of the series", 'Add it to "cvx".'
            )
    if series.booster_every == Period():
        read.refuse("booster_every", "a booster is due after no time at all", "Write it as P10Y or the like.")
    if series.earliest and series.latest and series.earliest > series.latest:
        read.refuse("latest", "this is before the earliest date", "Swap the two dates.")
    return series


def _read_brands(read: Fields) -> tuple[frozenset[str], ...]:
    """Read `same_brand`: true (each code is a brand of its own).

    Or the groups of codes that are one brand.
    """
    value = read.value("same_brand")
    if value is None or value is False:
        return ()
    codes = read.codes("cvx")
    if value is True:
        return tuple(frozenset({code}) for code in sorted(codes))
    brands = [brand for brand in read.code_lists("same_brand", most=50) if brand is not None]
    if any(not brand <= codes for brand in brands):
        read.refuse("same_brand", "a code is not among the codes of the series", 'Add it to "cvx".')
    return tuple(brands)


def _read_live_conflict(read: Fields) -> LiveConflict | None:
    if not read.has("live_conflict"):
        return None
    inner = Fields(read.value("live_conflict"), f"{read.path}/live_conflict", read.problems)
    conflict = LiveConflict(inner.codes("cvx"), inner.integer("days", low=1, high=365, default=28))
    inner.close()
    return conflict


def _read_precision(read: Fields) -> Precision:
    """Read how well the date of a dose must be known: to the day, unless the rule says otherwise."""
    return Precision(read.choice("accept_dates", list(Precision), default="day"))


_BOUNDS = ("since", "since_day", "within", "at_least_before", "since_age")


def _read_window(read: Fields) -> Window | None:
    if not read.has("window"):
        return None
    inner = Fields(read.value("window"), f"{read.path}/window", read.problems)
    window = Window(
        since=inner.day("since"),
        since_day=inner.month_day("since_day"),
        within=inner.period("within"),
        at_least_before=inner.period("at_least_before"),
        since_age=inner.period("since_age"),
        of=Anchor(inner.choice("of", [anchor.value for anchor in Anchor], default="today")),
    )
    inner.close()
    if inner.is_object and not any(inner.has(bound) for bound in _BOUNDS):
        inner.refuse("", "the window has no bound", f"Give one of: {', '.join(_BOUNDS)}.")
    if window.at_least_before is not None and window.of is Anchor.TODAY:
        inner.refuse("of", "a lead time needs a fixed day", 'Set "of" to term_start or due.')
    return window


def _read_recent(read: Fields) -> Recent:
    of = RecentKind(read.choice("of", [kind.value for kind in RecentKind]))
    window = _read_window(read)
    if window is None:
        read.refuse("window", "the window is missing", 'Give it as {"within": "P12M"} or the like.')
    name, window = read.text("name"), window or Window()
    if of is RecentKind.DOSE:
        return Recent(of, name, window, read.codes("cvx"), _read_precision(read))
    return Recent(of, name, window)


def _read_document(read: Fields) -> DocumentRule:
    return DocumentRule(read.text("document"), _read_window(read))


def _read_form(read: Fields) -> FormRule:
    answers = None
    if read.has("answers"):
        answers = read_condition(read.value("answers"), f"{read.path}/answers", read.problems)
    return FormRule(
        form=read.text("form"),
        questions=read.words("questions", required=False),
        consents=read.words("consents", required=False),
        signature=read.flag("signature", default=False),
        answers=answers,
        window=_read_window(read),
    )


def _read_titer(read: Fields) -> TiterRule:
    return TiterRule(read.words("antibodies"), _read_window(read))


def _read_exemption(read: Fields) -> ExemptionRule:
    months = None
    if read.has("validity_months"):
        months = read.integer("validity_months", low=1, high=1200)
    kind = read.choice("exemption", EXEMPTION_KINDS)
    return ExemptionRule(kind, read.flag("needs_document", default=True), months)


def _read_condition_rule(read: Fields) -> ConditionRule | None:
    condition = read_condition(read.value("condition"), f"{read.path}/condition", read.problems)
    return None if condition is None else ConditionRule(condition)


_READERS: dict[str, Callable[[Fields], Rule | None]] = {
    "series": _read_series,
    "recent": _read_recent,
    "document": _read_document,
    "form": _read_form,
    "titer": _read_titer,
    "exemption": _read_exemption,
    "condition": _read_condition_rule,
}


# --- writing ----------------------------------------------------------------------------------------------


def _series_to_data(rule: Series) -> dict[str, Any]:
    values = ((field, getattr(rule, field.name)) for field in fields(rule))
    data = {field.name: value for field, value in values if value != field.default}
    data.pop("accepts", None)
    data |= {"window": _window_to_data(rule.window), **_accepted(rule)}
    if rule.live_conflict is not None:
        data["live_conflict"] = {"cvx": sorted(rule.live_conflict.cvx), "days": rule.live_conflict.days}
    return _filled(kind="series", **data)


def _accepted(rule: Series | Recent) -> dict[str, Any]:
    return {} if rule.accepts is Precision.DAY else {"accept_dates": rule.accepts}


def _window_to_data(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    data = {field.name: getattr(window, field.name) for field in fields(window)}
    if window.since_day is not None:
        data["since_day"] = "{:02}-{:02}".format(*window.since_day)
    return _filled(**data)


def _exemption_to_data(rule: ExemptionRule) -> dict[str, Any]:
    data = {"exemption": rule.exemption, "needs_document": rule.needs_document}
    return data | _filled(validity_months=rule.validity_months)


def _filled(**values: Any) -> dict[str, Any]:
    """Return the values that say something, as JSON values."""
    return {
        name: _plain(value)
        for name, value in values.items()
        if value is not None and value is not False and value not in ((), [], "", frozenset())
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Period):
        return format_period(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
