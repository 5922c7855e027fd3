"""The table of sentences: one row for each reason code. Plain words for a first-year student.

`explain.py` fills them in; tests prove that every code of the engine has a row and every row a code. A row's
text is a gettext message; `one` is the text where the parameter named by `number` is 1, `two` where it is 2.
A row that ends without a full stop is a *problem* or an *alternative* and is completed by one of the frames.
"""

from __future__ import annotations

from typing import NamedTuple


def gettext_noop(message: str) -> str:
    """Mark a message for extraction (xgettext, makemessages) without translating it here."""
    return message


N_ = gettext_noop


class Sentence(NamedTuple):
    """One message with its forms for one and two."""

    text: str
    number: str = ""
    one: str = ""
    two: str = ""


PROBLEM = N_("{sentence}.")
PROBLEM_AGAIN = N_("{sentence}: another dose is needed on or after {needed_on}.")
INSTEAD = N_("Or: {sentence}.")
TOGETHER = N_("Together with that: {sentence}.")

SENTENCES: dict[str, Sentence] = {
    # the requirement as a whole
    "does_not_apply": Sentence(N_("This is not required of you.")),
    "fact_unknown": Sentence(
        N_("Your school does not have your {fact} on record; until it does, this is required of you.")
    ),
    "awaiting_review": Sentence(N_("Everything is handed in and waits to be reviewed.")),
    "awaiting_reading": Sentence(N_("What you sent waits to be read by a reviewer.")),
    "part_awaiting_review": Sentence(
        N_("Part of what is handed in waits to be reviewed; that alone will not be enough.")
    ),
    "evidence_rejected": Sentence(N_("What you handed in last was not accepted.")),
    "good_through": Sentence(N_("This is good through {through}.")),
    "date_of_birth_missing": Sentence(
        N_("Your date of birth is not on record, so what depends on your age cannot be checked.")
    ),
    "window_unknown": Sentence(N_("Your {fact} is not on record, so dates cannot be checked against it.")),
    # a series as a whole
    "doses_count": Sentence(
        N_("All {doses} doses of {vaccine} count."),
        "doses",
        N_("The dose of {vaccine} counts."),
        N_("Both doses of {vaccine} count."),
    ),
    "doses_short": Sentence(
        N_("{vaccine}: {counted} of {doses} doses count so far."),
        "doses",
        N_("{vaccine}: no dose counts so far."),
    ),
    "dose_missing": Sentence(
        N_("{vaccine}: dose {number} of {doses} is missing."),
        "doses",
        N_("{vaccine}: a dose is missing."),
    ),
    "dose_possible_from": Sentence(
        N_("{vaccine}: dose {number} of {doses} can be given on or after {needed_on}."),
        "doses",
        N_("{vaccine}: a dose can be given on or after {needed_on}."),
    ),
    "booster_overdue": Sentence(
        N_("The last dose of {vaccine} was on {last_on}; a further one was due by {due_on}.")
    ),
    "last_dose_too_old": Sentence(
        N_("The last dose of {vaccine} was on {last_on}; one on or after {opens} is needed.")
    ),
    "last_dose_too_late": Sentence(
        N_("The last dose of {vaccine} was on {last_on}; it had to be given by {closes}.")
    ),
    "last_dose_lapsed": Sentence(
        N_("The last dose of {vaccine}, on {last_on}, was good through {through}; a newer one is needed.")
    ),
    # one dose: problems, completed by PROBLEM or PROBLEM_AGAIN
    "dose_too_soon": Sentence(
        N_("Dose {number} of {vaccine} was given on {given_on}, {days} days too early"),
        "days",
        N_("Dose {number} of {vaccine} was given on {given_on}, one day too early"),
    ),
    "dose_too_soon_after_first": Sentence(
        N_("Dose {number} of {vaccine} was given on {given_on}, {days} days too early after the first dose"),
        "days",
        N_("Dose {number} of {vaccine} was given on {given_on}, one day too early after the first dose"),
    ),
    "dose_before_age": Sentence(
        N_("Dose {number} of {vaccine} was given on {given_on}, {days} days too early for the age of {age}"),
        "days",
        N_("Dose {number} of {vaccine} was given on {given_on}, one day too early for the age of {age}"),
    ),
    "dose_near_live_dose": Sentence(
        N_(
            "Dose {number} of {vaccine} was given on {given_on}, {days} days too early "
            "after another live vaccine on {other_on}"
        ),
        "days",
        N_(
            "Dose {number} of {vaccine} was given on {given_on}, one day too early "
            "after another live vaccine on {other_on}"
        ),
    ),
    "dose_age_unknown": Sentence(
        N_("Dose {number} of {vaccine} on {given_on} cannot be checked without your date of birth")
    ),
    "dose_before_birth": Sentence(N_("A dose of {vaccine} on {given_on} is dated before your birth")),
    "dose_before_earliest": Sentence(
        N_("A dose of {vaccine} on {given_on} does not count: only doses since {earliest} do")
    ),
    "dose_after_latest": Sentence(
        N_("A dose of {vaccine} on {given_on} does not count here: only doses until {latest} do")
    ),
    "dose_wrong_product": Sentence(
        N_("The product given on {given_on} ({cvx}) is not accepted as dose {number} of {vaccine}")
    ),
    "dose_other_brand": Sentence(
        N_("The dose of {vaccine} on {given_on} is of another brand than the rest of the series")
    ),
    "dose_duplicate": Sentence(
        N_("A dose of {vaccine} on {given_on} is a duplicate: a dose of that day counts already")
    ),
    "dose_not_needed": Sentence(N_("The dose of {vaccine} on {given_on} is more than was needed")),
    "dose_in_future": Sentence(N_("The dose of {vaccine} on {given_on} lies in the future")),
    "dose_needs_day": Sentence(N_("The dose of {vaccine} in {given_on} needs its exact day")),
    "dose_needs_month": Sentence(N_("The dose of {vaccine} in {given_on} needs its month")),
    "dose_awaiting_review": Sentence(N_("The dose of {vaccine} on {given_on} waits to be reviewed")),
    "dose_rejected": Sentence(N_("The dose of {vaccine} on {given_on} was not accepted by the reviewer")),
    # documents
    "document_accepted": Sentence(N_("Your document ({document}) was accepted.")),
    "document_missing": Sentence(N_("A document is missing: {document}.")),
    "document_in_future": Sentence(N_("Your document ({document}) is dated in the future, {on}.")),
    "document_undated": Sentence(N_("Your document ({document}) has no date.")),
    "document_lapsed": Sentence(
        N_("Your document ({document}) of {on} was good through {through}; a newer one is needed.")
    ),
    "document_too_old": Sentence(
        N_("Your document ({document}) is of {on}; one of {opens} or later is needed.")
    ),
    "document_too_late": Sentence(
        N_("Your document ({document}) is of {on}; it had to be of {closes} or earlier.")
    ),
    # forms
    "form_accepted": Sentence(N_("Your form ({form}) is complete.")),
    "form_missing": Sentence(N_("A form is missing: {form}.")),
    "form_in_future": Sentence(N_("Your form ({form}) is dated in the future, {on}.")),
    "form_unsigned": Sentence(N_("Your form ({form}) is not signed.")),
    "form_unanswered": Sentence(N_("A question on your form ({form}) is not answered: {question}.")),
    "form_consent_missing": Sentence(N_("A consent on your form ({form}) is not given: {question}.")),
    "form_answers_differ": Sentence(N_("By your answers on the form ({form}), more is needed.")),
    "form_lapsed": Sentence(
        N_("Your form ({form}) of {on} was good through {through}; please fill it in again.")
    ),
    "form_too_old": Sentence(N_("Your form ({form}) is of {on}; one of {opens} or later is needed.")),
    "form_too_late": Sentence(N_("Your form ({form}) is of {on}; it had to be signed by {closes}.")),
    # titers
    "titer_positive": Sentence(N_("Positive titer for {antibody} on {on}.")),
    "titer_missing": Sentence(N_("A positive titer for {antibody} is missing.")),
    "titer_not_positive": Sentence(N_("Your titer for {antibody} on {on} was {result}.")),
    "titer_in_future": Sentence(N_("Your titer for {antibody} is dated in the future, {on}.")),
    "titer_lapsed": Sentence(
        N_("Your titer for {antibody} of {on} was good through {through}; a newer one is needed.")
    ),
    "titer_too_old": Sentence(N_("Your titer for {antibody} is of {on}; one of {opens} or later is needed.")),
    "titer_too_late": Sentence(
        N_("Your titer for {antibody} is of {on}; it had to be of {closes} or earlier.")
    ),
    # exemptions
    "exemption_until": Sentence(N_("{exemption} until {through}.")),
    "exemption_accepted": Sentence(N_("{exemption}.")),
    "exemption_missing": Sentence(N_("No exemption of this kind is on record: {exemption}.")),
    "exemption_lapsed": Sentence(N_("{exemption}: it ended on {through}.")),
    "exemption_in_future": Sentence(N_("{exemption}: it begins on {from}.")),
    "exemption_undated": Sentence(N_("{exemption}: the day on which it was granted is missing.")),
    "exemption_document_missing": Sentence(N_("{exemption}: its document is missing.")),
    "exemption_kind_not_accepted": Sentence(
        N_("{exemption}: this kind is not accepted for this requirement.")
    ),
    # what the student is
    "facts_suffice": Sentence(N_("What your school has on record about you is enough.")),
    "facts_do_not_suffice": Sentence(N_("What your school has on record about you is not enough by itself.")),
    "fact_needed": Sentence(N_("Your school does not have your {fact} on record.")),
    # other ways: completed by INSTEAD or TOGETHER
    "or_doses": Sentence(N_("{doses} doses of {vaccine}"), "doses", N_("one dose of {vaccine}")),
    "or_titer": Sentence(N_("a positive titer for {antibody}")),
    "or_document": Sentence(N_("a document: {document}")),
    "or_form": Sentence(N_("a form: {form}")),
    "or_exemption": Sentence(N_("{exemption}")),
}

