"""Template parts of the console's pages."""

from django import template

from pratique.records.models import TiterResult
from pratique.screens import words
from pratique.students.models import Membership, Student
from pratique.students.queries import standing_of

register = template.Library()


@register.filter
def standing(membership: Membership) -> str:
    return standing_of(membership).value


@register.filter
def full_name(student: Student) -> str:
    """Return the name as lists show it, or the username of a student whose name nobody gave."""
    names = [name for name in (student.last_name, student.first_name) if name]
    return ", ".join(names) or student.username


@register.filter
def spoken_name(student: Student) -> str:
    """Return the name as it is said."""
    return f"{student.first_name} {student.last_name}".strip() or student.username


@register.simple_tag
def outcome_word(outcome: str) -> str:
    """The word for a row's outcome, without its chip."""
    return str(words.chip("outcome", outcome).word)


@register.filter
def titer_word(result: str) -> str:
    """What a laboratory says, in words."""
    return str(dict(TiterResult.choices).get(result, result))
