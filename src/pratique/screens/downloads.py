"""Answers that are files, sent while they are made."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from pratique.foundation.tenancy import institution_scope

CSV = "text/csv; charset=utf-8"


def streamed(
    make: Callable[[], Iterable[bytes]], *, institution_id: UUID, file_name: str, content_type: str = CSV
) -> StreamingHttpResponse:
    """Send what `make` yields. It is read when the request's transaction is over, so it gets its own."""

    def blocks() -> Iterator[bytes]:
        with institution_scope(institution_id):
            yield from make()

    return StreamingHttpResponse(
        blocks(),
        content_type=content_type,
        headers={"Content-Disposition": content_disposition_header(True, file_name) or "attachment"},
    )
