"""What goes in and out of imaging, and its limits. Standard library only: the confined child reads this too."""

from dataclasses import dataclass
from enum import StrEnum

# A file as it is handed in.
MAX_BYTES = 25 * 1024 * 1024
MAX_PAGES = 20
MAX_PIXELS = 100_000_000

# A page image as it is shown: sharp enough to read small print of a letter page at 200 dpi.
LONG_SIDE = 2200
# A photo that decodes quickly at 1/2, 1/4 or 1/8 of its size is taken so, unless it falls below this.
LEAST_LONG_SIDE = 1600
THUMBNAIL_SIDE = 320
QUALITY = 85
PDF_DPI = 200

# The process that decodes.
MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 30
WALL_SECONDS = 60

# Commands to the helper process.
PLAIN, WITH_THREADS = b"p", b"t"

# Notes on a file that was rendered.
ACTIVE_CONTENT = (
    "active_content"  # a PDF with scripts, attachments or launch actions; only pictures are shown
)
FIRST_PICTURE_ONLY = "first_picture_only"  # an animation: the first picture stands for all


class Kind(StrEnum):
    """A kind of file that is accepted; the value is its media type."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"
    HEIC = "image/heic"
    TIFF = "image/tiff"
    WEBP = "image/webp"


@dataclass(frozen=True)
class RenderedPage:
    """One page: a JPEG at most LONG_SIDE long, a thumbnail, a hash of its looks and a sketch.

    `looks` is a 64-bit difference hash as a signed integer: equal for the same picture, and for papers of one form.
    `sketch` tells those apart (`imaging.same_picture`).
    """

    width: int
    height: int
    image: bytes
    thumbnail: bytes
    looks: int
    sketch: bytes


@dataclass(frozen=True)
class Rendered:
    """A file's pages in order, its media type by content, and notes (ACTIVE_CONTENT, FIRST_PICTURE_ONLY)."""

    media_type: str
    pages: tuple[RenderedPage, ...]
    notes: tuple[str, ...] = ()
