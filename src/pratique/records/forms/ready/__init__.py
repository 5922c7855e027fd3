"""Ready definitions of forms, as data for `read`. Nothing is in force until an institution adopts it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

READY = ("tb_questionnaire", "meningitis_information", "housing_health_consent", "declination")


def ready(key: str) -> dict[str, Any]:
    """Return the definition of a ready form, a fresh copy. Raises KeyError with the known keys for any other."""
    if key not in READY:
        raise KeyError(f"There is no ready form {key!r}. Known: {', '.join(READY)}.")
    definition: dict[str, Any] = json.loads(
        files(__package__).joinpath(f"{key}.json").read_text(encoding="utf-8")
    )
    return definition
