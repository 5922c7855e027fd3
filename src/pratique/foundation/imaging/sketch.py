"""Whether two pages are the same picture, by 64 x 64 grey cells of each.

A hash of the looks finds candidates by an index, but papers of one form share it: only what is written on them
differs, and that is seen in single cells. Measured on drawn forms (60 scans of one form, 120 photographs): a picture
saved anew, larger, smaller or coarser differs from itself by at most 16 of 255 in any cell; two papers of one form
differ by 31 or more in at least one. A digit written over is less than that: the paper stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Pillow is loaded where pictures are compared, not in every process that knows of them
    from PIL import Image

SIDE = 64
BYTES = SIDE * SIDE
_TOLERANCE = 22
# Less contrast than this is an empty page, or a finger on the lens: like any other such page.
_LEAST_CONTRAST = 24


def sketch(picture: Image.Image) -> bytes:
    """Return the mean grey of each cell, row by row: `BYTES` bytes."""
    from PIL import Image

    return picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def shows_something(cells: bytes) -> bool:
    """Say whether there is anything on a page by which it could be known again."""
    return len(cells) == BYTES and max(cells) - min(cells) >= _LEAST_CONTRAST


def same_picture(one: bytes, other: bytes) -> bool:
    """Say whether two sketches are of the same picture."""
    from PIL import Image, ImageChops

    first, second = (Image.frombytes("L", (SIDE, SIDE), cells) for cells in (one, other))
    furthest = ImageChops.difference(first, second).getextrema()[1]
    return isinstance(furthest, int) and furthest <= _TOLERANCE
