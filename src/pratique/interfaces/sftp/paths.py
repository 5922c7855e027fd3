"""Paths as clients send them: read, checked, and made absolute without looking at any file. PURE.

There are no links, so that `..` is a matter of words alone, as in a chroot: above the root there is the root.
"""

from pratique.interfaces.sftp.filesystem import SftpError, Status
from pratique.transfers.policies import LONGEST_NAME

# As PATH_MAX of the systems that clients know.
LONGEST_PATH = 4096


def absolute(path: bytes) -> str:
    """Return the absolute path that `path` names. Raises SftpError for what no file here can be called."""
    if b"\0" in path:
        raise SftpError(Status.FAILURE, "A path has no NUL in it.")
    if len(path) >= LONGEST_PATH:
        raise SftpError(Status.FAILURE, f"The path is longer than {LONGEST_PATH - 1} bytes.")
    try:
        text = path.decode()
    except UnicodeDecodeError:
        raise SftpError(Status.FAILURE, "Names of files are UTF-8 here, and this one is not.") from None
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def checked_name(name: str) -> str:
    """Return `name` if a new file may be called so. Raises SftpError."""
    if len(name.encode()) > LONGEST_NAME:
        raise SftpError(Status.FAILURE, f"The name is longer than {LONGEST_NAME} bytes.")
    # Control characters of both kinds, line separators, and marks that turn the direction of text in a listing.
    if any(not letter.isprintable() and letter != " " for letter in name):
        raise SftpError(Status.FAILURE, "The name has a control character in it.")
    return name
