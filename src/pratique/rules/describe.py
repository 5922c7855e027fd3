"""Rules, conditions and requirements in plain sentences with their own numbers, for those who edit them.

Reasons of a verdict are `explain.py`'s; here no student is in sight. Every template goes through gettext.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pratique.rules.evidence import Precision
from pratique.rules.explain import (
    FormatDate,
    Gettext,
    format_date,
    in_english,
    name_in_words,
    period_in_words,
    word,
)
from pratique.rules.periods import Period
from pratique.rules.sentences import DAY_OF_MONTH, MONTHS, N_, ORDINALS
from pratique.rules.types import (
    AgeBetween,
    AllOf,
    Anchor,
    And,
    AnyOf,
    Attribute,
    BornBetween,
    Comparison,
    Condition,
    ConditionRule,
    DocumentRule,
    ExemptionRule,
    FormRule,
    InGroup,
    InTerm,
    Not,
    OnCampus,
    Or,
    Recent,
    RecentKind,
    Requirement,
    Rule,
    Series,
    TiterRule,
    Window,
)


def describe(
    thing: Requirement | Rule | Condition,
    gettext: Gettext = in_english,
    format_date: FormatDate = format_date,
    products: Mapping[str, str] | None = None,
) -> str:
    """Return a requirement or rule in plain sentences; a condition as a phrase that follows "if".

    `products` names vaccines by their CVX codes.
    """
    speaker = Speaker(gettext, format_date, products or {})
    if isinstance(thing, Requirement):
        return speaker.requirement(thing)
    if isinstance(thing, Rule):
        return speaker.rule(thing)
    return speaker.condition(thing)


_ANCHORS = {
    Anchor.TODAY: N_("today"),
    Anchor.TERM_START: N_("the first day of term"),
    Anchor.DUE: N_("the due date"),
}
_RECENT = {
    RecentKind.DOSE: N_("One dose of {name} {window}."),
    RecentKind.DOCUMENT: N_("A document ({name}) dated {window}."),
    RecentKind.FORM: N_("A form ({name}) signed {window}."),
    RecentKind.TITER: N_("A positive titer for {name} collected {window}."),
}
_PRECISIONS = {
    Precision.MONTH: N_("Where the exact day is not known, month and year are enough."),
    Precision.YEAR: N_("Where the exact day is not known, the year is enough."),
}
_COMPARISONS = {
    Comparison.EQUALS: N_("{name} is {value}"),
    Comparison.IN: N_("{name} is one of {value}"),
    Comparison.HAS: N_("{name} includes {value}"),
    Comparison.AT_LEAST: N_("{name} is at least {value}"),
    Comparison.BELOW: N_("{name} is below {value}"),
}


class Speaker:
    """Says rules in one language."""

    def __init__(self, gettext: Gettext, format_date: FormatDate, products: Mapping[str, str]) -> None:
        self._gettext = gettext
        self._products = products
        self._date = format_date
        self._inside = 0

    def requirement(self, requirement: Requirement) -> str:
        """Say name, rule, for whom, and which exemptions are accepted."""
        parts = [
            self._say(
                N_("{name}: {rule}"),
                name=name_in_words(requirement.name, self._gettext),
                rule=self.rule(requirement.rule),
            )
        ]
        if requirement.condition is not None:
            parts.append(
                self._say(N_("Applies if {condition}."), condition=self.condition(requirement.condition))
            )
        parts += [self._exemption(accepted) for accepted in requirement.exemptions]
        return " ".join(parts)

    def rule(self, rule: Rule) -> str:
        """Say a rule in sentences."""
        match rule:
            case Series():
                return " ".join(self._series(rule))
            case Recent(of, name, window):
                said = self._say(_RECENT[of], name=word(name, self._gettext), window=self._window(window))
                return " ".join((said, *self._precision(rule)))
            case DocumentRule(document, window):
                return self._dated(
                    N_("A document: {name}."), N_("A document ({name}) dated {window}."), document, window
                )
            case FormRule():
                return " ".join(self._form(rule))
            case TiterRule(antibodies, window):
                names = self._listed([word(name, self._gettext) for name in antibodies], N_("and"))
                text = (
                    N_("A positive titer for {name}."),
                    N_("A positive titer for {name} collected {window}."),
                )
                return self._dated(*text, names, window)
            case ExemptionRule():
                return self._exemption(rule)
            case ConditionRule(condition):
                return self._say(
                    N_("Met without evidence if {condition}."), condition=self.condition(condition)
                )
            case AllOf(rules):
                return self._branches(N_("All of these. {branches}"), rules)
            case AnyOf(rules):
                return self._branches(N_("Any one of these. {branches}"), rules)

    def condition(self, condition: Condition) -> str:
        """Say a condition as a phrase that follows "if"."""
        match condition:
            case OnCampus(value):
                text = (
                    N_("the student lives on campus") if value else N_("the student does not live on campus")
                )
                return self._gettext(text)
            case AgeBetween():
                return self._age(condition)
            case BornBetween():
                return self._born(condition)
            case Attribute(name, comparison, value):
                values = [str(item) for item in value] if isinstance(value, tuple) else [self._value(value)]
                listed = self._listed(values, N_("or"))
                return self._say(_COMPARISONS[comparison], name=word(name, self._gettext), value=listed)
            case InGroup(names):
                return self._say(
                    N_("the requirement group is {names}"), names=self._listed(sorted(names), N_("or"))
                )
            case InTerm(names):
                return self._say(N_("the term is {names}"), names=self._listed(sorted(names), N_("or")))
            case And(parts):
                return self._joined(parts, N_("and"))
            case Or(parts):
                return self._joined(parts, N_("or"))
            case Not(part):
                return self._say(N_("it is not so that {condition}"), condition=self._nested(part))

    # --- series -------------------------------------------------------------------------------------------

    def _series(self, rule: Series) -> list[str]:
        vaccine = name_in_words(rule.vaccine, self._gettext)
        if rule.doses == 1:
            parts = [self._say(N_("One dose of {vaccine}."), vaccine=vaccine)]
        else:
            parts = [self._say(N_("{doses} doses of {vaccine}."), doses=rule.doses, vaccine=vaccine)]
        limits = [said for index in range(rule.doses) if (said := self._limits(rule, index))]
        if limits:
            said = "; ".join(limits)
            parts.append(f"{said[0].upper()}{said[1:]}.")
        parts += self._dates_and_brands(rule)
        parts += self._grace(rule)
        parts += self._precision(rule)
        return parts

    def _limits(self, rule: Series, index: int) -> str:
        """Say the limits on one dose, "" where it has none."""
        limits = []
        age, interval = _entry(rule.min_age, index), _entry(rule.min_interval, index - 1)
        from_first, products = _entry(rule.min_interval_from_first, index - 1), _entry(rule.products, index)
        if age is not None:
            limits.append(self._say(N_("no earlier than {age} of age"), age=self._period(age)))
        if interval is not None:
            text, before = N_("at least {interval} after the {before}"), self._gettext(ORDINALS[index - 1])
            limits.append(self._say(text, interval=self._period(interval), before=before))
        if from_first is not None and not (index == 1 and from_first == interval):
            text = N_("at least {interval} after the first")
            limits.append(self._say(text, interval=self._period(from_first)))
        if products is not None:
            limits.append(self._product(sorted(products)))
        if not limits or rule.doses == 1:
            return self._listed(limits, N_("and"))
        which, said = self._gettext(ORDINALS[index]), self._listed(limits, N_("and"))
        return self._say(N_("the {which} {limits}"), which=which, limits=said)

    def _product(self, codes: Sequence[str]) -> str:
        """Say which products a dose must be of: by name where all of them have one, else by code."""
        names = list(dict.fromkeys(self._products[code] for code in codes if code in self._products))
        if names and all(code in self._products for code in codes):
            return self._say(N_("of the product {names}"), names=self._listed(names, N_("or")))
        return self._say(N_("of a product with CVX code {codes}"), codes=self._listed(codes, N_("or")))

    def _dates_and_brands(self, rule: Series) -> list[str]:
        parts = []
        if rule.same_brand:
            parts.append(self._gettext(N_("All doses must be of the same brand.")))
        if rule.earliest is not None:
            parts.append(self._say(N_("Doses before {day} do not count."), day=self._date(rule.earliest)))
        if rule.latest is not None:
            parts.append(self._say(N_("Doses after {day} do not count."), day=self._date(rule.latest)))
        if rule.window is not None:
            text = (
                N_("It must be given {window}.")
                if rule.doses == 1
                else N_("The last must be given {window}.")
            )
            parts.append(self._say(text, window=self._window(rule.window)))
        if rule.booster_every is not None:
            text = N_("A further dose is due {period} after the last.")
            parts.append(self._say(text, period=self._period(rule.booster_every)))
        if rule.live_conflict is not None:
            text = N_(
                "A dose given less than {days} days after another live vaccine does not count, "
                "unless both were given on the same day."
            )
            parts.append(self._say(text, days=rule.live_conflict.days))
        return parts

    def _grace(self, rule: Series) -> list[str]:
        """Say the grace where there is anything to be early for."""
        ages = any(rule.min_age)
        intervals = any(rule.min_interval) or any(rule.min_interval_from_first)
        if ages and intervals and rule.grace_age_days == rule.grace_interval_days:
            both = N_("Doses given up to {early} are accepted.")
            return [said] if (said := self._days_early(both, rule.grace_age_days)) else []
        parts = []
        if ages:
            text = N_("Doses given up to {early} for the age are accepted.")
            parts.append(self._days_early(text, rule.grace_age_days))
        if intervals:
            text = N_("Doses given up to {early} for the interval are accepted.")
            parts.append(self._days_early(text, rule.grace_interval_days))
        return [part for part in parts if part]

    def _precision(self, rule: Series | Recent) -> list[str]:
        """Say where less than the exact day will do."""
        text = _PRECISIONS.get(rule.accepts)
        return [] if text is None else [self._gettext(text)]

    def _days_early(self, text: str, days: int) -> str:
        if not days:
            return ""
        early = N_("one day early") if days == 1 else N_("{number} days early")
        return self._say(text, early=self._say(early, number=days))

    # --- the other kinds ----------------------------------------------------------------------------------

    def _form(self, rule: FormRule) -> list[str]:
        parts = [
            self._dated(N_("A form: {name}."), N_("A form ({name}) signed {window}."), rule.form, rule.window)
        ]
        for text, names in (
            (N_("It must answer: {names}."), rule.questions),
            (N_("It must consent to: {names}."), rule.consents),
        ):
            if names:
                listed = self._listed([word(name, self._gettext) for name in names], N_("and"))
                parts.append(self._say(text, names=listed))
        if rule.signature:
            parts.append(self._gettext(N_("It must be signed.")))
        if rule.answers is not None:
            parts.append(
                self._say(
                    N_("Its answers must be such that {condition}."), condition=self.condition(rule.answers)
                )
            )
        return parts

    def _exemption(self, rule: ExemptionRule) -> str:
        kind = word(rule.exemption, self._gettext)
        said = self._say(N_("{kind} with a document"), kind=kind) if rule.needs_document else kind
        if rule.validity_months is None:
            return self._say(N_("{exemption} is accepted."), exemption=said)
        months = self._period(Period(months=rule.validity_months))
        return self._say(N_("{exemption} is accepted for {months}."), exemption=said, months=months)

    def _dated(self, plain: str, dated: str, name: str, window: Window | None) -> str:
        name = word(name, self._gettext)
        if window is None:
            return self._say(plain, name=name)
        return self._say(dated, name=name, window=self._window(window))

    def _branches(self, text: str, rules: Sequence[Rule]) -> str:
        """Number the branches; those of a rule inside a rule by letters, so that both stay apart."""
        marks = "abcdefghijklmnopqrstuvwxyz" if self._inside else [str(number) for number in range(1, 27)]
        self._inside += 1
        said = [f"({marks[place % 26]}) {self.rule(rule)}" for place, rule in enumerate(rules)]
        self._inside -= 1
        return self._say(text, branches=" ".join(said))

    # --- windows and conditions ---------------------------------------------------------------------------

    def _window(self, window: Window) -> str:
        anchor = self._gettext(_ANCHORS[window.of])
        parts = []
        if window.since is not None:
            parts.append(self._say(N_("on or after {day}"), day=self._date(window.since)))
        if window.since_day is not None:
            month, day = window.since_day
            said = self._say(DAY_OF_MONTH, month=self._gettext(MONTHS[month - 1]), day=day)
            parts.append(self._say(N_("since the last {day} before {anchor}"), day=said, anchor=anchor))
        if window.within is not None:
            period = self._period(window.within)
            parts.append(self._say(N_("no more than {period} before {anchor}"), period=period, anchor=anchor))
        if window.at_least_before is not None:
            period = self._period(window.at_least_before)
            parts.append(self._say(N_("at least {period} before {anchor}"), period=period, anchor=anchor))
        if window.since_age is not None:
            parts.append(self._say(N_("at the age of {age} or later"), age=self._period(window.since_age)))
        return self._listed(parts, N_("and"))

    def _age(self, condition: AgeBetween) -> str:
        at = condition.at
        day = self._gettext(_ANCHORS[at]) if isinstance(at, Anchor) else self._date(at)
        parts = []
        if condition.at_least is not None:
            parts.append(self._say(N_("at least {age} old"), age=self._period(condition.at_least)))
        if condition.below is not None:
            parts.append(self._say(N_("younger than {age}"), age=self._period(condition.below)))
        return self._say(N_("the student is {age} on {day}"), age=self._listed(parts, N_("and")), day=day)

    def _born(self, condition: BornBetween) -> str:
        parts = []
        if condition.from_day is not None:
            parts.append(self._say(N_("on or after {day}"), day=self._date(condition.from_day)))
        if condition.before is not None:
            parts.append(self._say(N_("before {day}"), day=self._date(condition.before)))
        return self._say(N_("the student was born {when}"), when=self._listed(parts, N_("and")))

    def _joined(self, parts: Sequence[Condition], link: str) -> str:
        return self._listed([self._nested(part) for part in parts], link)

    def _nested(self, part: Condition) -> str:
        said = self.condition(part)
        return f"({said})" if isinstance(part, (And, Or)) else said

    def _value(self, value: Any) -> str:
        if isinstance(value, bool):
            return self._gettext(N_("yes") if value else N_("no"))
        return str(value)

    # --- words --------------------------------------------------------------------------------------------

    def _say(self, text: str, **words: Any) -> str:
        return self._gettext(text).format(**words)

    def _period(self, period: Period) -> str:
        return period_in_words(period, self._gettext)

    def _listed(self, parts: Sequence[str], link: str) -> str:
        """Join with commas and a last "and" or "or"."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self._gettext(link)} {parts[-1]}"


def _entry(entries: Sequence[Any], index: int) -> Any:
    return entries[index] if 0 <= index < len(entries) else None
