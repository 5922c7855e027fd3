"""Which reports somebody wants at the top of their catalogue: their own business, so that no trail keeps it."""

from pratique.accounts.models import User
from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries
from pratique.reports.models import Favourite


def set_favourite(*, user: User, key: str, wanted: bool) -> None:
    """Put a report among the favourites of `user`, or take it away. Raises UnknownReportError for one not theirs."""
    with institution_scope(user.institution_id):
        if not wanted:
            Favourite.objects.filter(user=user, report_key=key).delete()
            return
        queries.report_for(user, key)
        row = Favourite(institution_id=user.institution_id, user=user, report_key=key)
        # Twice is once: a double click must not fail.
        Favourite.objects.bulk_create([row], ignore_conflicts=True)
