"""What the state of an import allows. Who may is `accounts.roles`' question."""

from pratique.rosters.models import ImportState

# state -> what may be asked of the import, and the state that follows.
TRANSITIONS: dict[str, dict[ImportState, ImportState]] = {
    "check": {
        ImportState.RECEIVED: ImportState.CHECKING,
        ImportState.READY: ImportState.CHECKING,  # with another column mapping
        ImportState.FAILED: ImportState.CHECKING,
    },
    "confirm": {ImportState.READY: ImportState.APPLYING},
    # What a machine brought (SFTP): nobody looks at a plan.
    "apply_unseen": {ImportState.RECEIVED: ImportState.APPLYING},
    "cancel": {
        ImportState.RECEIVED: ImportState.CANCELLED,
        ImportState.CHECKING: ImportState.CANCELLED,
        ImportState.READY: ImportState.CANCELLED,
        ImportState.FAILED: ImportState.CANCELLED,
    },
}


class WrongStateError(Exception):
    """The import is in a state that does not allow what was asked. The message is fit for a person."""


def next_state(verb: str, state: str) -> ImportState:
    """Return the state after `verb`; WrongStateError says what the import is doing instead."""
    follows = TRANSITIONS[verb].get(ImportState(state))
    if follows is None:
        raise WrongStateError(f"This import is {state}; it cannot be asked to {verb} now.")
    return follows
