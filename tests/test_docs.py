"""Documentation that is made from code is what the code says now."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_roster_problems_is_up_to_date():
    made = runpy.run_path(str(ROOT / "scripts" / "problem_codes.py"))
    assert (ROOT / "docs" / "reference" / "roster-problems.md").read_text() == made["page"]()


PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_decision_has_a_number_of_its_own_and_a_status():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        assert "\nStatus: " in page.read_text(), page.name
