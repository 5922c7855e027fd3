"""Photos of papers as phones make them: 12 megapixels, 1 to 2 MB, each looking different, kept for the next run."""

import io
import random
import tempfile
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 3024, 4032
_FOLDER = Path(tempfile.gettempdir()) / "pratique-load-photos"


def prepared(count: int) -> list[Path]:
    """Return `count` photos on disk, making those that are missing."""
    _FOLDER.mkdir(mode=0o700, exist_ok=True)
    paths = [_FOLDER / f"photo-{number}.jpeg" for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    if missing:
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(_make, missing))
    return paths


def unlike_any_other(content: bytes) -> bytes:
    """Return the same picture as other bytes: a comment segment (T.81, B.2.4.5) behind the start of the image."""
    comment = uuid.uuid4().hex.encode()
    return content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + content[2:]


def _make(path: Path) -> None:
    beside = path.with_suffix(".part")
    beside.write_bytes(_photo(random.Random(path.name)))
    beside.replace(path)


def _photo(chance: random.Random) -> bytes:
    # Light that differs from photo to photo, so that no two look alike to the search for copies.
    light = Image.effect_noise((6, 8), 90).resize((WIDTH // 8, HEIGHT // 8), Image.Resampling.BICUBIC)
    light = light.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    tile = Image.effect_noise((WIDTH // 3, HEIGHT // 3), 44)
    grain = Image.new("L", (WIDTH, HEIGHT))
    for place in range(9):
        grain.paste(tile, (place % 3 * (WIDTH // 3), place // 3 * (HEIGHT // 3)))
    sheet = Image.blend(light, grain, 0.26)
    pen = ImageDraw.Draw(sheet)
    for row in range(40):
        for column in range(12):
            if chance.random() < 0.7:
                x, y = 300 + column * 200, 500 + row * 70
                pen.rectangle(
                    (x, y, x + chance.randrange(40, 180), y + chance.randrange(8, 30)),
                    fill=chance.randrange(90),
                )
    picture = Image.merge(
        "RGB", (sheet, sheet.point(lambda v: int(v * 0.97)), sheet.point(lambda v: int(v * 0.9)))
    )
    for quality in (68, 60, 52, 44):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        if out.tell() < 2_000_000:
            break
    return out.getvalue()
