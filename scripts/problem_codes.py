"""Write docs/reference/roster-problems.md from the tables in pratique.rosters.problems.

python scripts/problem_codes.py [--check]
"""

import sys
from pathlib import Path

from pratique.rosters.problems import ERROR_CODES, FILE_ERROR_CODES, WARNING_CODES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "roster-problems.md"


def page() -> str:
    """Return the reference page."""
    parts = ["# Roster problems\n\nMade from `pratique.rosters.problems` by `scripts/problem_codes.py`.\n"]
    for title, codes in (
        ("The whole file is refused", FILE_ERROR_CODES),
        ("A row is refused", ERROR_CODES),
        ("Warnings: the row goes in", WARNING_CODES),
    ):
        rows = "\n".join(f"| `{code}` | {told.meaning} | {told.remedy} |" for code, told in codes.items())
        parts.append(f"## {title}\n\n| code | meaning | remedy |\n| --- | --- | --- |\n{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())
