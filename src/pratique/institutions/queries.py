"""Finding institutions, and what staff choose from."""

from collections.abc import Sequence
from uuid import UUID

from pratique.foundation.tenancy import capability
from pratique.institutions.models import Institution


def institution_by_slug(slug: str) -> Institution | None:
    """Return the institution called `slug`, or None. A system-wide look-up: whoever knows the slug finds one row."""
    with capability("institution_slug", slug):
        return Institution.objects.filter(slug=slug).first()


def all_institution_ids() -> Sequence[UUID]:
    """Return every institution's id: for the scheduler, which then works for one after the other."""
    with capability("scheduler", "all"):
        return list(Institution.objects.order_by("slug").values_list("id", flat=True))
