"""Page images of files as they are handed in, through the real helper process and its confined children."""

import io
import os
import struct
import threading

import pytest
from PIL import Image, ImageDraw

from pratique.foundation import imaging
from pratique.foundation.imaging import process, types
from tests.unit.foundation import handed_in as files


def only_page(content: bytes) -> imaging.RenderedPage:
    (page,) = imaging.render(content).pages
    return page


def opened(page: imaging.RenderedPage) -> Image.Image:
    image = Image.open(io.BytesIO(page.image))
    assert image.size == (page.width, page.height)
    return image.convert("RGB")


def corners(page: imaging.RenderedPage) -> str:
    """The colours of the corners, from the upper left, clockwise: r, b or w each."""
    image = opened(page)
    right, bottom = page.width - 3, page.height - 3
    letters = ""
    for place in ((2, 2), (right, 2), (right, bottom), (2, bottom)):
        red, green, blue = image.getpixel(place)
        letters += "w" if green > 150 else "r" if red > blue else "b"
    return letters


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (files.jpeg(), "image/jpeg"),
        (files.png(), "image/png"),
        (files.saved(files.picture(), "WEBP", lossless=True), "image/webp"),
        (files.saved(files.picture(), "TIFF"), "image/tiff"),
        (files.saved(files.picture(), "TIFF", compression="tiff_lzw"), "image/tiff"),
        (files.saved(files.picture(mode="CMYK"), "JPEG"), "image/jpeg"),
        (files.saved(files.picture(mode="L"), "JPEG"), "image/jpeg"),
        (files.jpeg(progressive=True), "image/jpeg"),
        (files.saved(files.picture(mode="P"), "PNG"), "image/png"),
        (files.saved(files.picture(mode="RGBA"), "PNG"), "image/png"),
        (files.saved(files.picture(mode="CMYK"), "TIFF"), "image/tiff"),
    ],
    ids=["jpeg", "png", "webp", "tiff", "tiff lzw", "cmyk jpeg", "grey jpeg", "progressive jpeg", "palette png",
         "png with alpha", "cmyk tiff"],
)  # fmt: skip
def test_a_picture_becomes_one_page(content, media_type):
    rendered = imaging.render(content)
    assert (rendered.media_type, rendered.notes) == (media_type, ())
    (page,) = rendered.pages
    assert (page.width, page.height) == (400, 300)
    if media_type != "image/jpeg" or Image.open(io.BytesIO(content)).mode != "L":
        assert corners(page) == "rwbw"
    thumbnail = Image.open(io.BytesIO(page.thumbnail))
    assert thumbnail.size == (320, 240)


@pytest.mark.parametrize(
    ("orientation", "seen"),
    [(1, "rwbw"), (2, "wrwb"), (3, "bwrw"), (4, "wbwr"), (5, "rwbw"), (6, "wrwb"), (7, "bwrw"), (8, "wbwr")],
)
def test_a_photo_stands_upright(orientation, seen):
    page = only_page(files.with_everything(orientation))
    assert (page.width, page.height) == ((400, 300) if orientation < 5 else (300, 400))
    assert corners(page) == seen


def test_an_iphone_photo_stands_upright_and_tells_nothing_of_its_place():
    rendered = imaging.render(files.phone_heic())
    assert rendered.media_type == "image/heic"
    (page,) = rendered.pages
    assert (page.width, page.height) == (240, 320)
    assert corners(page) == "wrwb"
    assert b"PhoneMaker" in files.phone_heic()
    assert b"PhoneMaker" not in page.image + page.thumbnail


def test_nothing_but_the_picture_stays():
    content = files.with_everything()
    page = only_page(content)
    for secret in (b"PhoneMaker", b"SecretComment", b"SecretXmp", b"SecretProfile", b"Exif"):
        assert secret in content
        assert secret not in page.image + page.thumbnail
    assert set(Image.open(io.BytesIO(page.image)).info) == {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
    }


def test_grey_of_16_bits_keeps_its_range():
    rows = [struct.pack("<40H", *[0] * 20, *[65_535] * 20), struct.pack("<40H", *[0] * 20, *[32_768] * 20)]
    image = Image.frombytes("I;16", (40, 30), rows[0] * 15 + rows[1] * 15)
    for kind in ("PNG", "TIFF"):
        seen = opened(only_page(files.saved(image, kind))).convert("L")
        assert [round(seen.getpixel(place) / 64) for place in ((3, 3), (36, 3), (36, 26))] == [0, 4, 2]


