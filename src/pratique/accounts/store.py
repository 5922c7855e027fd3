"""Sessions in the database, as Django keeps them; a new one takes one statement instead of four."""

from typing import Any

from django.contrib.sessions.backends.base import CreateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions

from pratique.foundation.ids import random_letters
from pratique.foundation.tenancy import run_prepared

_KEY_LENGTH = 32
_CREATE = """
    insert into django_session (session_key, session_data, expire_date) values (%(key)s, %(data)s, %(expires)s)
    on conflict (session_key) do nothing
    returning 1
"""


class SessionStore(DatabaseSessions):
    """Makes a session by one statement that commits by itself where no transaction is open."""

    def save(self, must_create: bool = False) -> None:
        if not must_create:
            super().save()
            return
        values: dict[str, Any] = {
            "key": self.session_key, "data": self.encode(dict(self.items())),
            "expires": self.get_expiry_date(),
        }  # fmt: skip
        if not run_prepared(_CREATE, values):
            raise CreateError

    def _get_new_session_key(self) -> str:
        """Return 190 random bits without asking whether they are taken: the insert would say so."""
        return random_letters(_KEY_LENGTH)
