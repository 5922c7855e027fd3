"""Reading a child's answer and believing none of it: the child may be in the hands of the file's author.

Each picture must be a plain baseline JPEG of the size that was told, made of the segments that a picture needs and
no other: metadata, comments and anything behind its end are not possible.
"""

import re
from typing import Any

import orjson

from pratique.foundation.imaging import types
from pratique.foundation.imaging.refusals import REFUSALS, FileRefused
from pratique.foundation.imaging.sketch import BYTES as SKETCH_BYTES
from pratique.foundation.imaging.types import Kind, Rendered, RenderedPage

MOST_BYTES = types.MAX_PAGES * 6 * 1024 * 1024
_LONGEST_LINE = 16 * 1024
_NOTES = {types.ACTIVE_CONTENT, types.FIRST_PICTURE_ONLY}
# ITU-T T.81 table B.1: JFIF's APP0, quantisation tables, baseline frame, Huffman tables, restart interval.
_APP0, _FRAME, _SCAN = 0xE0, 0xC0, 0xDA
_SEGMENTS = {_APP0, 0xDB, _FRAME, 0xC4, 0xDD}
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_LONGEST_APP0 = 16


class WrongAnswerError(Exception):
    """The child answered what none of our code would have."""


def read(answer: bytes, kind: Kind) -> Rendered:
    """Return what the child drew. Raises FileRefused if it says so, WrongAnswerError if it lies."""
    line, end, pictures = answer.partition(b"\n")
    if not end or len(line) > _LONGEST_LINE:
        raise WrongAnswerError("no answer")
    try:
        told = orjson.loads(line)
        if set(told) == {"refused"} and told["refused"] in REFUSALS and not pictures:
            raise FileRefused(told["refused"])
        pages, notes = told["pages"], told["notes"]
        if not 1 <= len(pages) <= types.MAX_PAGES or not set(notes) <= _NOTES:
            raise WrongAnswerError("wrong pages")
        return Rendered(kind.value, _pages(pages, memoryview(pictures)), tuple(sorted(set(notes))))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        raise WrongAnswerError("not of the form agreed on") from None


def _pages(told: list[Any], pictures: memoryview) -> tuple[RenderedPage, ...]:
    pages, place = [], 0
    for row in told:
        width, height, *lengths, looks = row
        if len(lengths) != 2 or not all(type(value) is int for value in row) or min(lengths) < 1:
            raise WrongAnswerError("wrong numbers")
        if not -(1 << 63) <= looks < 1 << 63:
            raise WrongAnswerError("wrong looks")
        middle, after = place + lengths[0], place + sum(lengths)
        end = after + SKETCH_BYTES
        image, thumbnail = bytes(pictures[place:middle]), bytes(pictures[middle:after])
        sketch = bytes(pictures[after:end])
        if len(image) + len(thumbnail) + len(sketch) != end - place:
            raise WrongAnswerError("too short")
        if size_of_plain_jpeg(image) != (width, height) or max(width, height) > types.LONG_SIDE:
            raise WrongAnswerError("wrong size")
        if max(size_of_plain_jpeg(thumbnail)) > types.THUMBNAIL_SIDE:
            raise WrongAnswerError("wrong size")
        pages.append(RenderedPage(width, height, image, thumbnail, looks, sketch))
        place = end
    if place != len(pictures):
        raise WrongAnswerError("too long")
    return tuple(pages)


def size_of_plain_jpeg(image: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG that holds a picture and nothing else. Raises WrongAnswerError."""
    if not image.startswith(b"\xff\xd8\xff"):
        raise WrongAnswerError("no JPEG")
    place, size = 2, (0, 0)
    while image[place : place + 1] == b"\xff" and place + 4 <= len(image):
        marker = image[place + 1]
        length = int.from_bytes(image[place + 2 : place + 4], "big")
        if marker == _SCAN:
            end = _MARKER.search(image, place + 2 + length)
            if end is None or image[end.start() :] != b"\xff\xd9" or min(size) < 1:
                break
            return size
        if marker not in _SEGMENTS or length < 2 or (marker == _APP0 and length > _LONGEST_APP0):
            break
        if marker == _FRAME:
            size = (
                int.from_bytes(image[place + 7 : place + 9], "big"),
                int.from_bytes(image[place + 5 : place + 7], "big"),
            )
        place += 2 + length
    raise WrongAnswerError("not a plain JPEG")
