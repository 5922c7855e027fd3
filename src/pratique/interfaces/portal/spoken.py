"""Codes of rules and evidence, in words for the one whom they are about. PURE."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as N_

from pratique.rules.explain import word

EXEMPTIONS = {
    "medical": N_("A medical reason"),
    "religious": N_("My religion"),
    "philosophical": N_("My conscience or personal beliefs"),
    "other": N_("Another reason"),
}
EXEMPTION_HINTS = {
    "medical": N_("A doctor or nurse says that you should not have this vaccine, for good or for now."),
    "religious": N_("Your faith speaks against it."),
    "philosophical": N_("You have decided against it for reasons of your own."),
    "other": N_("Something else that your school accepts."),
}
RESULTS = (
    ("positive", N_("Positive (immune)")),
    ("negative", N_("Negative (not immune)")),
    ("equivocal", N_("Equivocal (unclear)")),
)


def capitalised(code: str) -> str:
    """Return a code in words, the first letter large."""
    said = word(code, gettext)
    return said[:1].upper() + said[1:]


def results() -> list[tuple[str, str]]:
    """Return the results of a laboratory with their words."""
    return [(value, gettext(name)) for value, name in RESULTS]


def exemption(kind: str) -> str:
    """Say a kind of exemption as a reason of one's own; empty for none."""
    return gettext(EXEMPTIONS[kind]) if kind in EXEMPTIONS else ""
