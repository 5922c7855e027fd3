"""Who can sign in to the demo institution: a file that only this installation's user can read.

Knows nothing of Django, so that `pratique up` may ask before the settings are read.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def sign_ins(var: Path) -> list[dict[str, Any]]:
    """Return role, username and password of each person of the demo; empty where there is no demo."""
    path = _file(var)
    return json.loads(path.read_text()) if path.exists() else []


def keep_sign_ins(var: Path, people: Sequence[dict[str, Any]]) -> None:
    """Keep them, readable by the owner alone."""
    path = _file(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(list(people), file, indent=2)


def _file(var: Path) -> Path:
    return var / "secrets" / "demo-credentials.json"
