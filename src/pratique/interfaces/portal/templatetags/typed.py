"""Values of form questions, as the fields that show them need them."""

import json
from typing import Any

from django import template

from pratique.interfaces.portal import typed_dates
from pratique.interfaces.portal.typed_dates import TypedDate

register = template.Library()


@register.filter
def typed(value: str) -> TypedDate:
    """Return an answer that is a date as day, month and year; what is none stays to be corrected."""
    read = typed_dates.of_iso(value)
    return (
        read if value.count("-") in (0, 1, 2) and value[:4].isdecimal() else typed_dates.read(value, "", "")
    )


@register.filter
def as_day(problem: str) -> dict[str, str]:
    """Return a question's problem where the date fields look for it."""
    return {"day": problem} if problem else {}


@register.filter
def as_json(value: Any) -> str:
    """Write a condition for the script that shows and hides questions."""
    return json.dumps(value)


@register.filter
def of_date(problems: dict[str, str]) -> str:
    """Return what is wrong with a date, of the problems of everything around it."""
    return next((problems[part] for part in ("day", "month", "year") if problems and part in problems), "")
