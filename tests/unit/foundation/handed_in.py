"""Files as people hand them in, good and bad, made here byte by byte or by Pillow."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

from PIL import Image

FILES = Path(__file__).parent / "imaging_files"
RED, BLUE, WHITE = (220, 30, 30), (30, 30, 220), (255, 255, 255)
ORIENTATION = 0x0112


def picture(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """White, with red in the upper left quarter and blue in the lower right."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(BLUE, (width // 2, height // 2, width, height))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(width: int = 400, height: int = 300, **options) -> bytes:
    return saved(picture(width, height), "JPEG", **options)


def png(**options) -> bytes:
    return saved(picture(), "PNG", **options)


def with_everything(orientation: int = 1) -> bytes:
    """A JPEG with Exif, a place on Earth, XMP, a comment and a colour profile."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "PhoneMaker"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (48.0, 51.0, 29.0)
    return jpeg(
        exif=exif,
        comment=b"SecretComment",
        xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>",
        icc_profile=b"SecretProfile",
    )


def phone_heic() -> bytes:
    """An iPhone's way: 320 x 240 on the sensor, turned by a quarter, with Exif and GPS (made with pillow-heif)."""
    return (FILES / "phone.heic").read_bytes()


def pages(count: int, kind: str, width: int = 100, height: int = 130) -> bytes:
    first, *more = [Image.new("RGB", (width, height), (number, 255, 255)) for number in range(count)]
    return saved(first, kind, save_all=True, append_images=more)


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pdf(
    *,
    box: str = "0 0 200 300",
    draw: bytes = b"1 0 0 rg 0 150 100 150 re f",
    catalog: str = "",
    more=(),
    trailer: str = "",
) -> bytes:
    """A PDF of one page; `more` are further objects, from number 5 on."""
    stream = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(draw), draw)
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R /Resources << >> "
        f"{'/Annots [5 0 R]' if more else ''} >>".encode(),
        stream,
        *more,
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n".encode()
    )
    return bytes(out)


def locked_pdf() -> bytes:
    encrypt = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"ab" * 32, b"cd" * 32)
    return pdf(more=(encrypt,), trailer=f"/Encrypt 5 0 R /ID [<{'01' * 16}> <{'01' * 16}>]")


def pdf_with_script() -> bytes:
    return pdf(catalog="/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>")


def filled_in_form() -> bytes:
    """A form whose only ink is what somebody typed: the field has a value and no appearance."""
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    field = (
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (MMMMMM) /F 4 /DA (/H 40 Tf 0 g) "
        f"/Rect [10 100 190 200] /DR << /Font << /H {font} >> >> >>"
    )
    form = f"/AcroForm << /Fields [5 0 R] /DA (/H 40 Tf 0 g) /DR << /Font << /H {font} >> >> /NeedAppearances true >>"
    return pdf(draw=b"", catalog=form, more=(field.encode(),))
