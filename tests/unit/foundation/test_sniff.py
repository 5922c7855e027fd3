"""What a file is, by its content: its name has no say, and two files in one are refused."""

import pytest

from pratique.foundation.imaging import FOUND, REFUSALS, FileRefused, Kind
from pratique.foundation.imaging.sniff import judge
from tests.unit.foundation import handed_in as files

ZIP = files.zipped("readme.txt")
SCRIPT = b"<script>alert(1)</script>"
PROGRAM = b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (files.pdf(), Kind.PDF),
        (b"\xef\xbb\xbf" + files.pdf(), Kind.PDF),
        (b"\r\n" + files.pdf(), Kind.PDF),
        (files.pdf() + b"\r\n\0\0", Kind.PDF),
        (files.jpeg(), Kind.JPEG),
        (files.with_everything(), Kind.JPEG),
        (files.jpeg(progressive=True), Kind.JPEG),
        (files.jpeg() + b"\0\0\0\x18ftypmp42" + bytes(5000) + b"MZ<sv" * 99, Kind.JPEG),
        (files.jpeg() + files.jpeg(), Kind.JPEG),
        (files.png(), Kind.PNG),
        (files.phone_heic(), Kind.HEIC),
        (files.pages(2, "TIFF"), Kind.TIFF),
        (files.saved(files.picture(), "WEBP"), Kind.WEBP),
    ],
    ids=["PDF", "PDF after a byte order mark", "PDF after an empty line", "PDF before blanks", "JPEG",
         "JPEG with Exif", "progressive JPEG", "a phone's motion photo", "a phone's double photo", "PNG", "HEIC",
         "TIFF", "WebP"],
)  # fmt: skip
def test_what_is_accepted(content, kind):
    assert judge(content) == kind


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (ZIP, "archive"),
        (files.zipped("[Content_Types].xml", "word/document.xml"), "office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "office"),
        (b"{\\rtf1 hello}", "office"),
        (PROGRAM, "program"),
        (b"\x7fELF" + bytes(100), "program"),
        (b"#!/bin/sh\nrm -r /", "program"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "web_page"),
        (b"<?xml version='1.0'?><svg/>", "web_page"),
        (b"\n  <!DOCTYPE html><html>", "web_page"),
        ("\ufeff<html>".encode("utf-16-le"), "web_page"),
        (b"\0\0\0\x18ftypmp42" + bytes(100), "video"),
        (b"\0\0\0\x14ftypqt  " + bytes(100), "video"),
        (b"\x1aE\xdf\xa3" + bytes(100), "video"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "video"),
        (b"RIFF\0\0\0\0WAVE" + bytes(100), "sound"),
        (b"\0\0\0\x18ftypM4A " + bytes(100), "sound"),
        (b"ID3\x03" + bytes(100), "sound"),
        (b"GIF89a" + bytes(100), "other_picture"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "other_picture"),
        (b"Dear Sir or Madam", "text"),
        (bytes(100), "unknown"),
        (b"\x93\x01\x02", "unknown"),
    ],
    ids=["zip", "Word", "old Word", "RTF", "Windows program", "Linux program", "shell script", "SVG",
         "SVG with a declaration", "HTML", "HTML in UTF-16", "MP4", "QuickTime", "Matroska", "AVI", "WAVE", "M4A",
         "MP3", "GIF", "AVIF", "text", "zeros", "bytes"],
)  # fmt: skip
def test_what_is_not_accepted_is_called_by_name(content, found):
    with pytest.raises(FileRefused) as refused:
        judge(content)
    assert (refused.value.code, refused.value.found) == ("type_not_accepted", found)
    assert FOUND[found] in refused.value.sentence()


@pytest.mark.parametrize(
    "content",
    [
        files.pdf() + ZIP,
        files.jpeg() + ZIP,
        files.png() + ZIP,
        files.phone_heic() + ZIP,
        files.jpeg() + ZIP + b"more",
        b"GIF89a;" + files.pdf(),
        PROGRAM + files.pdf(),
        b"PK\x03\x04" + files.pdf(),
        SCRIPT + files.pdf(),
        files.jpeg(comment=files.pdf()),
        files.pdf() + PROGRAM,
        files.pdf() + SCRIPT,
        files.jpeg() + SCRIPT,
        files.jpeg() + b"<?php system($_GET[0]);",
        files.png() + b"\x7fELF\2\1\1" + bytes(100),
    ],
    ids=["PDF and zip", "JPEG and zip", "PNG and zip", "HEIC and zip", "zip and more at the end", "GIF before a PDF",
         "a program before a PDF", "a zip before a PDF", "HTML before a PDF", "a PDF in a JPEG's comment",
         "a program after a PDF", "HTML after a PDF", "HTML after a JPEG", "PHP after a JPEG",
         "a program after a PNG"],
)  # fmt: skip
def test_two_files_in_one_are_refused(content):
    with pytest.raises(FileRefused) as refused:
        judge(content)
    assert refused.value.code == "polyglot"


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_says_what_is_wrong_and_what_to_do(code):
    sentences = FileRefused(code, "unknown" if "%(found)s" in REFUSALS[code] else "").sentence()
    assert "Please" in sentences
    assert "%(" not in sentences
