"""Which uploads may be processed, and how much an account may leave in the spool. PURE.

contracts/file-transfer.md, "Inbound files"; what clients do is in research/sftp.md 3.2.
"""

from collections.abc import Sequence

MIB = 1024 * 1024

# A roster of 50,000 rows is about 5 MB; the rest is room for other columns. More is no roster.
MOST_BYTES = 512 * MIB
# All uploads of an account that are not claimed: it may fill its own share of the disk, and no more.
MOST_BYTES_OF_ACCOUNT = 4 * 1024 * MIB
MOST_FILES = 10_000
# Several clients check or set times by path after the upload: so long the name of a claimed file answers.
TOMBSTONE_SECONDS = 600
# A school that notices after a weekend that an upload broke off can still resume it.
INCOMPLETE_KEPT_SECONDS = 7 * 86_400
# Complete, and never eligible (a wrong name): a month is long enough to rename it, and files hold personal data.
WAITING_KEPT_SECONDS = 30 * 86_400

LONGEST_NAME = 255  # bytes, as in the file systems that clients know
# Names that clients give uploads under way: WinSCP, browsers, rclone, lftp and others (research/sftp.md 3.2).
TEMPORARY_ENDS = (".filepart", ".part", ".tmp", ".partial")
TEMPORARY_START = ".in."
# What claimed files end in: nobody may make such a name, so that it always means what it says.
CLAIMED_ENDS = (".processing", ".processed", ".failed", ".repeated")


def why_not(name: str, size: int, announced: int | None, holes: Sequence[tuple[int, int]]) -> str:
    """Return why a complete upload is not claimed: a code of `types.REASONS`, or nothing if it may be claimed."""
    if reason := _why_not_by(name.casefold()):
        return reason
    if holes:
        return "hole"
    if announced is not None and announced != size:
        return "size_differs"
    return ""


def _why_not_by(name: str) -> str:
    # lftp's `.in.<name>` begins with a dot too; that it is temporary says more.
    if name.startswith(TEMPORARY_START) or name.endswith(TEMPORARY_ENDS):
        return "temporary_name"
    if name.startswith("."):
        return "hidden_name"
    return "" if name.endswith(".csv") else "not_csv"


def is_claimed_name(name: str) -> bool:
    """Return whether a name is one that only claimed files have."""
    return name.casefold().endswith(CLAIMED_ENDS)
