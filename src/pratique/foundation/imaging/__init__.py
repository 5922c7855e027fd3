"""Safe page images of whatever somebody hands in, made in a separate process with limits.

    rendered = render(content)         # Rendered: media type, pages as JPEG, notes
    FileRefused.sentence()             # why not, and what to do, for the person who handed it in

The pipeline: `sniff` judges by content what the file is, in this process, by looking at bytes and decoding none.
`process` hands the bytes to a helper process, which forks a child for this one file; the child gives up its
rights (`confine`), decodes (`drawing`) and answers. `answer` believes nothing of that: each picture must be a
plain JPEG of the size that was told, with no metadata. The file itself is kept as it came, elsewhere, sealed.
"""

from pratique.foundation.imaging.process import RenderingUnavailableError
from pratique.foundation.imaging.process import render_page_images as render
from pratique.foundation.imaging.refusals import FOUND, REFUSALS, FileRefused
from pratique.foundation.imaging.sketch import same_picture, shows_something
from pratique.foundation.imaging.types import (
    ACTIVE_CONTENT,
    FIRST_PICTURE_ONLY,
    MAX_BYTES,
    MAX_PAGES,
    MAX_PIXELS,
    Kind,
    Rendered,
    RenderedPage,
)

__all__ = [
    "ACTIVE_CONTENT",
    "FIRST_PICTURE_ONLY",
    "FOUND",
    "MAX_BYTES",
    "MAX_PAGES",
    "MAX_PIXELS",
    "REFUSALS",
    "FileRefused",
    "Kind",
    "Rendered",
    "RenderedPage",
    "RenderingUnavailableError",
    "render",
    "same_picture",
    "shows_something",
]
