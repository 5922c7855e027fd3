"""How names are compared: the key under which two usernames are one, and the text that search looks through.

Pure: the roster plan, sign-in and every writer of students call these, and the database holds what they give, so
that "the same" means the same everywhere (PostgreSQL's lower() and Python's casefold() differ beyond ASCII).
"""

import unicodedata


def username_key(username: str) -> str:
    """Return the form in which usernames are the same: NFC, without case (domain.md, "Student")."""
    if username.isascii():
        return username.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", username).casefold())


def plain(text: str) -> str:
    """Return `text` as people type it in a hurry: lower case, no accents, single spaces."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def search_text(*, first_name: str, last_name: str, username: str, student_id: str, email: str) -> str:
    """Return what a search for a student is compared with: the name in both orders, the username and the ids.

    It begins with the last name (or the only one) and then the first, so that it gives the order of lists too.
    """
    parts = [last_name, first_name, last_name if first_name else "", username, student_id]
    if email != username:
        parts.append(email)
    return plain(" ".join(filter(None, parts)))
