"""Template parts of the pages about file transfer: codes in words."""

from django import template

from pratique.interfaces.console import transfer_words

register = template.Library()
register.filter("why", transfer_words.reason)
register.filter("why_refused", transfer_words.refusal)
register.filter("remedy", transfer_words.remedy)
register.filter("why_ended", transfer_words.end)
register.filter("what_happened", transfer_words.event)
