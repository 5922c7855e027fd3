"""Template parts that pages of every interface use."""

from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from pratique.screens import words
from pratique.screens.paging import Page

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of USWDS's sprite. It is decoration: the word stands beside it."""
    return format_html(
        '<svg class="usa-icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("vendor/uswds/img/sprite.svg"),
        name,
    )


@register.simple_tag
def chip(kind: str, state: str) -> SafeString:
    """Show a state with its icon and its word."""
    found = words.chip(kind, str(state))
    return format_html('<span class="chip chip-{}">{}{}</span>', found.tone, icon(found.icon), found.word)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Return a value by a key that is itself a value; empty where there is none."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def percent_of(part: int, whole: int) -> int:
    """Return part of whole in percent, and 100 only where nothing is missing."""
    if not whole:
        return 0
    return 100 if part >= whole else min(99, round(100 * part / whole))


@register.inclusion_tag("screens/parts/pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page, target: str = "#results") -> dict[str, Any]:
    """Links to the other pages of a list; with htmx only `target` is exchanged."""
    return {"request": context["request"], "page": page, "target": target}


@register.inclusion_tag("screens/parts/sort_header.html", takes_context=True)
def sort_header(
    context: template.Context, name: str, key: str, sort: str, target: str = "#results", numeric: bool = False
) -> dict[str, Any]:
    """A column header that sorts; activating it again turns the order round."""
    direction = {key: "ascending", f"-{key}": "descending"}.get(sort, "")
    return {
        "request": context["request"],
        "name": name,
        "direction": direction,
        "next": f"-{key}" if direction == "ascending" else key,
        "target": target,
        "numeric": numeric,
        "says": {
            "": gettext("Sort by this column"),
            "ascending": gettext("Sorted, lowest first. Turn round"),
            "descending": gettext("Sorted, highest first. Turn round"),
        }[direction],
    }


@register.simple_tag
def share_bar(part: int, whole: int) -> SafeString:
    """A thin bar of a share. The numbers stand beside it, so it is decoration."""
    return format_html(
        '<svg class="bar" aria-hidden="true" focusable="false">'
        '<rect class="bar-approved" width="{}%" height="8"/></svg>',
        percent_of(part, whole),
    )


@register.inclusion_tag("screens/parts/form_field.html")
def form_field(field: BoundField) -> dict[str, Any]:
    """A form's field with label, hint, error and widget as USWDS wants them."""
    kind = getattr(field.field.widget, "input_type", "select")
    style = {
        "checkbox": "usa-checkbox__input",
        "select": "usa-select",
        "textarea": "usa-textarea",
    }.get(kind, "usa-input")
    if field.errors:
        style += " usa-input--error"
    return {
        "field": field,
        "widget": field.as_widget(attrs={"class": style, "placeholder": False}),
        "checkbox": kind == "checkbox",
    }
