"""Template parts of the pages about file transfer: codes in words."""

from django import template

from pratique.delivery import queries, types
from pratique.interfaces.console import transfer_words
from pratique.screens import words

register = template.Library()
register.filter("why", transfer_words.reason)
register.filter("why_so", transfer_words.reason_of)
register.filter("why_refused", transfer_words.refusal)
register.filter("remedy", transfer_words.remedy)
register.filter("why_ended", transfer_words.end)
register.filter("lasted", transfer_words.lasted)
register.filter("what_happened", transfer_words.event)
register.filter("why_not_delivered", types.sentence)
register.filter("why_stopped", types.why_stopped)
register.filter("destination_standing", queries.standing)
register.filter("step", transfer_words.step)


@register.simple_tag
def chip_word(kind: str, state: str) -> str:
    """The word for a state, without its chip."""
    return str(words.chip(kind, state).word)
