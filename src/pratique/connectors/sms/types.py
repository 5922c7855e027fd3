"""What a sender of texts takes, and how it fails."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Text:
    """One text. `number` is in international form ("+15551234567"); a provider sends one `reference` once."""

    number: str
    body: str
    reference: str
    institution: str = ""


class TextRefusedError(RuntimeError):
    """The provider has not taken the text and will not; the message is its code, never the number."""


class OutcomeUnknownError(RuntimeError):
    """The provider may have taken the text, or not: it did not answer in time, or broke while it did."""


class TextSender(Protocol):
    """Sends texts one by one."""

    def send(self, text: Text) -> None:
        """Send `text`; raises TextRefusedError or OutcomeUnknownError."""
        ...
