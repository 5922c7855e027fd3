"""What becomes of a complete upload when it is claimed. PURE.

contracts/file-transfer.md, "Inbound files". "The last file" is the one that was claimed last from the same account,
whatever became of it after that: an import that failed counts too.
"""

from dataclasses import dataclass

from pratique.transfers.models import InboundState


@dataclass(frozen=True)
class Content:
    """An upload as it lies there. `sha256` is empty where it could not be read to its end (`damaged`)."""

    size: int
    sha256: str
    unanswered: bool = False
    damaged: bool = False
    too_large: bool = False


@dataclass(frozen=True)
class LastFile:
    """The file that was claimed last. `unanswered`: its client may not have heard that it was taken."""

    sha256: str
    unanswered: bool


@dataclass(frozen=True)
class AccountNow:
    """The account at the moment of the claim. `ignores_repeated` is its institution's choice."""

    suspended: bool = False
    closed: bool = False
    ignores_repeated: bool = False


@dataclass(frozen=True)
class Decision:
    """What becomes of the upload, and of its account."""

    state: InboundState
    reason: str = ""
    # The account is suspended by it.
    suspends: bool = False
    # It is the last file from now on.
    becomes_last: bool = False
    # Its client's retry of the last file is over: the next one with the same bytes is none.
    retry_is_over: bool = False

    @property
    def is_left(self) -> bool:
        """Whether the upload stays where it is, to be claimed later."""
        return self.state is InboundState.WAITING


def decide_claim(content: Content, account: AccountNow, last: LastFile | None) -> Decision:
    """Return what becomes of an upload that is complete and has settled.

    While an account is suspended, another file waits for the end of it, but the same bytes as the last ones are put
    aside at once: otherwise the first thing after lifting a suspension could be the next one.
    """
    if account.closed:
        return Decision(InboundState.WAITING, "account_closed")
    if not content.damaged and content.size and last is not None and content.sha256 == last.sha256:
        return _same_again(content, account, last)
    if account.suspended:
        return Decision(InboundState.WAITING, "account_suspended")
    if content.damaged:
        return Decision(InboundState.FAILED, "damaged")
    if not content.size:
        return Decision(InboundState.FAILED, "empty")
    if content.too_large:
        return Decision(InboundState.FAILED, "too_large", becomes_last=True)
    return Decision(InboundState.CLAIMED, becomes_last=True)


def _same_again(content: Content, account: AccountNow, last: LastFile) -> Decision:
    if last.unanswered:
        return Decision(InboundState.IGNORED, "retry", retry_is_over=not content.unanswered)
    if account.ignores_repeated:
        return Decision(InboundState.IGNORED, "same_as_last")
    return Decision(InboundState.REPEATED, "same_as_last", suspends=not account.suspended)
