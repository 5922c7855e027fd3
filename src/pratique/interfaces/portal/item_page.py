"""What the page of one requirement shows: what satisfies it, what is there, what came back, and the ways on. PURE."""

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from pratique.interfaces.portal.hand_in.offer import FORM_STEP, Offer


class WayOn(NamedTuple):
    """A way to hand in: the step that it leads to, its words and its icon."""

    step: str
    name: str
    hint: str
    icon: str


def ways_on(offered: Offer, form_titles: dict[str, str]) -> Sequence[WayOn]:
    """Return the ways that are open for an offer; a form whose definition is missing is no way."""
    ways = []
    if offered.pages:
        ways.append(
            WayOn(
                "pages",
                _("Take photos or choose files"),
                _("Of your record, report or certificate"),
                "photo_camera",
            )
        )
    if offered.vaccines:
        ways.append(WayOn("doses", _("Type dates of vaccines"), _("The answer comes at once"), "edit"))
    if offered.antibodies:
        ways.append(
            WayOn("results", _("Type lab results"), _("Blood tests that show you are immune"), "science")
        )
    ways += [
        WayOn(f"{FORM_STEP}{key}", _("Fill in the form: %(title)s") % {"title": form_titles[key]}, "", "list")
        for key in offered.forms
        if key in form_titles
    ]
    if offered.exemptions:
        ways.append(
            WayOn("exemption", _("I cannot or do not want to"), _("Ask for an exemption"), "help_outline")
        )
    return ways
