"""What can go wrong with uploads. Messages are plain English for the person at the client."""


class SpoolError(Exception):
    """An upload cannot be kept as asked. `reason` is a code of `transfers.types.REASONS`, or empty."""

    reason = ""


class NoSuchUploadError(SpoolError):
    """There is none of this name."""


class UploadExistsError(SpoolError):
    """There is one of this name, and the client asked that there be none."""


class UploadBusyError(SpoolError):
    """Another session writes to it, or it is being taken for processing at this moment."""

    reason = "busy"


class TooLargeError(SpoolError):
    """It would be larger than an upload may be."""

    reason = "too_large"


class SpoolFullError(SpoolError):
    """There is no room: on the disk, or for this account."""

    reason = "disk_full"


class PartMissingError(SpoolError):
    """A part of it could not be stored, so that it does not become complete. `reason` is why."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "A part of the file could not be stored, so it stays incomplete. Resume it or send it again."
        )
        self.reason = reason


class ScatteredError(SpoolError):
    """It is written in more pieces at once than anybody's client does."""


class UnreadableError(SpoolError):
    """What lies there is not what was put there."""

    reason = "damaged"
