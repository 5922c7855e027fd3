"""What a file is, by its bytes alone; the name that it came with says nothing.

Nothing is decoded here: it compares bytes, so it is safe in the process that has the database open.
"""

import re

from pratique.foundation.imaging.refusals import FileRefused
from pratique.foundation.imaging.types import MAX_BYTES, Kind

# Where a PDF reader looks for the header, and a zip reader for the directory's end (APPNOTE 4.3.16: 22 bytes and a
# comment of at most 65,535).
_PDF_HEADER_WITHIN = 1024
_ZIP_END_WITHIN = 22 + 65_535
_ZIP_END, _ZIP_ENTRY = b"PK\x05\x06", b"PK\x01\x02"
_BLANK = b"\xef\xbb\xbf\r\n\t \0"

_ACCEPTED = (
    (b"%PDF-", Kind.PDF),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"II+\0", Kind.TIFF),
    (b"MM\0+", Kind.TIFF),
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_REFUSED = (
    *((magic, "program") for magic in _PROGRAMS),
    (b"PK\x07\x08", "archive"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"{\\rtf", "office"),
    (b"GIF8", "other_picture"),
    (b"BM", "other_picture"),
    (b"8BPS", "other_picture"),
    (b"\0\0\0\x0cjP", "other_picture"),
    (b"\xff\x0a", "other_picture"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\0\0\x01\xba", "video"),
    (b"FLV", "video"),
    (b"ID3", "sound"),
    (b"\xff\xfb", "sound"),
    (b"OggS", "sound"),
    (b"fLaC", "sound"),
)
_RIFF = {b"WAVE": "sound", b"AVI ": "video"}
_MARKUP = re.compile(rb"<(?:!doctype|html|svg|script|head|body|iframe|\?xml|\?php|!--)", re.I)
# What must not follow the end of a picture or of a PDF. Phones put short films and depth maps there: those may, and
# each pattern is long enough not to be found in them by chance.
_ACTIVE_TAIL = re.compile(
    rb"<(?:!doctype\s|(?:html|svg|script|iframe)[\s>]|\?php\s)|\x7fELF[\x01\x02][\x01\x02]\x01|%PDF-\d\.\d",
    re.I,
)
_PE_OFFSET = 60  # where a Windows program says how far its header is


def judge(content: bytes) -> Kind:
    """Return what `content` is. Raises FileRefused: empty, too_large, type_not_accepted, polyglot."""
    if not content:
        raise FileRefused("empty")
    if len(content) > MAX_BYTES:
        raise FileRefused("too_large")
    kind = _accepted(content)
    if kind is None:
        if _pdf_is_hidden(content):
            raise FileRefused("polyglot")
        raise FileRefused("type_not_accepted", found=_found(content))
    if _is_two_files(kind, content):
        raise FileRefused("polyglot")
    return kind


def _accepted(content: bytes) -> Kind | None:
    for magic, kind in _ACCEPTED:
        if content.startswith(magic):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Kind.WEBP
    if content[4:8] == b"ftyp" and _brands(content) & _HEIC_BRANDS:
        return Kind.HEIC
    # Some programs begin a PDF with a byte order mark or an empty line; nothing else can hide in that.
    return Kind.PDF if content[:64].lstrip(_BLANK).startswith(b"%PDF-") else None


def _brands(content: bytes) -> set[bytes]:
    """Return the major and the compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    return {content[8:12], *(content[start : start + 4] for start in range(16, end - 3, 4))}


def _found(content: bytes) -> str:
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "office" if _OFFICE.search(content) else "archive"
    for magic, found in _REFUSED:
        if content.startswith(magic):
            return found
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12], "unknown")
    if content[4:8] == b"ftyp":
        if b"avif" in _brands(content):
            return "other_picture"
        return "sound" if content[8:12] in _SOUND_BRANDS else "video"
    if content[4:8] in (b"moov", b"mdat", b"wide", b"free"):
        return "video"
    return _found_in_text(content[:4096])


_OFFICE = re.compile(rb"\[Content_Types\]\.xml|mimetypeapplication/vnd\.(?:oasis|sun)")


def _found_in_text(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start[2:].replace(b"\0", b"")
    if _MARKUP.match(start.lstrip(_BLANK)):
        return "web_page"
    return "unknown" if re.search(rb"[\x00-\x08\x0e-\x1a]", start) else "text"


def _is_two_files(kind: Kind, content: bytes) -> bool:
    if kind != Kind.PDF and _pdf_is_hidden(content):
        return True
    tail = _tail(kind, content)
    return _ends_as_zip(content) or bool(_ACTIVE_TAIL.search(tail)) or _has_windows_program(tail)


def _pdf_is_hidden(content: bytes) -> bool:
    return b"%PDF-" in content[:_PDF_HEADER_WITHIN]


def _ends_as_zip(content: bytes) -> bool:
    """Return whether a zip reader, which begins at the end, would find a directory that is one."""
    end = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_END_WITHIN))
    if end < 0 or end + 22 > len(content):
        return False
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    start = end - size
    return size > 0 and start >= 0 and content[start : start + 4] == _ZIP_ENTRY


def _has_windows_program(tail: bytes) -> bool:
    for found in re.finditer(b"MZ", tail):
        place = found.start()
        header = place + int.from_bytes(tail[place + _PE_OFFSET : place + _PE_OFFSET + 4], "little")
        if tail[header : header + 4] == b"PE\0\0":
            return True
    return False


def _tail(kind: Kind, content: bytes) -> bytes:
    """Return what follows the end that the format has; b"" where the format has none."""
    if kind == Kind.PDF:
        return content[content.rfind(b"%%EOF") + 5 :] if b"%%EOF" in content else b""
    if kind == Kind.JPEG:
        return content[_end_of_jpeg(content) :]
    if kind == Kind.PNG:
        return content[_end_of_png(content) :]
    if kind == Kind.WEBP:
        return content[8 + int.from_bytes(content[4:8], "little") :]
    return b""


def _end_of_jpeg(content: bytes) -> int:
    """Return where the first picture of a JPEG ends, by its segments (ITU-T T.81, annex B)."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xD9:
            return place + 2
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == 0xDA:
            following = _MARKER.search(content, place)
            if following is None:
                return len(content)
            place = following.start()
    return len(content)


# In the data of a scan, FF 00 is a byte of data and FF D0 to FF D7 are restarts; FF FF is filling.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _end_of_png(content: bytes) -> int:
    place = 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        place += 12 + length
        if kind == b"IEND":
            return place
    return len(content)