def test_what_is_transparent_is_white():
    image = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    for content in (files.saved(image, "PNG"), files.saved(image, "WEBP", lossless=True)):
        assert opened(only_page(content)).getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_shown(kind):
    options = {"save_all": True, "append_images": [Image.new("RGB", (400, 300), "black")]}
    rendered = imaging.render(files.saved(files.picture(), kind, lossless=True, **options))
    assert rendered.notes == (imaging.FIRST_PICTURE_ONLY,)
    assert corners(rendered.pages[0]) == "rwbw"


@pytest.mark.parametrize(
    ("width", "height"), [(5000, 4000), (300, 9000), (9000, 2), (2201, 10), (8000, 6000)]
)
def test_a_large_picture_is_made_smaller_in_proportion(width, height):
    for content in (files.jpeg(width, height), files.saved(files.picture(width, height), "PNG")):
        page = only_page(content)
        assert 1600 <= max(page.width, page.height) <= types.LONG_SIDE
        assert min(page.width, page.height) >= 1
        assert (
            abs(page.width / page.height - width / height) / (width / height) < 0.02
            or min(page.width, page.height) < 50
        )


def test_a_tiff_and_a_pdf_have_pages_in_order():
    for kind in ("TIFF", "PDF"):
        rendered = imaging.render(files.pages(20, kind))
        reds = [opened(page).getpixel((50, 50))[0] for page in rendered.pages]
        assert [round(red) for red in reds] == pytest.approx(list(range(20)), abs=4)


def test_a_pdf_page_is_drawn_at_200_dpi_and_never_larger_than_the_long_side():
    page = only_page(files.pdf(box="0 0 200 300"))
    assert (page.width, page.height) == (556, 834)
    assert opened(page).getpixel((20, 20))[1] < 20
    vast = only_page(files.pdf(box="0 0 14400000 7200000"))
    assert max(vast.width, vast.height) <= types.LONG_SIDE + 1


def test_a_form_shows_what_was_filled_in():
    assert opened(only_page(files.filled_in_form())).convert("L").getextrema()[0] < 80


@pytest.mark.parametrize(
    "content",
    [
        files.pdf_with_script(),
        files.pdf(catalog="/OpenAction << /S /Launch /F (cmd.exe) >>"),
        files.pdf(catalog="/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /F (a) >>] >> >>"),
    ],
    ids=["script", "launch", "attachment"],
)
def test_active_content_is_noted_and_only_pictures_are_shown(content):
    rendered = imaging.render(content)
    assert rendered.notes == (imaging.ACTIVE_CONTENT,)
    assert len(rendered.pages) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (files.jpeg() + bytes(26 * 1024 * 1024), "too_large"),
        (files.pages(21, "PDF"), "too_many_pages"),
        (files.pages(21, "TIFF"), "too_many_pages"),
        (files.locked_pdf(), "pdf_locked"),
        (b"%PDF-1.7\n% that is all", "pdf_broken"),
        (files.pdf()[:200], "pdf_broken"),
        (b"\xff\xd8\xff", "image_broken"),
        (files.jpeg()[:3000], "image_broken"),
        (files.png()[:300], "image_broken"),
        (files.phone_heic()[:700], "image_broken"),
        (files.phone_heic()[:100], "image_broken"),
        (files.saved(files.picture(), "TIFF")[:9000], "image_broken"),
        (files.saved(files.picture(), "WEBP")[:60], "image_broken"),
        (files.png_that_claims(30_000, 30_000), "image_too_big"),
        (files.png_that_claims(12_000, 10_000), "image_too_big"),
        (files.png_that_claims(2**31 - 1, 2**31 - 1), "image_too_big"),
        (files.png_that_claims(9_000, 9_000), "image_broken"),
    ],
    ids=["0 bytes", "26 MB", "21 pages of PDF", "21 pages of TIFF", "locked PDF", "PDF with nothing in it",
         "half a PDF", "three bytes", "half a JPEG", "half a PNG", "HEIC without its end", "HEIC of 100 bytes",
         "half a TIFF", "half a WebP", "30,000 x 30,000", "120 megapixels", "more pixels than there are",
         "81 megapixels and no data"],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_with_a_sentence(content, code):
    with pytest.raises(imaging.FileRefused) as refused:
        imaging.render(content)
    assert refused.value.code == code
    assert refused.value.sentence().endswith(".")


