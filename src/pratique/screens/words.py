"""Words and icons for states: a status is never told by color alone."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Chip(NamedTuple):
    """How a state looks: the tone picks the color (CSS `chip-*`), the icon is one of USWDS's sprite."""

    tone: str
    icon: str
    word: str | Promise


CHIPS: Mapping[str, Mapping[str, Chip]] = {
    "item": {
        "approved": Chip("approved", "check_circle", _("Approved")),
        "pending": Chip("pending", "schedule", _("Pending")),
        "incomplete": Chip("incomplete", "radio_button_unchecked", _("Incomplete")),
        "rejected": Chip("rejected", "cancel", _("Rejected")),
        "expired": Chip("expired", "update", _("Expired")),
    },
    "standing": {
        "cleared": Chip("approved", "check_circle", _("Cleared")),
        "in_review": Chip("pending", "schedule", _("Waiting for review")),
        "not_complete": Chip("incomplete", "radio_button_unchecked", _("Not complete")),
        "no_tracker": Chip("incomplete", "help_outline", _("No tracker")),
    },
    "import": {
        "received": Chip("pending", "file_present", _("Received")),
        "checking": Chip("pending", "autorenew", _("Being checked")),
        "ready": Chip("expired", "visibility", _("Waiting for you")),
        "applying": Chip("pending", "autorenew", _("Being applied")),
        "applied": Chip("approved", "check_circle", _("Applied")),
        "failed": Chip("rejected", "cancel", _("Failed")),
        "cancelled": Chip("incomplete", "remove_circle", _("Cancelled")),
    },
    "outcome": {
        "created": Chip("approved", "add_circle", _("Created")),
        "updated": Chip("pending", "edit", _("Updated")),
        "unchanged": Chip("incomplete", "check_circle_outline", _("Unchanged")),
        "refused": Chip("rejected", "cancel", _("Refused")),
    },
    "membership": {
        "active": Chip("approved", "check", _("Active")),
        "archive": Chip("incomplete", "folder", _("Archived")),
    },
    "partner": {
        "works": Chip("approved", "check_circle", _("Works")),
        "ending": Chip("expired", "update", _("Key ends soon")),
        "no_key": Chip("incomplete", "lock_outline", _("No key that works")),
        "suspended": Chip("rejected", "cancel", _("Suspended")),
        "no_calls": Chip("rejected", "remove_circle", _("No calls let through")),
    },
    "partner_key": {
        "active": Chip("approved", "check_circle", _("Works")),
        "ending": Chip("expired", "update", _("Ends")),
        "ended": Chip("incomplete", "remove_circle", _("Ended")),
        "revoked": Chip("rejected", "cancel", _("Revoked")),
    },
    "transfer": {
        "works": Chip("approved", "check_circle", _("Works")),
        "new": Chip("incomplete", "radio_button_unchecked", _("Nothing came yet")),
        "no_key": Chip("incomplete", "lock_outline", _("No key that works")),
        "failing": Chip("rejected", "error_outline", _("Last file not processed")),
        "refused": Chip("rejected", "error_outline", _("Sign-in refused")),
        "suspended": Chip("rejected", "cancel", _("Suspended")),
        "closed": Chip("incomplete", "remove_circle", _("Closed")),
    },
    "inbound": {
        "incomplete": Chip("expired", "update", _("Upload not finished")),
        "waiting": Chip("pending", "schedule", _("Waiting")),
        "claimed": Chip("pending", "schedule", _("Taken for processing")),
        "importing": Chip("pending", "autorenew", _("Being processed")),
        "processed": Chip("approved", "check_circle", _("Processed")),
        "failed": Chip("rejected", "cancel", _("Failed")),
        "repeated": Chip("rejected", "cancel", _("Left: same as the last")),
        "ignored": Chip("incomplete", "remove_circle", _("Ignored: same as the last")),
        "removed": Chip("incomplete", "remove_circle", _("Removed by the account")),
    },
    "destination": {
        "ready": Chip("approved", "check_circle", _("Ready")),
        "no_sign_in": Chip("incomplete", "lock_outline", _("No password or key yet")),
        "no_host_key": Chip("incomplete", "lock_outline", _("No host key trusted yet")),
        "failing": Chip("expired", "error_outline", _("Last try failed")),
        "stopped": Chip("rejected", "cancel", _("Stopped")),
        "closed": Chip("incomplete", "remove_circle", _("Closed")),
    },
    "delivery": {
        "waiting": Chip("pending", "schedule", _("Waiting")),
        "sending": Chip("pending", "autorenew", _("Being sent")),
        "delivered": Chip("approved", "check_circle", _("Delivered")),
        "failed": Chip("rejected", "cancel", _("Failed")),
        "cancelled": Chip("incomplete", "remove_circle", _("Cancelled")),
    },
    "schedule": {
        "ready": Chip("approved", "check_circle", _("Runs well")),
        "waiting": Chip("pending", "autorenew", _("On its way")),
        "never": Chip("incomplete", "radio_button_unchecked", _("Nothing delivered yet")),
        "failing": Chip("expired", "error_outline", _("Last try failed")),
        "report_gone": Chip("rejected", "cancel", _("Report deleted")),
        "stopped": Chip("rejected", "cancel", _("Destination stopped")),
        "paused": Chip("incomplete", "remove_circle", _("Paused")),
        "in_doubt": Chip("rejected", "help_outline", _("Waits for your answer")),
    },
    "batch": {
        "waiting": Chip("expired", "visibility", _("Waits for approval")),
        "approved": Chip("approved", "check_circle", _("Sent, or on its way")),
        "refused": Chip("incomplete", "remove_circle", _("Decided against")),
        "lapsed": Chip("incomplete", "remove_circle", _("Nobody decided in time")),
        "empty": Chip("incomplete", "remove_circle", _("Nobody was reminded")),
    },
    "reminder": {
        "waiting": Chip("expired", "visibility", _("Waits for approval")),
        "on_the_way": Chip("pending", "schedule", _("On its way")),
        "sent": Chip("approved", "check_circle", _("Sent")),
        "failed": Chip("rejected", "cancel", _("Could not be sent")),
        "in_doubt": Chip("rejected", "help_outline", _("Perhaps sent")),
        "stopped": Chip("incomplete", "check_circle_outline", _("Not needed any more")),
        "left_out": Chip("incomplete", "remove_circle", _("Left out")),
    },
    "escalation": {
        "waiting": Chip("expired", "visibility", _("Waits for approval")),
        "approved": Chip("approved", "check_circle", _("Approved")),
        "refused": Chip("incomplete", "remove_circle", _("Decided against")),
        "ended": Chip("incomplete", "check_circle_outline", _("Ended")),
    },
    "ladder": {
        "on": Chip("approved", "check_circle", _("On")),
        "off": Chip("incomplete", "remove_circle", _("Off")),
    },
    "run": {
        "queued": Chip("pending", "schedule", _("Waiting")),
        "running": Chip("pending", "autorenew", _("Being made")),
        "done": Chip("approved", "check_circle", _("Ready")),
        "failed": Chip("rejected", "cancel", _("Failed")),
        "cancelled": Chip("incomplete", "remove_circle", _("Cancelled")),
    },
}

UNKNOWN = Chip("incomplete", "help_outline", _("Unknown"))


def chip(kind: str, state: str) -> Chip:
    """Return how a state of a kind looks."""
    return CHIPS[kind].get(state, UNKNOWN)
