"""The place in the review queue, in words. PURE."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def sentence(place: Any) -> str:
    """Say how many are ahead and about how long it takes; without an estimate nothing is promised.

    `place` is `reviews.queries.queue.Place`, or None where nothing is known of it.
    """
    if place is None:
        return _("Waiting for a reviewer.")
    first = (
        _("Next in the queue.")
        if place.ahead == 0
        else ngettext(
            "%(n)d is ahead of it in the queue.", "%(n)d are ahead of it in the queue.", place.ahead
        )
        % {"n": place.ahead}
    )
    about = estimate(place.estimate)
    return f"{first} {about}" if about else first


def estimate(measured: Any) -> str:
    """Say a measured estimate; empty where too little was reviewed lately to measure one."""
    if measured is None:
        return ""
    low, high = measured.low, measured.high
    if measured.unit == "hours":
        return ngettext(
            "At the present pace it is reviewed within %(n)d working hour.",
            "At the present pace it is reviewed within %(n)d working hours.",
            high,
        ) % {"n": high}
    if low == high or high <= 1:
        return ngettext(
            "At the present pace it takes about %(n)d working day.",
            "At the present pace it takes about %(n)d working days.",
            high,
        ) % {"n": high}
    return _("At the present pace it takes %(low)d to %(high)d working days.") % {"low": low, "high": high}
