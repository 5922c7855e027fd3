"""Template parts of the portal."""

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pratique.interfaces.portal import queue_words, typed_dates
from pratique.records.record import data

register = template.Library()


@register.simple_tag
def progress_bar(done: int, waiting: int, total: int) -> SafeString:
    """A thin bar of what is done and what waits. The sentence above says the same, so it is decoration."""
    first, second = (100 * done // total, 100 * (done + waiting) // total) if total else (0, 0)
    return format_html(
        '<svg class="bar" aria-hidden="true" focusable="false"><rect class="bar-pending" width="{}%" height="8"/>'
        '<rect class="bar-approved" width="{}%" height="8"/></svg>',
        second,
        first,
    )


@register.simple_tag
def place_in_words(place: Any) -> str:
    """Say where something is in the review queue, and about how long it takes."""
    return queue_words.sentence(place)


@register.filter
def typed_date(iso: str) -> str:
    """Write a date as it is known: a day, a month or a year."""
    return typed_dates.in_words(iso)


@register.simple_tag
def tick(good: bool | None) -> SafeString:
    """The icon beside a verdict; the sentence says it in words."""
    name = "schedule" if good is None else "check_circle" if good else "info"
    return format_html(
        '<svg class="usa-icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("vendor/uswds/img/sprite.svg"),
        name,
    )


@register.filter
def given_on(dose: Any) -> str:
    """Write when a dose on record was given, as far as that is known."""
    return typed_dates.in_words(data.partial(dose.administered_on, dose.precision))
