"""Template parts of the pages about reminders: codes in words."""

from django import template

from pratique.interfaces.console import reminder_words

register = template.Library()
register.filter("message_words", reminder_words.message)
register.filter("why_left_out", reminder_words.reason)
register.filter("escalation_kind", reminder_words.kind)
register.filter("step_words", reminder_words.step)
register.filter("batch_standing", reminder_words.batch_standing)
register.filter("batch_title", reminder_words.batch_title)
