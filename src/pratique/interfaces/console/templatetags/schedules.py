"""Template parts of the pages about schedules."""

from django import template

from pratique.interfaces.console import schedule_words

register = template.Library()
register.filter("runs_when", schedule_words.when)


@register.filter
def is_person(actor: str) -> bool:
    """Whether a deed was asked for by a person, rather than by the clock."""
    return actor.partition(":")[0] in ("staff", "command")
