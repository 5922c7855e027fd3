"""Who is behind an actor's text ("staff:<id>")."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from pratique.accounts.queries import display_names


def names_of(actors: Iterable[str]) -> Mapping[str, str]:
    """Return the names of the accounts behind these texts, by text; what is no account, or gone, is "". One query."""
    keys: dict[str, UUID] = {}
    wanted = {actor for actor in actors if actor}
    for actor in wanted:
        try:
            keys[actor] = UUID(actor.partition(":")[2])
        except ValueError:
            continue
    found = display_names(list(keys.values())) if keys else {}
    return {actor: found.get(keys[actor], "") if actor in keys else "" for actor in wanted}
