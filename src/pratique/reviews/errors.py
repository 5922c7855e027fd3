"""What can go wrong in review, as one family. The text of each is a sentence for the person who tried."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _


class ReviewError(Exception):
    """A deed was refused. `code` is for programs, the text for people."""

    def __init__(self, sentence: str, code: str = "") -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


class NotSendableError(ReviewError):
    """A draft cannot be sent as it is. `problems` are (id of the piece or file, or "", sentence)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__(_("Something has to be put right before this can be sent."), "not_sendable")


class BegunError(ReviewError):
    """The student wants it back, but a reviewer has begun."""


class TakenBackError(ReviewError):
    """The student took it back, or never sent it."""


class AlreadyDecidedError(ReviewError):
    """Somebody decided it before."""


class UndoTooLateError(ReviewError):
    """The seconds in which a decision can be taken back are over, or it was somebody else's."""


class NotClaimedError(ReviewError):
    """One must have the case before one works on it."""


class ClaimedByOtherError(NotClaimedError):
    """Somebody else has the case: `name` (empty if that account is gone), until `until`."""

    def __init__(self, sentence: str, code: str, *, key: str = "", until: datetime | None = None) -> None:
        self.key, self.until, self.name = key, until, ""
        super().__init__(sentence, code)


class NotForYouError(ReviewError):
    """The case was handed to somebody else, or waits for another person's opinion."""


class UndecidedError(ReviewError):
    """A decision must speak of each waiting piece exactly once. `missing` and `unknown` name pieces."""

    def __init__(self, missing: Sequence[UUID], unknown: Sequence[UUID]) -> None:
        self.missing, self.unknown = list(missing), list(unknown)
        super().__init__(
            _("This case changed since you opened it. Look at it again, then decide every piece."), "changed"
        )


class UnknownReasonError(ReviewError):
    """A return needs a reason of the library."""

    def __init__(self) -> None:
        super().__init__(_("Choose a reason, so that the student knows what to do."), "no_reason")


class PieceError(ReviewError):
    """A piece cannot be put on record so. `problems` are those of `records.pieces`."""

    def __init__(self, problems: Sequence[tuple[str, str, str]]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(sentence for _field, _code, sentence in problems), "piece")


class CaseError(ReviewError):
    """What was asked of a case makes no sense (a page of another case, a colleague who may not review)."""
