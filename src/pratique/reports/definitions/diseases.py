"""Diseases as reports know them: which vaccines and antibodies speak of one, and which requirements prove it. PURE.

Codes: every CVX code whose vaccine contains the antigen (CDC code sets, version in `records.products`), with
combinations. How many doses are enough where no requirement says so: ACIP's routine numbers for adolescents and
adults (General Best Practices; ACHA 2021). Born before 1957: ACIP's presumptive evidence of immunity to measles,
mumps and rubella (MMWR 2013;62(RR-4)).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils.translation import gettext_lazy

from pratique.reports.types import Choice, Text
from pratique.requirements.queries import SetInForce
from pratique.rules import (
    AllOf,
    AnyOf,
    ConditionRule,
    Recent,
    RecentKind,
    Requirement,
    Rule,
    Series,
    TiterRule,
)


@dataclass(frozen=True)
class Disease:
    """One disease. `doses` are enough where nothing else says so; with `lasts_days`, only doses since then count."""

    key: str
    title: Text
    cvx: frozenset[str]
    antibodies: frozenset[str]
    doses: int
    born_before: date | None = None
    lasts_days: int | None = None


def _disease(
    key: str,
    title: Text,
    cvx: str,
    doses: int,
    antibodies: str = "",
    *,
    old: bool = False,
    lasts: int | None = None,
) -> Disease:
    return Disease(
        key,
        title,
        frozenset(cvx.split()),
        frozenset((antibodies or key).split()),
        doses,
        date(1957, 1, 1) if old else None,
        lasts,
    )


_TEN_YEARS = 3653
_INFLUENZA = (
    "15 16 88 111 135 140 141 144 149 150 151 153 155 158 161 166 168 171 185 186 194 197 200 201 202 205 231 "
    "320 331 333"
)
_COVID = (
    "207 208 210 211 212 213 217 218 219 221 227 228 229 230 300 301 302 308 309 310 311 312 313 334 500 501 502 "
    "503 504 505 506 507 508 509 510 511 512 513 514 515 516 517 518 519 520 521"
)
DISEASES: Mapping[str, Disease] = {
    one.key: one
    for one in (
        _disease("measles", gettext_lazy("Measles"), "03 04 05 94", 2, old=True),
        _disease("mumps", gettext_lazy("Mumps"), "03 07 38 94", 2, old=True),
        _disease("rubella", gettext_lazy("Rubella"), "03 04 06 38 94", 1, old=True),
        _disease("varicella", gettext_lazy("Varicella (chickenpox)"), "21 94", 2),
        _disease("hepatitis_b", gettext_lazy("Hepatitis B"),
                 "08 42 43 44 45 51 102 104 110 132 146 189 193 198 220", 3),
        _disease("hepatitis_a", gettext_lazy("Hepatitis A"), "31 52 83 84 85 104 193", 2),
        _disease("meningococcal_acwy", gettext_lazy("Meningococcal ACWY"),
                 "32 103 108 114 136 147 148 203 316 328", 1),
        _disease("meningococcal_b", gettext_lazy("Meningococcal B"), "162 163 164 316 328", 2),
        _disease("pertussis", gettext_lazy("Pertussis (Tdap)"), "115", 1, lasts=_TEN_YEARS),
        _disease("tetanus", gettext_lazy("Tetanus and diphtheria"), "09 113 115 138 139 196", 1, lasts=_TEN_YEARS),
        _disease("polio", gettext_lazy("Polio"), "02 10 89 110 120 130 132 146 170 178 179 182 195 324", 3,
                 "polio poliovirus"),
        _disease("hpv", gettext_lazy("HPV"), "62 118 137 165", 2),
        _disease("influenza", gettext_lazy("Influenza (flu)"), _INFLUENZA, 1, lasts=365),
        _disease("covid_19", gettext_lazy("COVID-19"), _COVID, 1, "covid_19 sars_cov_2", lasts=365),
    )
}  # fmt: skip
CHOICES = tuple(Choice(one.key, one.title) for one in DISEASES.values())


def proves(rule: Rule, disease: Disease) -> bool:
    """Say whether who meets `rule` is immune to `disease`.

    A series proves it if every vaccine that it takes, or that it takes as one of its doses, contains the antigen; a
    titer if it asks for the antibody. Of several ways each must prove it: signing a form instead makes nobody immune.
    What somebody is ("born before 1957") stands for having had the disease where another way proves it.
    """
    match rule:
        case Series(cvx=cvx, products=products):
            return any(codes and codes <= disease.cvx for codes in (cvx, *products))
        case Recent(of=RecentKind.DOSE, cvx=cvx):
            return bool(cvx) and cvx <= disease.cvx
        case Recent(of=RecentKind.TITER, name=name):
            return name in disease.antibodies
        case TiterRule(antibodies=antibodies):
            return bool(disease.antibodies.intersection(antibodies))
        case AllOf(rules=rules):
            return any(proves(part, disease) for part in rules)
        case AnyOf(rules=rules):
            ways = [part for part in rules if not isinstance(part, ConditionRule)]
            return bool(ways) and all(proves(part, disease) for part in ways)
    return False


def is_about_vaccines(rule: Rule) -> bool:
    """Say whether a rule asks for doses or titers, if only as one of its ways."""
    match rule:
        case Series() | TiterRule():
            return True
        case Recent(of=of):
            return of in (RecentKind.DOSE, RecentKind.TITER)
        case AllOf(rules=rules) | AnyOf(rules=rules):
            return any(is_about_vaccines(part) for part in rules)
    return False


def requirements_of(sets: Mapping[UUID, SetInForce]) -> Iterable[tuple[UUID, Requirement]]:
    """Return every requirement in force with its group."""
    return ((group, requirement) for group, one in sets.items() for requirement in one.requirements)


def proving(disease: Disease, sets: Mapping[UUID, SetInForce]) -> list[tuple[UUID, str]]:
    """Return (group, requirement key) of every requirement that proves immunity to `disease`."""
    return [
        (group, requirement.key)
        for group, requirement in requirements_of(sets)
        if proves(requirement.rule, disease)
    ]
