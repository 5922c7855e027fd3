"""Papers that look as if a phone had photographed them, for the review queue of the demo institution.

Each is drawn anew from the facts that the student typed, now and then with a slip in it, so that there is something
to find. Nothing here is a real form of anybody's.
"""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

_SIZE = (880, 1136)
_INKS = ((28, 36, 60), (20, 20, 22), (24, 44, 92))
_PAPERS = ((250, 248, 240), (244, 247, 250), (252, 252, 252), (237, 240, 226))
_CLINICS = (
    "Bayview Family Medicine", "Northgate Pediatrics", "County Public Health Clinic", "Lakeside Student Clinic",
    "Clínica Familiar del Valle", "St. Brendan Medical Group",
)  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """What is written on a paper: its title, whose it is, and lines of cells."""

    title: str
    name: str
    born: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


def photograph(paper: Paper, chance: random.Random) -> bytes:
    """Return a JPEG of the paper, lying a little askew on a desk."""
    sheet = _drawn(paper, chance)
    desk = Image.new("RGB", (_SIZE[0] + 110, _SIZE[1] + 130), _shade(chance))
    turned = sheet.rotate(chance.uniform(-2.2, 2.2), expand=True, fillcolor=desk.getpixel((0, 0)))
    desk.paste(turned, (chance.randrange(12, 60), chance.randrange(12, 70)))
    out = io.BytesIO()
    desk.save(out, "JPEG", quality=70)
    return out.getvalue()


def _drawn(paper: Paper, chance: random.Random) -> Image.Image:
    ink = chance.choice(_INKS)
    sheet = Image.new("RGB", _SIZE, chance.choice(_PAPERS))
    draw = ImageDraw.Draw(sheet)
    top = chance.randrange(60, 130)
    draw.rectangle(
        (60, top, _SIZE[0] - 60, top + 96), fill=tuple(chance.randrange(20, 120) for _ in range(3))
    )
    draw.text((84, top + 22), paper.title, font=_font(37), fill="white")
    draw.text((64, top + 110), chance.choice(_CLINICS), font=_font(24), fill=ink)
    draw.text((64, top + 160), f"Name: {paper.name}", font=_font(27), fill=ink)
    draw.text((64, top + 204), f"Date of birth: {paper.born}", font=_font(27), fill=ink)
    table = top + 270
    width = (_SIZE[0] - 128) // max(1, len(paper.head))
    for row, cells in enumerate((paper.head, *paper.lines)):
        y = table + row * 60
        for column, text in enumerate(cells):
            draw.rectangle(
                (64 + column * width, y, 64 + (column + 1) * width, y + 60), outline=(120, 128, 140), width=2
            )
            draw.text((78 + column * width, y + 18), text[:34], font=_font(22), fill=ink)
    foot = table + (len(paper.lines) + 2) * 60 + 40
    draw.line((64, foot + 60, 520, foot + 60), fill=ink, width=3)
    draw.text((64, foot + 70), "Signature of provider", font=_font(24), fill=(90, 96, 108))
    _scribble(draw, chance, foot, ink)
    return sheet


def _scribble(draw: ImageDraw.ImageDraw, chance: random.Random, foot: int, ink: tuple[int, int, int]) -> None:
    x, points = 80, []
    while x < 420:
        points.append((x, foot + 30 + chance.randrange(-26, 26)))
        x += chance.randrange(10, 34)
    draw.line(points, fill=ink, width=4, joint="curve")


def _shade(chance: random.Random) -> tuple[int, int, int]:
    base = chance.randrange(60, 150)
    return base + chance.randrange(30), base + chance.randrange(20), base


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow's own font lacks accents; Public Sans came with the assets.
    ours = settings.ROOT / "assets/uswds/fonts/public-sans/PublicSans-Bold.ttf"
    return ImageFont.truetype(ours, size) if ours.exists() else ImageFont.load_default(size)
