"""Which pages are the same picture, found out once, when a page comes in: to show a case is then one look-up."""

from collections.abc import Sequence
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
    from two students at once is known the second time. One query for each of the looks.
    """
    _alone(institution_id, sorted({page.looks for page in pages}))
    found: list[UUID | None] = []
    seen: list[tuple[imaging.RenderedPage, UUID]] = []
    for page in pages:
        if not imaging.shows_something(page.sketch):
            found.append(None)
            continue
        picture = next(
            (key for other, key in seen if imaging.same_picture(page.sketch, other.sketch)), None
        ) or _known(page)
        if picture is None:
            picture = new_id()
        seen.append((page, picture))
        found.append(picture)
    return found


def _known(page: imaging.RenderedPage) -> UUID | None:
    newest = Page.objects.filter(looks=page.looks, picture__isnull=False).order_by("-id")[:MOST_COMPARED]
    for cells, picture in newest.values_list("sketch", "picture").iterator(chunk_size=200):
        if imaging.same_picture(page.sketch, bytes(cells)):
            return picture
    return None


def _alone(institution_id: UUID, looks: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        for one in looks:
            cursor.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"picture:{institution_id}:{one}"]
            )
