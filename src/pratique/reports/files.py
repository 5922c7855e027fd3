"""Where the files of runs lie: REPORT_FILES/<institution>/<run>.<format>, readable by the program alone.

A file appears under its name only when it is whole; whatever died in the middle leaves `<run>.<random>.part`.
"""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings


def path_of(institution_id: UUID, run_id: UUID, extension: str) -> Path:
    """Return where the run's file is, or would be."""
    return folder_of(institution_id) / f"{run_id}.{extension}"


def folder_of(institution_id: UUID) -> Path:
    """Return the institution's folder."""
    return Path(settings.REPORT_FILES) / str(institution_id)


@contextmanager
def whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes `path`'s place when the block ends well, and vanishes when it does not."""
    part = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write(path: Path, blocks: Iterable[bytes]) -> int:
    """Write `blocks` to `path`, which appears whole or not at all; return the size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_or_nothing(path) as file:
        return sum(file.write(block) for block in blocks)


def delete(institution_id: UUID, run_id: UUID) -> None:
    """Delete all that a run left, the pieces of killed attempts too; does nothing where there is nothing."""
    for path in folder_of(institution_id).glob(f"{run_id}.*"):
        path.unlink(missing_ok=True)