# The same codes where a date of the reason is only a month or a year ("March 2006", "2006").
INEXACT_SENTENCES: dict[str, Sentence] = {
    "booster_overdue": Sentence(
        N_("The last dose of {vaccine} was in {last_on}; a further one may have been due by {due_on}.")
    ),
    "last_dose_too_old": Sentence(
        N_("The last dose of {vaccine} was in {last_on}; one that is surely of {opens} or later is needed.")
    ),
    "last_dose_too_late": Sentence(
        N_("The last dose of {vaccine} was in {last_on}; it had to be given by {closes}.")
    ),
    "last_dose_lapsed": Sentence(
        N_("The last dose of {vaccine}, in {last_on}, was good through {through}; a newer one is needed.")
    ),
    "dose_too_soon": Sentence(
        N_("Dose {number} of {vaccine} ({given_on}) may be up to {days} days too early"),
        "days",
        N_("Dose {number} of {vaccine} ({given_on}) may be one day too early"),
    ),
    "dose_too_soon_after_first": Sentence(
        N_("Dose {number} of {vaccine} ({given_on}) may be up to {days} days too early after the first dose"),
        "days",
        N_("Dose {number} of {vaccine} ({given_on}) may be one day too early after the first dose"),
    ),
    "dose_before_age": Sentence(
        N_(
            "Dose {number} of {vaccine} in {given_on} may be up to {days} days too early for the age of {age}"
        ),
        "days",
        N_("Dose {number} of {vaccine} in {given_on} may be one day too early for the age of {age}"),
    ),
    "dose_near_live_dose": Sentence(
        N_(
            "Dose {number} of {vaccine} ({given_on}) may be too close to another live vaccine ({other_on}), "
            "as long as an exact day is missing"
        )
    ),
    "dose_age_unknown": Sentence(
        N_("Dose {number} of {vaccine} in {given_on} cannot be checked without your date of birth")
    ),
    "dose_before_birth": Sentence(N_("A dose of {vaccine} in {given_on} is dated before your birth")),
    "dose_before_earliest": Sentence(
        N_("A dose of {vaccine} in {given_on} does not count: only doses since {earliest} do")
    ),
    "dose_after_latest": Sentence(
        N_("A dose of {vaccine} in {given_on} does not count here: only doses until {latest} do")
    ),
    "dose_wrong_product": Sentence(
        N_("The product given in {given_on} ({cvx}) is not accepted as dose {number} of {vaccine}")
    ),
    "dose_other_brand": Sentence(
        N_("The dose of {vaccine} in {given_on} is of another brand than the rest of the series")
    ),
    "dose_duplicate": Sentence(
        N_("A dose of {vaccine} in {given_on} is a duplicate: a dose of that time counts already")
    ),
    "dose_not_needed": Sentence(N_("The dose of {vaccine} in {given_on} is more than was needed")),
    "dose_in_future": Sentence(
        N_("The dose of {vaccine} in {given_on} cannot count before that time is over: give its exact day")
    ),
    "dose_awaiting_review": Sentence(N_("The dose of {vaccine} in {given_on} waits to be reviewed")),
    "dose_rejected": Sentence(N_("The dose of {vaccine} in {given_on} was not accepted by the reviewer")),
}