def test_a_tiff_whose_pages_go_in_a_circle_ends():
    content = bytearray(files.pages(2, "TIFF"))
    first = int.from_bytes(content[4:8], "little")
    end = first + 2 + 12 * int.from_bytes(content[first : first + 2], "little")
    content[end : end + 4] = content[4:8]
    assert len(imaging.render(bytes(content)).pages) == 1


def test_a_picture_that_was_saved_anew_has_the_same_looks():
    looks = only_page(files.jpeg()).looks
    again = only_page(files.saved(files.picture(800, 600), "PNG")).looks
    other = only_page(files.saved(files.picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG")).looks
    assert bin((looks ^ again) & (2**64 - 1)).count("1") <= 4
    assert bin((looks ^ other) & (2**64 - 1)).count("1") > 8
    assert only_page(files.saved(Image.new("RGB", (400, 300), "white"), "JPEG")).looks == 0


def card(name: str, given: str) -> Image.Image:
    """A state's immunization card, scanned: all that differs from the next student's is a name and a date."""
    sheet = Image.new("RGB", (1275, 1650), "white")
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((60, 60, 1215, 180), fill=(30, 60, 110))
    for line in range(14):
        draw.rectangle((60, 320 + line * 80, 1215, 400 + line * 80), outline=(90, 90, 90), width=3)
        draw.text(
            (80, 335 + line * 80), "Vaccine        Date given        Clinic", font_size=34, fill="black"
        )
    draw.text((80, 220), f"Name: {name}", font_size=40, fill="black")
    draw.text((700, 340), given, font_size=34, fill="black")
    return sheet


def saved_anew(image: Image.Image, scale: float, quality: int) -> bytes:
    size = int(image.width * scale), int(image.height * scale)
    return files.saved(image.resize(size, Image.Resampling.BICUBIC), "JPEG", quality=quality)


ANA = card("Ana Nunez", "03/04/2008")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(saved_anew(ANA, 1, 60), True, id="saved coarser"),
        pytest.param(saved_anew(ANA, 0.6, 80), True, id="made smaller"),
        pytest.param(saved_anew(ANA, 1.3, 90), True, id="made larger"),
        pytest.param(files.saved(card("Ben Okafor", "03/04/2008"), "PNG"), False, id="another name"),
        # What somebody wrote over is the same paper: a reviewer wants to know.
        pytest.param(files.saved(card("Ana Nunez", "11/27/2008"), "PNG"), True, id="a date changed"),
    ],
)
def test_papers_of_one_form_are_told_apart_and_a_picture_is_known_again(other, same):
    ours, theirs = only_page(files.saved(ANA, "PNG")), only_page(other)
    assert ours.looks == theirs.looks
    assert imaging.same_picture(ours.sketch, theirs.sketch) is same
    assert imaging.shows_something(ours.sketch)


def test_an_empty_page_shows_nothing():
    assert not imaging.shows_something(
        only_page(files.saved(Image.new("RGB", (400, 300), "white"), "JPEG")).sketch
    )


def test_threads_draw_at_once_and_each_gets_its_own():
    contents = [files.saved(Image.new("RGB", (100 + number, 50), "red"), "PNG") for number in range(8)]
    widths = {}

    def draw(number: int) -> None:
        widths[number] = only_page(contents[number]).width

    threads = [threading.Thread(target=draw, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == {number: 100 + number for number in range(8)}
    assert len(process._idle) <= process.MOST_HELPERS


def test_a_helper_that_was_killed_is_replaced():
    imaging.render(files.jpeg())
    for helper in process._idle:
        os.kill(helper._process.pid, 9)
        os.waitid(os.P_PID, helper._process.pid, os.WEXITED | os.WNOWAIT)
    assert only_page(files.jpeg()).width == 400
