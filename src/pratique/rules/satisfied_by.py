"""What satisfies a requirement, in the words for the student. For those who edit rules there is `describe.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pratique.rules.describe import Speaker
from pratique.rules.explain import FormatDate, Gettext, format_date, in_english, word
from pratique.rules.sentences import N_
from pratique.rules.types import FormRule, Requirement


def describe_to_student(
    requirement: Requirement,
    gettext: Gettext = in_english,
    format_date: FormatDate = format_date,
    products: Mapping[str, str] | None = None,
) -> str:
    """Return what satisfies a requirement as the student reads it, who knows its name and that it applies.

    What a form asks stands on the form: its questions' keys are for those who edit rules.
    """
    return _ToStudent(gettext, format_date, products or {}).requirement(requirement)


class _ToStudent(Speaker):
    """Says rules to the student."""

    def requirement(self, requirement: Requirement) -> str:
        exemptions = [self._exemption(accepted) for accepted in requirement.exemptions]
        return " ".join([self.rule(requirement.rule), *exemptions])

    def _form(self, rule: FormRule) -> list[str]:
        if rule.answers is not None:
            name = word(rule.form, self._gettext)
            return [
                self._say(N_("Answers on the form ({name}) after which nothing more is asked."), name=name)
            ]
        plain = (
            N_("The form ({name}), filled in and signed.")
            if rule.signature
            else N_("The form ({name}), filled in.")
        )
        return [self._dated(plain, N_("A form ({name}) signed {window}."), rule.form, rule.window)]