CVX_CODE = N_("CVX code {code}")
MONTH_OF_YEAR = N_("{month} {year}")
DAY_OF_MONTH = N_("{month} {day}")

WORDS: dict[str, str] = {
    # with its noun: in many languages the adjective alone has another form, or another place
    "medical": N_("Medical exemption"),
    "religious": N_("Religious exemption"),
    "philosophical": N_("Philosophical exemption"),
    "other": N_("Other exemption"),
    "on_campus": N_("housing"),
    "date_of_birth": N_("date of birth"),
    "term_start": N_("first day of term"),
    "due_date": N_("due date"),
    "group": N_("requirement group"),
    "term": N_("term"),
    "hepatitis_b": N_("hepatitis B"),
    "tb_questionnaire": N_("TB questionnaire"),
    "tb_test": N_("TB test"),
    "positive": N_("positive"),
    "negative": N_("negative"),
    "equivocal": N_("equivocal"),
    # what the presets name
    "measles": N_("measles"),
    "mumps": N_("mumps"),
    "rubella": N_("rubella"),
    "varicella": N_("varicella"),
    "physical_exam": N_("physical exam"),
    "meningitis_information": N_("meningitis information"),
    "information_read": N_("information read"),
    "vaccination_decision": N_("vaccination decision"),
    "tb_risk": N_("tb risk"),
    "birth_country": N_("birth country"),
    "online_only": N_("online only"),
    "credits": N_("credits"),
    "Bacterial meningitis": N_("Bacterial meningitis"),
    "Hepatitis B": N_("Hepatitis B"),
    "Hepatitis B with titer": N_("Hepatitis B with titer"),
    "Influenza": N_("Influenza"),
    "Measles": N_("Measles"),
    "Measles, mumps and rubella": N_("Measles, mumps and rubella"),
    "Meningitis information": N_("Meningitis information"),
    "Mumps": N_("Mumps"),
    "Physical exam": N_("Physical exam"),
    "Rubella": N_("Rubella"),
    "TB screening": N_("TB screening"),
    "Varicella": N_("Varicella"),
    "Varicella (13 years and older)": N_("Varicella (13 years and older)"),
}

MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"), N_("July"), N_("August"),
    N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip

PERIOD_UNITS = (
    (N_("one year"), N_("{number} years")),
    (N_("one month"), N_("{number} months")),
    (N_("one week"), N_("{number} weeks")),
    (N_("one day"), N_("{number} days")),
)

ORDINALS = (
    N_("first"), N_("second"), N_("third"), N_("fourth"), N_("fifth"), N_("sixth"), N_("seventh"),
    N_("eighth"), N_("ninth"), N_("tenth"), N_("eleventh"), N_("twelfth"),
)  # fmt: skip  # as many as a series may have doses
