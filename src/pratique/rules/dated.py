"""Everything that is not a series of doses: documents, forms, titers, exemptions, what the student is.

All of them come down to events on a day, fitted into a window (`windows.py`). The event that lasts longest
speaks. What several rules mean together is in `combine.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from pratique.rules.conditions import compile_condition
from pratique.rules.evidence import Evidence, Exemption, FormAnswer, StudentFacts
from pratique.rules.outcome import Outcome, Relevance, earliest, quick, sooner
from pratique.rules.periods import Period, add_period, day_after, shift_days
from pratique.rules.types import (
    ConditionRule,
    DocumentRule,
    ExemptionRule,
    FormRule,
    ParamValue,
    Reason,
    Window,
)
from pratique.rules.windows import NO_BOUNDS, Bounds, WindowCheck, good_until, missing_fact


class _Codes(NamedTuple):
    """The reason codes of one sort of evidence, told by what is wrong with its date."""

    accepted: str
    missing: str
    in_future: str
    undated: str
    lapsed: str
    too_old: str
    too_late: str


_DOCUMENT = _Codes(
    "document_accepted",
    "document_missing",
    "document_in_future",
    "document_undated",
    "document_lapsed",
    "document_too_old",
    "document_too_late",
)
_FORM = _Codes(
    "form_accepted",
    "form_missing",
    "form_in_future",
    "form_unsigned",
    "form_lapsed",
    "form_too_old",
    "form_too_late",
)
_TITER = _Codes(
    "titer_positive",
    "titer_missing",
    "titer_in_future",
    "titer_missing",
    "titer_lapsed",
    "titer_too_old",
    "titer_too_late",
)

_About = tuple[tuple[str, ParamValue], ...]


class _Dating:
    """Fits the days of one sort of evidence into a window and finds the words for it.

    `about` opens every reason.
    """

    def __init__(self, codes: _Codes, about: _About, window: Window | None) -> None:
        self._codes = codes
        self._about = about
        self._bounded = window is not None
        self._window = WindowCheck(window or Window())
        self._missing = Outcome(False, (Reason(codes.missing, about),))
        self.can_lapse = self._window.rolls
        free = self._window.is_free_of_facts
        self.when_nothing: Outcome | None = self._missing if free else None

    def judge(self, days: list[date | None], facts: StudentFacts, on_date: date) -> Outcome:
        """Return whether one of these days (None: undated) is good on a day."""
        bounds = self._window.bounds(facts, on_date)
        if bounds.unknown:
            later = earliest(day for day in days if day is not None and day > on_date)
            return Outcome(False, (missing_fact(bounds.unknown),), changes_on=later)
        if not days and bounds is NO_BOUNDS:
            return self._missing
        if bounds is NO_BOUNDS and len(days) == 1 and days[0] is not None and days[0] <= on_date:
            inside, over_on = self._window.fit(days[0], bounds, on_date)
            if inside:
                return self._good(days[0], over_on, over_on)
        dated = sorted([day for day in days if day is not None], reverse=True)
        past = dated if not dated or dated[0] <= on_date else [day for day in dated if day <= on_date]
        waits = bounds.moves_on
        if past is not dated:
            waits = earliest((waits, *(day for day in dated if day > on_date)))
        for day in past:
            inside, over_on = self._window.fit(day, bounds, on_date)
            if inside:
                return self._good(day, over_on, sooner(over_on, waits))
        if not self._bounded and len(dated) < len(days):
            return Outcome(True, (Reason(self._codes.accepted, self._about),), None, waits, None, (), 1.0)
        if bounds.opens is not None and bounds.opens > on_date:
            waits = sooner(waits, bounds.opens)
        code, more, next_action_on, lapsed = self._wrong(past, dated, days, bounds)
        shown = past[0] if past else None
        return Outcome(
            False, (Reason(code, self._about + more),), next_action_on, waits, shown, lapsed=lapsed
        )

    def lapses(self, days: Iterable[date | None]) -> Iterator[date]:
        """Yield the days on which time alone pushes one of these out of the window."""
        for day in days:
            over_on = None if day is None else self._window.lapses_on(day)
            if over_on is not None:
                yield over_on

    def _good(self, day: date, over_on: date | None, changes_on: date | None) -> Outcome:
        accepted = quick(Reason, (self._codes.accepted, (*self._about, ("on", day))))
        reasons: tuple[Reason, ...] = (accepted,)
        if over_on is not None:
            reasons = (*reasons, good_until(over_on))
        return quick(Outcome, (True, reasons, over_on, changes_on, day, (), 1.0, False))

    def _wrong(
        self, past: list[date], dated: list[date], days: list[date | None], bounds: Bounds
    ) -> tuple[str, _About, date | None, bool]:
        """Return the code, what more it is about, since when something else is asked.

        And whether it lapsed.
        """
        codes = self._codes
        if not days:
            return codes.missing, (), bounds.opens, False
        if not past:
            if dated:
                return codes.in_future, (("on", dated[-1]),), None, False
            return codes.undated, (), None, False
        why, day = self._window.why_outside(past[0], bounds)
        if why == "too_late":
            return codes.too_late, (("on", past[0]), ("closes", day)), None, False
        if why == "too_old":
            return codes.too_old, (("on", past[0]), ("opens", day)), day, False
        about = (("on", past[0]), ("through", shift_days(day, -1)))
        return codes.lapsed, about, day, bounds is NO_BOUNDS


class DocumentCheck:
    """A compiled document rule (a `Check`)."""

    def __init__(self, rule: DocumentRule) -> None:
        self._kind = rule.document
        about = (("document", rule.document),)
        self._dating = _Dating(_DOCUMENT, about, rule.window)
        self.relevance = Relevance(documents=frozenset({rule.document}))
        self.alternative = (Reason("or_document", about),)
        self.can_lapse = self._dating.can_lapse

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the documents of the kind."""
        if not evidence.documents and self._dating.when_nothing is not None:
            return self._dating.when_nothing
        kind = self._kind
        days = [
            paper.issued_on for paper in evidence.documents if paper.kind == kind and paper.state in counted
        ]
        return self._dating.judge(days, facts, on_date)

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which a document leaves a rolling window."""
        return self._dating.lapses(
            paper.issued_on for paper in evidence.documents if paper.kind == self._kind
        )


class FormCheck:
    """A compiled form rule (a `Check`). Only the newest answer speaks: a student may change their mind."""

    def __init__(self, rule: FormRule) -> None:
        self._rule = rule
        self._about = (("form", rule.form),)
        self._dating = _Dating(_FORM, self._about, rule.window)
        self._answers = None if rule.answers is None else compile_condition(rule.answers)
        self.relevance = Relevance(forms=frozenset({rule.form}))
        self.alternative = (Reason("or_form", self._about),)
        self.can_lapse = self._dating.can_lapse

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the newest answer to the form."""
        name = self._rule.form
        filled = [form for form in evidence.forms if form.form == name and form.state in counted]
        known = filled
        for form in filled:
            if form.signed_on is not None and form.signed_on > on_date:
                known = [one for one in filled if one.signed_on is None or one.signed_on <= on_date]
                break
        if not known:
            return self._dating.judge([form.signed_on for form in filled], facts, on_date)
        newest = known[0] if len(known) == 1 else max(known, key=_newest_form)
        wrong, changes_on = self._wrong(newest, facts, on_date)
        if len(known) < len(filled):
            later = (form.signed_on for form in filled if form.signed_on and form.signed_on > on_date)
            changes_on = earliest((changes_on, *later))
        if wrong:
            return Outcome(False, wrong, None, changes_on)
        outcome = self._dating.judge([newest.signed_on], facts, on_date)
        if changes_on is None:
            return outcome
        return outcome._replace(changes_on=sooner(outcome.changes_on, changes_on))

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which a form leaves a rolling window."""
        return self._dating.lapses(form.signed_on for form in evidence.forms if form.form == self._rule.form)

    def _wrong(
        self, form: FormAnswer, facts: StudentFacts, on_date: date
    ) -> tuple[tuple[Reason, ...], date | None]:
        rule, about, answers = self._rule, self._about, form.answers
        wrong: list[Reason] = []
        for question in rule.questions:
            if answers.get(question) in _UNANSWERED:
                wrong.append(Reason("form_unanswered", (*about, ("question", question))))  # noqa: PERF401
        for question in rule.consents:
            if answers.get(question) is not True:
                wrong.append(Reason("form_consent_missing", (*about, ("question", question))))  # noqa: PERF401
        if rule.signature and form.signed_on is None:
            wrong.append(Reason("form_unsigned", about))
        if self._answers is None:
            return tuple(wrong), None
        seen = quick(StudentFacts, (facts[0], facts[1], answers, *facts[3:]))
        answer = self._answers(seen, on_date)
        if answer.truth is not True:
            wrong.append(Reason("form_answers_differ", about))
        return tuple(wrong), answer.changes_on


class TiterCheck:
    """A compiled rule for one antibody (a `Check`). The newest result speaks; on one day, the worst."""

    def __init__(self, antibody: str, window: Window | None) -> None:
        self._antibody = antibody
        self._about = (("antibody", antibody),)
        self._dating = _Dating(_TITER, self._about, window)
        self.relevance = Relevance(antibodies=frozenset({antibody}))
        self.alternative = (Reason("or_titer", self._about),)
        self.when_nothing = self._dating.when_nothing
        self.can_lapse = self._dating.can_lapse

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the newest result for the antibody."""
        name = self._antibody
        mine = [titer for titer in evidence.titers if titer.antibody == name and titer.state in counted]
        past = [titer for titer in mine if titer.collected_on <= on_date]
        if not past:
            return self._dating.judge([titer.collected_on for titer in mine], facts, on_date)
        newest = max(past, key=lambda titer: (titer.collected_on, titer.result != "positive", titer.result))
        later = earliest(titer.collected_on for titer in mine if titer.collected_on > on_date)
        if newest.result != "positive":
            params = (*self._about, ("result", newest.result), ("on", newest.collected_on))
            return Outcome(False, (Reason("titer_not_positive", params),), None, later)
        outcome = self._dating.judge([newest.collected_on], facts, on_date)
        return outcome._replace(changes_on=sooner(outcome.changes_on, later))

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which a result leaves a rolling window."""
        name = self._antibody
        return self._dating.lapses(titer.collected_on for titer in evidence.titers if titer.antibody == name)


class ExemptionCheck:
    """A compiled exemption rule (a `Check`) for one requirement. The exemption that lasts longest speaks."""

    def __init__(self, rule: ExemptionRule, requirement_key: str) -> None:
        self._kind = rule.exemption
        self._needs_document = rule.needs_document
        self._keys = ("", requirement_key)
        self._validity = None if rule.validity_months is None else Period(months=rule.validity_months)
        self._about = (("exemption", rule.exemption),)
        self.relevance = Relevance(exemptions=frozenset({rule.exemption}))
        self.alternative = (Reason("or_exemption", self._about),)
        self.can_lapse = True

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the exemptions of the kind that are for this requirement or for any."""
        mine = [exemption for exemption in self._mine(evidence) if exemption.state in counted]
        if not mine:
            return Outcome(False, (Reason("exemption_missing", self._about),))
        judged = [self._judge(exemption, on_date) for exemption in mine]
        best = max(
            judged, key=lambda outcome: (outcome.holds, outcome.next_action_on or date.max, outcome.reasons)
        )
        return best._replace(changes_on=earliest(outcome.changes_on for outcome in judged))

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which an exemption is over."""
        for exemption in self._mine(evidence):
            over_on = self._over_on(exemption)
            if over_on is not None:
                yield over_on

    def _mine(self, evidence: Evidence) -> Iterator[Exemption]:
        for exemption in evidence.exemptions:
            if exemption.kind == self._kind and exemption.requirement in self._keys:
                yield exemption

    def _over_on(self, exemption: Exemption) -> date | None:
        ends = [exemption.expires_on]
        if self._validity is not None and exemption.granted_on is not None:
            ends.append(add_period(exemption.granted_on, self._validity))
        last_day = earliest(ends)
        return None if last_day is None else day_after(last_day)

    def _judge(self, exemption: Exemption, on_date: date) -> Outcome:
        about, granted_on, over_on = self._about, exemption.granted_on, self._over_on(exemption)
        if self._needs_document and not exemption.has_document:
            return Outcome(False, (Reason("exemption_document_missing", about),))
        if self._validity is not None and granted_on is None:
            return Outcome(False, (Reason("exemption_undated", about),))
        if granted_on is not None and granted_on > on_date:
            params = (*about, ("from", granted_on))
            return Outcome(False, (Reason("exemption_in_future", params),), None, granted_on)
        if over_on is not None and over_on <= on_date:
            params = (*about, ("through", shift_days(over_on, -1)))
            return Outcome(False, (Reason("exemption_lapsed", params),), over_on)
        if over_on is None:
            return Outcome(True, (Reason("exemption_accepted", about),), None, None, None, (), 1.0)
        params = (*about, ("through", shift_days(over_on, -1)))
        return Outcome(True, (Reason("exemption_until", params),), over_on, over_on, None, (), 1.0)


class ConditionCheck:
    """A compiled condition rule (a `Check`): met by what the student is. Nobody can choose it."""

    def __init__(self, rule: ConditionRule) -> None:
        self._condition = compile_condition(rule.condition)
        self.relevance = Relevance()
        self.alternative: tuple[Reason, ...] = ()
        self.can_lapse = False  # it is asked again every day

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Hold where the condition is met; unknown does not meet it."""
        answer = self._condition(facts, on_date)
        if answer.truth is True:
            return Outcome(
                True, (Reason("facts_suffice"),), answer.changes_on, answer.changes_on, None, (), 1.0
            )
        reasons = tuple(Reason("fact_needed", (("fact", fact),)) for fact in answer.unknown)
        reasons = reasons or (Reason("facts_do_not_suffice"),)
        return Outcome(False, reasons, None, answer.changes_on, None, (), -1.0)

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield nothing: what the student is does not lapse."""
        return iter(())


_UNANSWERED = (None, "")


def _newest_form(form: FormAnswer) -> tuple[object, ...]:
    """Order forms by when they came in, then by signature; a missing time is the oldest."""
    came = (form.submitted_at is not None, form.submitted_at or 0)
    signed = (form.signed_on is not None, form.signed_on or 0)
    return (came, signed, str(form.id))
