"""What kind of deed an audit action is, by its name. PURE.

An action is `source:subject:verb`. A verb that stands in no list counts as a change, so that a deed which somebody
adds without thinking of this file is shown to administrators among the changes rather than nowhere.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Deeds that belong together."""

    VIEWED = "viewed"
    EXPORTED = "exported"
    CHANGED = "changed"
    DECIDED = "decided"
    SIGNED_IN = "signed_in"
    SETTINGS = "settings"


# Deeds about the school rather than a person, whatever their verb. Read first.
_SETTINGS = (
    "institutions:", "requirements:", "accounts:staff:", "reviews:reason:", "vault:", "records:form:",
    "partners:partner:", "partners:client:", "partners:key:", "partners:settings:",
    "transfers:account:", "transfers:key:", "transfers:settings:", "delivery:destination:",
    "reminders:ladder:", "reminders:settings:", "delivery:schedule:",
)  # fmt: skip
VERBS: Mapping[Kind, tuple[str, ...]] = {
    Kind.VIEWED: ("viewed", "opened", "seen", "read", "listed", "previewed", "shown"),
    Kind.EXPORTED: ("exported", "downloaded", "printed"),
    Kind.DECIDED: ("approved", "rejected", "decided", "undone", "returned", "approved_many", "reviewed", "refused"),
    Kind.SIGNED_IN: (
        "signed_in", "signed_out", "activated", "sign_in_failed", "wrong_answer", "password_set", "locked_out",
    ),
}  # fmt: skip
_BY_VERB = {verb: kind for kind, verbs in VERBS.items() for verb in verbs}


def kind_of(action: str) -> Kind:
    """Return the kind of an action."""
    if action.startswith(_SETTINGS):
        return Kind.SETTINGS
    return _BY_VERB.get(action.rpartition(":")[2], Kind.CHANGED)
