"""Forms as data: what a form asks, when, of whom, and who signs it. Pure: no database, no clock, no HTML.

    form = read(data)                              # FormDataError names everything that is wrong
    page(form, answers, language)                  # plain values for a template, hidden questions marked
    checked = check(form, answers, language, today=...)
    checked.problems                               # by question key, in the reader's language; empty: all is well
    derive(form, checked.answers)                  # with what follows from the answers, such as `tb_risk`
    missing_signers(form, ["student"])             # who still has to sign
    answered(form, answers, language)              # (label, answer) in words, for a reviewer or a PDF

Answers are JSON values by question key. `types.py` says what a form is, `reading.py` what its data look like,
`ready()` has definitions to begin with. Keeping definitions for each institution, rendering and signatures are
others' work.
"""

from pratique.records.forms.answers import Checked, answered, check, derive, missing_signers, visible
from pratique.records.forms.conditions import condition_to_data
from pratique.records.forms.countries import countries, country_name
from pratique.records.forms.pages import Field, Page, PageSection, page
from pratique.records.forms.reading import FormDataError, read
from pratique.records.forms.ready import READY, ready
from pratique.records.forms.types import (
    Choice,
    CountryList,
    Derived,
    Form,
    Question,
    QuestionKind,
    Section,
    Signer,
    Text,
)

__all__ = [
    "READY",
    "Checked",
    "Choice",
    "CountryList",
    "Derived",
    "Field",
    "Form",
    "FormDataError",
    "Page",
    "PageSection",
    "Question",
    "QuestionKind",
    "Section",
    "Signer",
    "Text",
    "answered",
    "check",
    "condition_to_data",
    "countries",
    "country_name",
    "derive",
    "missing_signers",
    "page",
    "read",
    "ready",
    "visible",
]
