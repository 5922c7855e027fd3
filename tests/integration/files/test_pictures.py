"""The same picture is known again, whoever hands it in; papers of one form are not the same picture."""

import io

import psycopg
import pytest
from django.db import connection
from PIL import Image, ImageDraw

from pratique.foundation import imaging
from pratique.records.actions.pictures import pictures_of
from pratique.records.models import Page
from tests.integration.files.material import Learner, photo

pytestmark = pytest.mark.django_db


def form(name: str) -> bytes:
    """One school's form as a scan; all that differs is what somebody wrote."""
    sheet = Image.new("RGB", (1275, 1650), "white")
    draw = ImageDraw.Draw(sheet)
    for line in range(16):
        draw.rectangle((60, 260 + line * 80, 1215, 340 + line * 80), outline="black", width=3)
        draw.text((80, 280 + line * 80), "Vaccine, date given, clinic", font_size=34, fill="black")
    draw.text((80, 120), name, font_size=60, fill="black")
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def smaller(content: bytes) -> bytes:
    image, out = Image.open(io.BytesIO(content)), io.BytesIO()
    image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.Resampling.BICUBIC).save(
        out, "JPEG", quality=60
    )
    return out.getvalue()


def pictures(*learners: Learner) -> list[object]:
    with learners[0].scope():
        return list(Page.objects.order_by("file_id", "number").values_list("picture", flat=True))


def test_a_friend_s_photo_saved_anew_is_the_same_picture(ana, ben):
    assert ana.checked(photo(3)).state == ben.checked(smaller(photo(3))).state == "ready"
    first, again = pictures(ana, ben)
    assert first == again is not None


def test_two_papers_of_one_form_share_their_looks_and_are_two_pictures(ana, ben):
    ana.checked(form("Ana Maria Nunez"), "ana.png"), ben.checked(form("Ben O'Brien"), "ben.png")
    with ana.scope():
        assert Page.objects.values("looks").distinct().count() == 1
    assert len(set(pictures(ana, ben))) == 2


def test_an_empty_page_is_no_picture(ana):
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(out, "JPEG")
    ana.checked(out.getvalue())
    assert pictures(ana) == [None]


def test_several_pages_of_one_form_in_one_file_and_one_of_them_twice(ana):
    pages = [Image.open(io.BytesIO(form(name))) for name in ("Page of Ana", "Another page", "Page of Ana")]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    ana.checked(out.getvalue(), "card.pdf")
    first, second, third = pictures(ana)
    assert first == third != second


def test_pages_of_the_same_looks_are_decided_about_one_after_the_other(ana):
    rendered = imaging.render(photo(3)).pages
    settings = connection.settings_dict
    with (
        ana.scope(),
        psycopg.connect(
            host=settings["HOST"], port=settings["PORT"] or None, dbname=settings["NAME"],
            user=settings["USER"], password=settings["PASSWORD"], autocommit=True,
        ) as other,
    ):  # fmt: skip
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and pid = %s and granted"
        mine = connection.cursor().execute("select pg_backend_pid()").fetchone()[0]
        before = other.execute(waiting, [mine]).fetchone()[0]
        pictures_of(ana.institution.id, rendered)
        assert other.execute(waiting, [mine]).fetchone()[0] == before + 1
