"""Who did something: actors as texts ("staff:<id>") by their names, and codes by their words."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.accounts.roles import STAFF_ROLES
from pratique.reports.types import Column, ColumnKind, Text

_ROLES = ", ".join(f"'{role.value}'" for role in STAFF_ROLES)
_NAMED = "name "
_ACTORS: Mapping[str, Text] = {
    "staff": gettext_lazy("A member of staff whose account is gone"),
    "student": gettext_lazy("The student"),
    "guardian": gettext_lazy("A parent or helper"),
    "link": gettext_lazy("Somebody with a link for signing in"),
    "system": gettext_lazy("Pratique itself"),
    "command": gettext_lazy("The command line"),
}


def staff_join(alias: str, actor: str) -> str:
    """Return a join of the member of staff whom the expression `actor` names, if it names one."""
    return (
        f"left join accounts_user {alias} on {alias}.institution_id = %(institution)s "
        f"and {alias}.role in ({_ROLES}) and {actor} = 'staff:' || {alias}.id::text"
    )


def actor_column(key: str, title: Text, alias: str, actor: str, *, shown: bool = True) -> Column:
    """Return a column with the name of the staff that `staff_join` found, and words for any other actor."""
    return Column(
        key,
        title,
        ColumnKind.TEXT,
        f"case when {alias}.id is null then nullif({actor}, '') else '{_NAMED}' || {alias}.name end",
        sort=(f"{alias}.name", actor),
        shown=shown,
        words=actor_in_words,
    )


def actor_in_words(value: Any) -> str:
    """Return who an actor is, as `actor_column` reads it: a name, or what kind of actor it is. PURE."""
    text = str(value)
    if text.startswith(_NAMED):
        return text.removeprefix(_NAMED)
    kind, _colon, name = text.partition(":")
    if kind == "sftp":
        return _("File transfer account %(name)s") % {"name": name}
    if kind == "partner":
        return _("Partner’s client %(name)s") % {"name": name}
    return str(_ACTORS.get(kind, text))


def said(words: Mapping[str, Text]) -> Callable[[Any], str]:
    """Return what makes words of a code; one that has none stays as it is."""

    def in_words(value: Any) -> str:
        return str(words.get(str(value), value))

    return in_words
