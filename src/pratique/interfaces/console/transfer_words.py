"""What codes of file transfer mean for the people who read the console, and what helps."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pratique.transfers.models import InboundFile, InboundState, TransferSession
from pratique.transfers.queries import why
from pratique.transfers.standing import Standing
from pratique.transfers.types import ENDS, EVENTS, REASONS, REFUSALS

Words = Mapping[str, str | Promise]

NEEDS_CARE = "care"
STANDINGS: Words = {
    NEEDS_CARE: _("Needs attention"),
    Standing.WORKS.value: _("Works"),
    Standing.SUSPENDED.value: _("Suspended"),
    Standing.REFUSED.value: _("Sign-in refused"),
    Standing.FAILING.value: _("Last file not processed"),
    Standing.NO_KEY.value: _("No key that works"),
    Standing.NEW.value: _("Nothing came yet"),
    Standing.CLOSED.value: _("Closed"),
}

# What helps where somebody could not sign in.
REMEDIES: Words = {
    "key_unknown": _("Add the public half of the key that the client uses, or have the client use the right one."),
    "key_revoked": _("Have the client use its new key. If it has none, add one."),
    "key_too_short": _("Make an RSA key of 3072 bits, and add its public half."),
    "key_type": _("Make an RSA key of 3072 bits, and add its public half."),
    "signature_sha1": _(
        "These sign safely: OpenSSH 7.2, WinSCP 5.17, PuTTY 0.76, FileZilla 3.55, paramiko 2.9, libssh2 1.11 or later."
    ),
    "signature_wrong": _("Check that the client’s private key file belongs to the public key that is added here."),
    "too_many_keys": _("Set IdentitiesOnly yes and one IdentityFile, or switch the key agent off for this connection."),
    "suspended": _("Lift the suspension when its cause is gone."),
    "closed": _("Set up another account, if files are to come again."),
    "network": _("Add the network to the account, or have the client come from one that is listed."),
    "too_many_sessions": _("Have the client close its sessions, or allow more of them for this account."),
}  # fmt: skip

# What each list may be narrowed to.
KINDS: Mapping[str, Words] = {
    "files": {
        "under_way": _("Under way"),
        "processed": _("Processed"),
        "failed": _("Not processed"),
        "left": _("Ignored or removed"),
    },
    "outbound": {
        "there": _("In the folder"),
        "not_taken": _("Not taken yet"),
        "deleted": _("Deleted"),
    },
    "sessions": {
        "open": _("Open now"),
        "accepted": _("Let in"),
        "refused": _("Refused"),
    },
    "log": EVENTS,
}
TITLES: Words = {
    "files": _("Files received"),
    "outbound": _("Files to take"),
    "sessions": _("Sessions"),
    "log": _("Log of files"),
}
# What `text` looks into.
TEXTS: Words = {
    "files": _("Name"),
    "outbound": _("Name"),
    "sessions": _("Client"),
    "log": _("Path"),
}

# The steps of a connection test (connectors.sftp_push.types.Step).
STEPS: Words = {
    "resolve": _("Find the server"),
    "connect": _("Connect"),
    "host_key": _("Compare its host key"),
    "sign_in": _("Sign in"),
    "folder": _("Open the folder"),
    "write": _("Write a file"),
    "rename": _("Rename it"),
}


def reason(code: str) -> str:
    """Return why a file is where it is; a code without a sentence says itself."""
    return str(REASONS.get(code, code))


def reason_of(file: InboundFile) -> str:
    """Return why a file is where it is; nothing for one that is gone, for what would have helped it is moot."""
    return "" if file.state == InboundState.REMOVED else why(file)


def refusal(code: str) -> str:
    """Return why nobody was let in."""
    return str(REFUSALS.get(code, code))


def remedy(code: str) -> str:
    """Return what helps against a refusal."""
    return str(REMEDIES.get(code, ""))


def end(code: str) -> str:
    """Return why a session ended."""
    return str(ENDS.get(code, code))


def lasted(session: TransferSession) -> str:
    """Return how long a session was open, in the unit that says most; empty while it is open."""
    if session.ended_at is None:
        return ""
    seconds = int((session.ended_at - session.started_at).total_seconds())
    if seconds < 60:
        return gettext("%(number)s s") % {"number": max(1, seconds)}
    if seconds < 3600:
        return gettext("%(number)s min") % {"number": seconds // 60}
    return gettext("%(hours)s h %(minutes)s min") % {"hours": seconds // 3600, "minutes": seconds // 60 % 60}


def event(code: str) -> str:
    """Return what happened to a file."""
    return str(EVENTS.get(code, code))


def step(code: str) -> str:
    """Return a step of a connection test in words."""
    return str(STEPS.get(code, code))
