"""The requirement rule engine: evidence, facts, rules and a date in; a verdict with reasons out.

Standard library only.

`types.py` says what goes in and out, `evaluate.py` what a status is made of; `explain.py` and `describe.py`
put reasons and rules into words, `data.py` reads and writes rules as JSON, `presets.py` has ready ones.
Reference: `docs/reference/rules.md`.

The neighbours do the rest: `records` keeps the evidence and its review, `requirements` the versions of an
institution's rules, `compliance` evaluates in bulk and stores what changed, `schedule` knows the CDC
schedule.
"""

from pratique.rules.condition_data import condition_to_data
from pratique.rules.data import (
    condition_from_data,
    requirement_from_data,
    requirement_to_data,
    rule_from_data,
    rule_to_data,
)
from pratique.rules.describe import describe
from pratique.rules.evaluate import Evaluator, compile_requirement, evaluate
from pratique.rules.evidence import (
    PROOF,
    Document,
    Dose,
    Evidence,
    EvidenceState,
    Exemption,
    FormAnswer,
    PartialDate,
    Precision,
    StudentFacts,
    Titer,
)
from pratique.rules.explain import explain, format_date, name_in_words, reason_from_data, reason_to_data
from pratique.rules.outcome import Relevance
from pratique.rules.periods import Period, add_period, format_period, last_day, parse_period
from pratique.rules.presets import PRESETS, preset
from pratique.rules.reading import Problem, RuleDataError
from pratique.rules.satisfied_by import describe_to_student
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
    DoseFinding,
    ExemptionRule,
    FormRule,
    InGroup,
    InTerm,
    ItemStatus,
    LiveConflict,
    Not,
    OnCampus,
    Or,
    Reason,
    Recent,
    RecentKind,
    Requirement,
    Rule,
    Series,
    TiterRule,
    Verdict,
    Window,
)
from pratique.rules.ways import Way, ways

__all__ = [
    "PRESETS",
    "PROOF",
    "AgeBetween",
    "AllOf",
    "Anchor",
    "And",
    "AnyOf",
    "Attribute",
    "BornBetween",
    "Comparison",
    "Condition",
    "ConditionRule",
    "Document",
    "DocumentRule",
    "Dose",
    "DoseFinding",
    "Evaluator",
    "Evidence",
    "EvidenceState",
    "Exemption",
    "ExemptionRule",
    "FormAnswer",
    "FormRule",
    "InGroup",
    "InTerm",
    "ItemStatus",
    "LiveConflict",
    "Not",
    "OnCampus",
    "Or",
    "PartialDate",
    "Period",
    "Precision",
    "Problem",
    "Reason",
    "Recent",
    "RecentKind",
    "Relevance",
    "Requirement",
    "Rule",
    "RuleDataError",
    "Series",
    "StudentFacts",
    "Titer",
    "TiterRule",
    "Verdict",
    "Way",
    "Window",
    "add_period",
    "compile_requirement",
    "condition_from_data",
    "condition_to_data",
    "describe",
    "describe_to_student",
    "evaluate",
    "explain",
    "format_date",
    "format_period",
    "last_day",
    "name_in_words",
    "parse_period",
    "preset",
    "reason_from_data",
    "reason_to_data",
    "requirement_from_data",
    "requirement_to_data",
    "rule_from_data",
    "rule_to_data",
    "ways",
]
