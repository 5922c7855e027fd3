"""When somebody looks at the dashboard: what changed since the time before is shown."""

from datetime import datetime, timedelta

from django.db import connection

from pratique.accounts.models import User
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope

# Looks no further apart than this are one look.
ONE_LOOK = timedelta(minutes=30)
_SECONDS = int(ONE_LOOK.total_seconds())

# In one statement: two tabs that open together are one look, and none of them fails.
_LOOK = """
insert into reports_look as l (id, institution_id, user_id, seen_at, before_at)
values (%(id)s, %(institution)s, %(user)s, %(now)s, null)
on conflict (institution_id, user_id) do update set
    before_at = case when excluded.seen_at - l.seen_at <= make_interval(secs => %(seconds)s) then l.before_at
        else l.seen_at end,
    seen_at = greatest(l.seen_at, excluded.seen_at)
returning before_at
"""


def look(*, user: User, now: datetime) -> datetime | None:
    """Note that `user` looks, and return when they last looked before; None the first time."""
    with institution_scope(user.institution_id), connection.cursor() as cursor:
        cursor.execute(
            _LOOK,
            {
                "id": new_id(),
                "institution": user.institution_id,
                "user": user.id,
                "now": now,
                "seconds": _SECONDS,
            },
        )
        before: datetime | None = cursor.fetchone()[0]
    return before
