"""Letters for PDF files: Public Sans, and for what it lacks another font of the machine, else the letter's code.

No letter vanishes: what no font here can draw is written as [U+4E2D], and the caller can say so once.
"""

from functools import cache
from html import escape
from pathlib import Path

from django.contrib.staticfiles import finders
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

REGULAR, BOLD = "PublicSans-Regular", "PublicSans-Bold"
# Where Debian, Fedora and macOS keep a font with many alphabets. None of them is needed.
_OTHERS = (
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
)


@cache
def families() -> tuple[str, ...]:
    """Register the fonts and return their names, the one to be tried first in front."""
    found = []
    for name in (REGULAR, BOLD):
        path = finders.find(f"vendor/uswds/fonts/public-sans/{name}.ttf")
        if path:
            pdfmetrics.registerFont(TTFont(name, path))
            found.append(name)
    for number, path in enumerate(_OTHERS):
        if Path(path).exists():
            try:
                pdfmetrics.registerFont(TTFont(f"Other{number}", path))
            except TTFError:
                continue
            found.append(f"Other{number}")
    return tuple(found)


def regular() -> str:
    """Return the font for text; PDF's own where ours is not installed."""
    return REGULAR if REGULAR in families() else "Helvetica"


def bold() -> str:
    """Return the font for headings."""
    return BOLD if BOLD in families() else "Helvetica-Bold"


def marked_up(text: str, font: str) -> str:
    """Return text for a reportlab paragraph in `font`, letters that it lacks in another font or as their codes."""
    pieces: list[tuple[str, str]] = []
    for letter in text:
        name, shown = _drawn(letter, font)
        if pieces and pieces[-1][0] == name:
            pieces[-1] = (name, pieces[-1][1] + shown)
        else:
            pieces.append((name, shown))
    return "".join(
        escape(shown) if name == font else f'<font name="{name}">{escape(shown)}</font>'
        for name, shown in pieces
    )


def _drawn(letter: str, font: str) -> tuple[str, str]:
    if letter in "\n\t ":
        return font, " "
    for name in (font, *families()):
        if _has(name, letter):
            return name, letter
    return font, f"[U+{ord(letter):04X}]"


@cache
def _has(name: str, letter: str) -> bool:
    if ord(letter) > 0xFFFF:  # reportlab draws it, but what is copied from the file is another letter
        return False
    face = pdfmetrics.getFont(name).face
    glyphs = getattr(face, "charToGlyph", None)
    if glyphs is None:  # one of PDF's own fonts: Latin letters only
        try:
            return bool(letter.encode("cp1252")) and letter.isprintable()
        except UnicodeEncodeError:
            return False
    return ord(letter) in glyphs
