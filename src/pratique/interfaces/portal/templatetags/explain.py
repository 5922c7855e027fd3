"""Codes of rules in the reader's words."""

from django import template
from django.utils.translation import gettext

from pratique.interfaces.portal import spoken

register = template.Library()


@register.filter
def words(code: str) -> str:
    """Say the name of an antibody or a kind of document, with a capital letter."""
    return spoken.capitalised(code)


@register.filter
def exemption(kind: str) -> str:
    """Say a kind of exemption as a reason of one's own."""
    return spoken.exemption(kind)


@register.filter
def exemption_hint(kind: str) -> str:
    """Say what a kind of exemption means."""
    return gettext(spoken.EXEMPTION_HINTS[kind]) if kind in spoken.EXEMPTION_HINTS else ""
