"""What may be handed in for a requirement: the rule and its exemptions taken apart, for screens that ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pratique.rules.evidence import Precision
from pratique.rules.types import (
    AllOf,
    AnyOf,
    ConditionRule,
    DocumentRule,
    ExemptionRule,
    FormRule,
    Recent,
    RecentKind,
    Requirement,
    Rule,
    Series,
    TiterRule,
)


class Way(NamedTuple):
    """One kind of thing that bears on a requirement.

    `kind`: dose, titer, document, form or exemption. `names`: the vaccine, the antibodies, or the kind asked for.
    `cvx`: the products that count (doses). `doses`: how many. `accepts`: how well a dose's date must be known.
    """

    kind: str
    names: tuple[str, ...]
    cvx: frozenset[str] = frozenset()
    doses: int = 0
    accepts: Precision = Precision.DAY
    needs_document: bool = False


def ways(requirement: Requirement) -> tuple[Way, ...]:
    """Return what may be handed in, in the order in which the rule names it, exemptions last, nothing twice."""
    found = list(_of_rule(requirement.rule))
    found += [_exemption(rule) for rule in requirement.exemptions]
    return tuple(dict.fromkeys(found))


def _of_rule(rule: Rule) -> Iterator[Way]:
    match rule:
        case Series():
            yield Way("dose", (rule.vaccine,), rule.cvx, doses=rule.doses, accepts=rule.accepts)
        case Recent(of=RecentKind.DOSE):
            yield Way("dose", (rule.name,), rule.cvx, doses=1, accepts=rule.accepts)
        case Recent():
            yield Way(str(rule.of), (rule.name,))
        case DocumentRule():
            yield Way("document", (rule.document,))
        case FormRule():
            yield Way("form", (rule.form,))
        case TiterRule():
            yield Way("titer", rule.antibodies)
        case ExemptionRule():
            yield _exemption(rule)
        case AllOf(rules) | AnyOf(rules):
            for branch in rules:
                yield from _of_rule(branch)
        case ConditionRule():
            return


def _exemption(rule: ExemptionRule) -> Way:
    return Way("exemption", (rule.exemption,), needs_document=rule.needs_document)
