"""Reviews that were made elsewhere: by a school's old system, or for the demonstration."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.reviews.models import Review


def add_reviews(*, institution_id: UUID, reviews: Sequence[Review], by: audit.Actor, now: datetime) -> int:
    """Store unsaved reviews of evidence that says the same; return how many. Nobody is told of them."""
    for review in reviews:
        review.institution_id = institution_id
    Review.objects.bulk_create(reviews, batch_size=1000)
    audit.record(
        "reviews:reviews:added",
        institution_id=institution_id,
        by=by,
        now=now,
        detail={"reviews": len(reviews)},
    )
    return len(reviews)
