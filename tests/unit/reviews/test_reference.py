"""The reference page shows the table that the code follows."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_table_of_stages_and_deeds_is_up_to_date():
    made = runpy.run_path(str(ROOT / "scripts" / "review_table.py"))
    page = (ROOT / "docs" / "reference" / "review.md").read_text()
    shown = page.split(made["MARK"])[1].split("<!-- end -->")[0]
    assert shown.strip() == made["table"]().strip()
