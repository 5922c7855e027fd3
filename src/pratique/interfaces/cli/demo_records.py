"""What the students of the demo institution have handed in: records in every status, as untidy as real ones.

PURE: a person and a random source in, unsaved evidence out.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pratique.records.models import Document, Dose, Evidence, Exemption, FormAnswer, Titer

REVIEWER = "staff:demo"

_MMR = [("03", "M-M-R II"), ("94", "ProQuad"), ("03", "Priorix")]
_VARICELLA = [("21", "Varivax")]
_HEPATITIS_B = [("08", "Engerix-B Pediatric"), ("08", "Recombivax HB"), ("110", "Pediarix")]
_TDAP = [("115", "Boostrix"), ("115", "Adacel")]
_MENACWY = [("114", "Menactra"), ("136", "Menveo"), ("203", "MenQuadfi")]

_NO_TB_RISK = {
    "birth_country": "US", "lived_in_listed_country": False, "close_contact": False,
    "lived_or_worked_in_facility": False, "health_work": False, "group_at_risk": False, "weakened_immunity": False,
    "positive_test_before": False, "bcg": "no", "symptoms": False,
}  # fmt: skip
_TB_RISK: list[dict[str, Any]] = [
    {
        "birth_country": "IN",
        "lived_in_listed_country": True,
        "where_and_when": "India, until 2019",
        "bcg": "yes",
    },
    {"birth_country": "PH", "bcg": "unknown"},
    {"lived_in_listed_country": True, "where_and_when": "Peru, 2015 to 2018"},
    {"health_work": True},
]

# How far a student has come, and how many of a hundred are there.
PROFILES = (
    ("cleared", 46),
    ("in review", 15),
    ("one missing", 14),
    ("returned", 7),
    ("lapsed", 8),
    ("nothing", 10),
)


class StudentRecords:
    """Makes the evidence of one student according to a profile."""

    def __init__(self, born: date, today: date, chance: random.Random, make: Callable[..., Evidence]) -> None:
        self.born, self.today, self.chance, self.make = born, today, chance, make

    def all(self, profile: str, *, nursing: bool) -> Iterator[Evidence]:
        """Yield everything that a student of `profile` has handed in."""
        if profile == "nothing":
            if self.chance.random() < 0.3:
                yield self._form("meningitis_information", {"vaccination_decision": "undecided"}, "pending")
            return
        parts: list[Callable[..., Iterator[Evidence]]] = [
            self.mmr, self.varicella, self.hepatitis_b, self.tdap, self.menacwy, self.tb, self.exam, self.meningitis,
        ]  # fmt: skip
        if nursing:
            parts.append(self.influenza)
        special = self.chance.randrange(len(parts))
        for number, part in enumerate(parts):
            state = "approved"
            if number == special:
                if profile == "one missing":
                    if self.chance.random() < 0.5:
                        continue
                    yield from part("approved", short=True)
                    continue
                state = {"in review": "pending", "returned": "rejected"}.get(profile, "approved")
            yield from part(state, lapsed=profile == "lapsed" and part in (self.exam, self.tdap))

    def mmr(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        roll = self.chance.random()
        if roll < 0.05 and not short:
            for antibody in ("measles", "mumps", "rubella"):
                yield self._titer(antibody, state)
            return
        if roll < 0.08 and not short:
            yield self._exemption("medical", "mmr", state)
            return
        first = self._after(months=12, spread=80)
        yield self._dose(_MMR, first, "approved")
        # A short one was given a few days too early to count, which is the commonest mistake of all.
        second = first + timedelta(days=20 if short else 1080 + self.chance.randrange(500))
        yield self._dose(_MMR, second, state)

    def varicella(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        if self.chance.random() < 0.06 and not short:
            yield self._titer("varicella", state)
            return
        yield self._dose(_VARICELLA, self._after(months=15, spread=60), "approved")
        if not short:
            yield self._dose(_VARICELLA, self._after(months=66, spread=200), state)

    def hepatitis_b(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        days = (0, 45, 100 if short else 200)
        for number, after in enumerate(days):
            yield self._dose(
                _HEPATITIS_B, self.born + timedelta(days=after), state if number == 2 else "approved"
            )
        if self.chance.random() < 0.9:
            yield self._titer("hepatitis_b", "approved")

    def tdap(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        if short:
            yield self._dose([("113", "Tenivac")], self._ago(days=900), "approved")
            return
        given = self._after(months=11 * 12 + 2, spread=200)
        if given < self.today - timedelta(days=3600) and not lapsed:
            yield self._dose(_TDAP, given, "approved")
            given = self._ago(days=2000)
        yield self._dose(_TDAP, given, state)

    def menacwy(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        yield self._dose(_MENACWY, self._after(months=11 * 12 + 2, spread=200), "approved")
        if not short:
            yield self._dose(_MENACWY, self._after(months=16 * 12 + 1, spread=150), state)

    def tb(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        risk = self.chance.random() < 0.2
        answers = _TB_RISK[self.born.day % len(_TB_RISK)] if risk or short else {}
        yield self._form("tb_questionnaire", {**_NO_TB_RISK, **answers, "tb_risk": risk or short}, state)
        if risk and not short:
            yield self._document("tb_test", self._ago(days=60), state)

    def exam(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        if not short:
            yield self._document("physical_exam", self._ago(days=200, least=400 if lapsed else 5), state)

    def meningitis(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        answers = {} if short else {"vaccination_decision": "vaccinated", "information_read": True}
        yield self._form("meningitis_information", answers, state)

    def influenza(self, state: str, *, short: bool = False, lapsed: bool = False) -> Iterator[Evidence]:
        season = date(self.today.year if self.today.month >= 8 else self.today.year - 1, 8, 10)
        given = season + timedelta(days=self.chance.randrange(max(1, (self.today - season).days)))
        yield self._dose(
            [("150", "Fluzone Quadrivalent")], given - timedelta(days=365 if short else 0), state
        )

    # --- pieces -----------------------------------------------------------------------------------------------

    def _dose(self, products: list[tuple[str, str]], given: date, state: str) -> Evidence:
        cvx, product = self.chance.choice(products)
        return self._piece(Dose, state, cvx=cvx, product=product, administered_on=min(given, self.today))

    def _titer(self, antibody: str, state: str) -> Evidence:
        return self._piece(
            Titer,
            state,
            antibody=antibody,
            result="positive",
            value="2.4",
            unit="index",
            collected_on=self._ago(days=300),
        )

    def _document(self, kind: str, issued: date, state: str) -> Evidence:
        return self._piece(Document, state, kind=kind, issued_on=issued)

    def _form(self, form: str, answers: dict[str, Any], state: str) -> Evidence:
        return self._piece(FormAnswer, state, form=form, answers=answers, signed_on=self._ago(days=90))

    def _exemption(self, kind: str, requirement: str, state: str) -> Evidence:
        granted = self._ago(days=200)
        return self._piece(
            Exemption, state, kind=kind, requirement_key=requirement, granted_on=granted,
            expires_on=granted + timedelta(days=365), has_document=True,
        )  # fmt: skip

    def _piece(self, model: type[Evidence], state: str, /, **values: Any) -> Evidence:
        submitted = self._instant(self.chance.randrange(5, 75))
        review: dict[str, Any] = {"submitted_at": submitted}
        if state != "pending":
            review |= {
                "reviewed_at": submitted + timedelta(hours=self.chance.randrange(2, 90)),
                "reviewed_by": REVIEWER,
            }
        if state == "rejected":
            # Turned down after all else came in, so that it is the newest word on the requirement.
            review["submitted_at"] = self._instant(3)
            review["reviewed_at"] = self._instant(1)
            review["rejection_reason"] = "The name on the document cannot be read."
        return self.make(model, state=state, **review, **values)

    def _instant(self, days_ago: int) -> datetime:
        noon = datetime.combine(self.today - timedelta(days=days_ago), time(12), UTC)
        return noon + timedelta(minutes=self.chance.randrange(-200, 400))

    def _after(self, *, months: int, spread: int) -> date:
        return self.born + timedelta(days=int(months * 30.44) + 2 + self.chance.randrange(spread))

    def _ago(self, *, days: int, least: int = 5) -> date:
        return self.today - timedelta(days=least + self.chance.randrange(days))
