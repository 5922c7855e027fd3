"""The record as a PDF, read back: every page there, every letter there, whatever it is written in."""

from datetime import UTC, date, datetime
from io import BytesIO
from types import SimpleNamespace

import pypdfium2
import pytest
from django.utils import translation
from PIL import Image

from pratique.records.queries import Record
from pratique.records.record import letters, pdf
from pratique.records.record.data import Registration, Requirement

AT = datetime(2026, 8, 3, 15, 0, tzinfo=UTC)


def student(**more):
    facts = {
        "first_name": "Ana María", "last_name": "Núñez", "username": "ana@x.edu", "student_id": "0001",
        "date_of_birth": date(2006, 4, 3),
    }  # fmt: skip
    return SimpleNamespace(**facts | more)


def dose(product="MMR II", **more):
    facts = {
        "product": product, "cvx": "03", "lot": "X1", "administered_on": date(2008, 3, 4), "precision": "day",
        "state": "approved",
    }  # fmt: skip
    return SimpleNamespace(**facts | more)


def page(number, turned=0, name="card.jpg"):
    return SimpleNamespace(number=number, turned=turned, file=SimpleNamespace(name=name))


def record(**more):
    return Record(**dict.fromkeys(Record._fields, ()) | more)


def picture(_page, size=(1200, 1600)):
    out = BytesIO()
    Image.new("RGB", size, "#886644").save(out, "JPEG", quality=80)
    return out.getvalue()


def made(found, *, who=None, registrations=(), read_picture=picture):
    return pdf.make(
        who or student(), found, registrations, school="Test College", made_at=AT, read_picture=read_picture,
        say_date=lambda iso: f"<{iso}>",
    )  # fmt: skip


def read_back(content):
    """The number of pages, and all the text on them."""
    document = pypdfium2.PdfDocument(content)
    text = "\n".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
    return len(document), " ".join(text.split())


def test_what_is_on_record_is_on_paper():
    standing = Registration(
        "Health", "Undergraduate - Fall 2026", None, "active", None, [Requirement("MMR", "approved", ())]
    )
    pages, text = read_back(
        made(record(doses=[dose(), dose("Hep B <adult> & co", precision="month")]), registrations=[standing])
    )
    assert pages == 1
    for said in (
        "Health record", "Ana María Núñez", "0001", "Test College", "Undergraduate - Fall 2026", "Done", "MMR II",
        "<2008-03-04>", "<2008-03>", "Hep B <adult> & co", "page 1",
    ):  # fmt: skip
        assert said in text, said


def test_nothing_on_record_is_a_page_all_the_same():
    pages, text = read_back(
        made(record(), who=student(first_name="", last_name="", student_id="", date_of_birth=None))
    )
    assert pages == 1
    assert "ana@x.edu" in text


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "size", [(1200, 1600), (4000, 50), (50, 4000), (1, 1)], ids=["page", "wide", "tall", "dot"]
)
def test_a_picture_of_any_shape_has_a_page(turned, size):
    pages, text = read_back(
        made(record(pages=[page(1, turned)]), read_picture=lambda _one: picture(_one, size))
    )
    assert pages == 2
    assert "card.jpg, page 1" in text


def test_a_picture_that_cannot_be_read_is_said_and_the_rest_is_there():
    def lost(one):
        if one.number == 2:
            raise OSError
        return picture(one)

    pages, text = read_back(made(record(pages=[page(1), page(2), page(3)]), read_picture=lost))
    assert pages == 4
    assert text.count("cannot be read at present") == 1


SCRIPTS = {
    "Vietnamese": "Nguyễn Thị Ánh", "Polish": "Łukasz Żółć", "Greek": "Αλέξανδρος", "Russian": "Анна Каренина",
    "Turkish": "Işıl Çağ", "Arabic": "محمد", "Hebrew": "דוד", "Chinese": "王小明", "Korean": "김민준",
    "Hindi": "अनिल", "emoji": "😀💉", "Ethiopic": "አበበ", "markup": "<b>&amp;</b><font>", "no letter": "\u0007",
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS.values(), ids=SCRIPTS)
def test_no_letter_vanishes(name):
    _pages, text = read_back(made(record(doses=[dose(name)]), who=student(first_name=name)))
    for letter in name:
        drawn = letter in text or f"[U+{ord(letter):04X}]" in text.replace(" ", "")
        assert drawn, (letter, text[:200])


def test_each_letter_is_written_as_its_code_where_no_font_is_there(monkeypatch):
    monkeypatch.setattr(letters, "families", tuple)
    assert letters.marked_up("a中", "Helvetica") == "a[U+4E2D]"


def test_a_word_as_long_as_a_page_and_a_row_longer_than_one():
    long = "x" * 3000
    pages, text = read_back(made(record(doses=[dose(long), dose("word " * 1500)])))
    assert pages > 1
    assert text.count("x") >= 3000


def test_a_long_record_with_pictures_in_spanish():
    found = record(
        doses=[dose(f"Dose {number}") for number in range(200)],
        pages=[page(number) for number in range(1, 21)],
    )
    with translation.override("es"):
        content = made(found)
    pages, text = read_back(content)
    assert pages >= 24
    assert "Dose 199" in text
    # Pictures go in as they are: the file is not much larger than they are together.
    assert len(content) < 20 * len(picture(None)) + 500_000
