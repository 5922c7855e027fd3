"""Which pages are the same picture, found out once, when a page comes in: to show a case is then one look-up."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

from pratique.foundation import imaging
from pratique.foundation.ids import new_id
from pratique.records.models import Page

# Papers of one form share their looks, so a large school has thousands of candidates. The newest are compared (8 MB
# of cells at most); the very same file is found however old it is, by its SHA-256.
MOST_COMPARED = 2_000


def pictures_of(institution_id: UUID, pages: Sequence[imaging.RenderedPage]) -> list[UUID | None]:
    """Return for each page the key of the picture that it is: that of a known page, or a fresh one; None if empty.

    Within a transaction: until its end nobody else decides about pages of the same looks, so that a picture that comes
    from two students at once is known the second time. Two queries for each of the looks.
    """
    found: dict[int, UUID] = {}
    legible = {place: page for place, page in enumerate(pages) if imaging.shows_something(page.sketch)}
    for looks in sorted({page.looks for page in legible.values()}):
        _alone(institution_id, looks)
        alike = {place: page.sketch for place, page in legible.items() if page.looks == looks}
        found |= _known(looks, alike)
        _number(alike, found)
    return [found.get(place) for place in range(len(pages))]


def _known(looks: int, sketches: Mapping[int, bytes]) -> dict[int, UUID]:
    """Return the pictures that stored pages of these looks have given to some of the sketches, by place."""
    found: dict[int, UUID] = {}
    newest = Page.objects.filter(looks=looks, picture__isnull=False).order_by("-id")[:MOST_COMPARED]
    for cells, picture in newest.values_list("sketch", "picture").iterator(chunk_size=200):
        assert picture is not None  # by the filter
        for place, sketch in sketches.items():
            if place not in found and imaging.same_picture(sketch, bytes(cells)):
                found[place] = picture
        if len(found) == len(sketches):
            break
    return found


def _number(sketches: Mapping[int, bytes], found: dict[int, UUID]) -> None:
    """Give the others a picture each, pages of one file that are the same picture the same."""
    for place, sketch in sketches.items():
        if place not in found:
            earlier = (before for before in sketches if before < place)
            same = (found[before] for before in earlier if imaging.same_picture(sketches[before], sketch))
            found[place] = next(same, None) or new_id()


def _alone(institution_id: UUID, looks: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"picture:{institution_id}:{looks}"]
        )
