"""Pages as pictures: runs in the confined child only, on bytes that nobody may trust.

Everything is imported before the child gives up its rights: afterwards no file can be opened, no module found.
"""

import io
import re
from collections.abc import Iterator

import pi_heif
import pypdfium2
from PIL import (
    Image,
    JpegImagePlugin,  # noqa: F401  (loaded now; the child cannot load it)
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)
from pypdfium2 import raw as pdfium

from pratique.foundation.imaging import types
from pratique.foundation.imaging.sketch import sketch
from pratique.foundation.imaging.types import Kind, RenderedPage

_FORMATS = {Kind.JPEG: "JPEG", Kind.PNG: "PNG", Kind.TIFF: "TIFF", Kind.WEBP: "WEBP"}
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData)\b")
_LOOKS = (9, 8)
_SAME = 2  # neighbours that differ by less are alike: noise of a blank margin says nothing about a page

Image.preinit()
Image.MAX_IMAGE_PIXELS = types.MAX_PIXELS
pi_heif.options.DECODE_THREADS = 0


class CannotDraw(Exception):
    """The file cannot be drawn; `code` is one of refusals.REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def draw(kind: Kind, content: bytes) -> tuple[list[RenderedPage], list[str]]:
    """Return the pages of `content` and the notes on it. Raises CannotDraw."""
    broken = "pdf_broken" if kind == Kind.PDF else "image_broken"
    notes: list[str] = []
    try:
        pages = [_page(picture) for picture in _pictures(kind, content, notes)]
    except CannotDraw:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CannotDraw("image_too_big") from None
    except Exception:
        # Decoders raise all sorts of things for a file that is none; there is nothing more to be told about it.
        raise CannotDraw(broken) from None
    if not pages:
        raise CannotDraw(broken)
    return pages, notes


def _pictures(kind: Kind, content: bytes, notes: list[str]) -> Iterator[Image.Image]:
    if kind == Kind.PDF:
        return _pdf(content, notes)
    if kind == Kind.HEIC:
        return _heic(content)
    return _photo(kind, content, notes)


def _pdf(content: bytes, notes: list[str]) -> Iterator[Image.Image]:
    document = _open_pdf(content)
    if len(document) > types.MAX_PAGES:
        raise CannotDraw("too_many_pages")
    if _is_active(document, content):
        notes.append(types.ACTIVE_CONTENT)
    if document.get_formtype() == pdfium.FORMTYPE_ACRO_FORM:
        document.init_forms()  # what people filled in is drawn; this PDFium has no JavaScript
    for number in range(len(document)):
        page = document[number]
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise CannotDraw("pdf_broken")
        # Whatever size a page says it has, the picture has at most LONG_SIDE.
        scale = min(types.PDF_DPI / 72, types.LONG_SIDE / max(width, height))
        yield page.render(scale=scale, rev_byteorder=True, draw_annots=True).to_pil().convert("RGB")
        page.close()


def _open_pdf(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise CannotDraw("pdf_locked" if locked else "pdf_broken") from None


def _is_active(document: pypdfium2.PdfDocument, content: bytes) -> bool:
    """Return whether there is something in a PDF besides pages, as far as can be told without running it."""
    return bool(
        pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0
        or pdfium.FPDFDoc_GetAttachmentCount(document) > 0
        or _ACTIVE.search(content)
    )


def _heic(content: bytes) -> Iterator[Image.Image]:
    opened = pi_heif.open_heif(content, convert_hdr_to_8bit=True)
    _check_size(opened.size)
    yield _reduced(opened.to_pillow())  # libheif has turned it already, by the file's own boxes


def _photo(kind: Kind, content: bytes, notes: list[str]) -> Iterator[Image.Image]:
    with Image.open(io.BytesIO(content), formats=[_FORMATS[kind]]) as image:
        frames = _frames(image) if kind == Kind.TIFF else 1
        if kind in (Kind.PNG, Kind.WEBP) and getattr(image, "is_animated", False):
            notes.append(types.FIRST_PICTURE_ONLY)
        for frame in range(frames):
            if frame:
                image.seek(frame)
            _check_size(image.size)
            if kind == Kind.JPEG:
                image.draft(None, _least(image.size))
            orientation = image.getexif().get(_ORIENTATION)
            reduced = _reduced(image)
            yield _turned(reduced, orientation)


_ORIENTATION = 0x0112


def _frames(image: Image.Image) -> int:
    """Return how many pages a TIFF has, without following a chain that has no end."""
    for number in range(types.MAX_PAGES + 1):
        try:
            image.seek(number)
        except EOFError:
            image.seek(0)
            return number
        _check_size(image.size)
    raise CannotDraw("too_many_pages")


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > types.MAX_PIXELS:
        raise CannotDraw("image_too_big")


def _least(size: tuple[int, int]) -> tuple[int, int]:
    """Return how small the decoder of JPEG may leave a picture of `size`."""
    scale = types.LEAST_LONG_SIDE / max(size)
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _reduced(image: Image.Image) -> Image.Image:
    """Return the picture in RGB on white, its long side at most LONG_SIDE; reduced early, which saves memory."""
    image.load()
    factor = max(image.size) // (2 * types.LONG_SIDE)
    if factor > 1 and image.mode in ("RGB", "RGBA", "L", "CMYK", "LA"):
        image = image.reduce(factor)
    flat = _flat(image)
    if max(flat.size) > types.LONG_SIDE:
        width, height = flat.size
        scale = types.LONG_SIDE / max(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        flat = flat.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return flat


def _flat(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a picture of more than 8 bits a pixel as grey, whatever range its values have."""
    values = image.convert("F")
    low, high = (float(value) for value in values.getextrema())  # type: ignore[arg-type]
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65_535.0
    factor = 255.0 / (high - low) if high > low else 0.0
    return values.point(lambda value: value * factor - low * factor).convert("L")


def _turned(image: Image.Image, orientation: object) -> Image.Image:
    """Return the picture upright, by the orientation of Exif (CIPA DC-008, 4.6.5: 1 is upright, 2 to 8 are not)."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _page(picture: Image.Image) -> RenderedPage:
    thumbnail = picture.copy()
    thumbnail.thumbnail(
        (types.THUMBNAIL_SIDE, types.THUMBNAIL_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0
    )
    return RenderedPage(
        width=picture.width,
        height=picture.height,
        image=_jpeg(picture),
        thumbnail=_jpeg(thumbnail),
        looks=_looks(thumbnail),
        sketch=sketch(picture),
    )


def _jpeg(picture: Image.Image) -> bytes:
    # A picture of its own pixels: what came along with the original (Exif, profile, comment) stays behind.
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=types.QUALITY, subsampling="4:2:0")
    return out.getvalue()


def _looks(thumbnail: Image.Image) -> int:
    """Return the difference hash: for each of 8 x 8 cells, whether it is brighter than its right neighbour."""
    grey = thumbnail.convert("L").resize(_LOOKS, Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            left, right = grey[row * 9 + column], grey[row * 9 + column + 1]
            bits = bits << 1 | (left - right > _SAME)
    return bits - (1 << 64) if bits >= 1 << 63 else bits
