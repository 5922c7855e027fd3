"""Sessions in the database, as Django keeps them, but for one look that every sign-in took."""

from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.utils.crypto import get_random_string

_KEY_LENGTH = 32


class SessionStore(DatabaseSessions):
    """Does not ask whether a key of 165 random bits is taken: the insert would say so, and another be made."""

    def _get_new_session_key(self) -> str:
        return get_random_string(_KEY_LENGTH, VALID_KEY_CHARS)
