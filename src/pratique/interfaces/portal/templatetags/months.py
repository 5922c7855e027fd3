"""The months by name, as options of a select."""

from django import template
from django.utils.dates import MONTHS
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def month_options(chosen: str) -> SafeString:
    """Return one option a month, the chosen one (a number as text) marked."""
    return format_html_join(
        "",
        "{}",
        (
            (
                format_html(
                    '<option value="{}"{}>{}</option>',
                    number,
                    SafeString(" selected") if str(number) == str(chosen).lstrip("0") else "",
                    name,
                ),
            )
            for number, name in MONTHS.items()
        ),
    )
