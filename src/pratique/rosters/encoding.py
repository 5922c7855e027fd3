"""Bytes to text, or a refusal that says which byte and how to save the file instead.

Contract: file-transfer.md, "Inbound files": UTF-8, a BOM is tolerated. Records and cells are `csvfile`'s.
"""

import codecs

MAX_BYTES = 64 * 1024 * 1024

_SAVE_AS = (
    "In Excel choose File > Save As > “CSV UTF-8 (comma delimited)”; "
    "in other programs choose the encoding UTF-8 when you export."
)

# UTF-32 comes first: its little-endian mark begins with the one of UTF-16.
_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
)


class CsvFileError(Exception):
    """The whole file is refused. `code` is a key of `problems.FILE_ERROR_CODES`, `line` counts from 1."""

    def __init__(self, code: str, line: int, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.message = message
        self.column = column


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> str:
    """Give the file's text without its UTF-8 byte order mark.

    Raises `CsvFileError` for a file that is too large, empty or blank, UTF-16 or UTF-32, another format by
    its first bytes, not UTF-8 (naming the byte, its place and line), or that holds a NUL byte.
    """
    if len(data) > max_bytes:
        raise CsvFileError(
            "file_too_large",
            1,
            f"The file has {len(data):,} bytes; at most {max_bytes:,} are read. Split it into several files.",
        )
    if not data:
        raise CsvFileError("empty_file", 1, "The file is empty. Export the roster again and check its size.")
    _refuse_other_formats(data)
    body = data.removeprefix(codecs.BOM_UTF8)
    _refuse_nul(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(body, error, skipped=len(data) - len(body)) from None
    if not text.strip():
        raise CsvFileError("blank_file", 1, "The file holds only blanks. Export the roster again.")
    return text


def _refuse_other_formats(data: bytes) -> None:
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            raise CsvFileError("utf_16", 1, f"The file is {name}, not UTF-8. {_SAVE_AS}")
    for mark, name in _OTHER_FORMATS:
        if data.startswith(mark):
            raise CsvFileError("not_a_csv_file", 1, f"The file is {name}, not CSV. {_SAVE_AS}")


def _refuse_nul(body: bytes) -> None:
    at = body.find(0)
    if at < 0:
        return
    # Western text in UTF-16 without a mark is half NUL bytes.
    if len(body) >= 8 and body.count(0) > len(body) // 3:
        raise CsvFileError("utf_16", 1, f"The file looks like UTF-16 without a byte order mark. {_SAVE_AS}")
    line = body.count(b"\n", 0, at) + 1
    raise CsvFileError(
        "nul_byte",
        line,
        f"A NUL byte (0x00) stands on line {line}; no text contains one. The export is damaged. {_SAVE_AS}",
    )


def _not_utf8(body: bytes, error: UnicodeDecodeError, *, skipped: int) -> CsvFileError:
    line = body.count(b"\n", 0, error.start) + 1
    place = f"byte {error.start + skipped + 1:,} of the file, on line {line}"
    if error.reason == "unexpected end of data":
        message = f"The file ends inside a character ({place}): it is cut off. Upload the whole file again."
    else:
        message = f"0x{body[error.start]:02X} is not UTF-8 text ({place}). {_SAVE_AS}"
    return CsvFileError("not_utf8", line, message)
