"""The tables of codes agree with the code, so that the documentation made from them is complete."""

import ast
import sys
from pathlib import Path

import pytest

from pratique.rosters import problems
from pratique.rosters.problems import ERROR_CODES, FILE_ERROR_CODES, WARNING_CODES, listed, shown

SOURCE = Path(problems.__file__).parent
PURE = (
    "cells",
    "csvfile",
    "encoding",
    "garbage",
    "mapping",
    "placement",
    "plan",
    "plan_words",
    "problems",
    "rows",
    "sample",
    "sample_names",
    "scanner",
    "types",
)
ALL_CODES = FILE_ERROR_CODES.keys() | ERROR_CODES.keys() | WARNING_CODES.keys()


def strings_of(module: str) -> set[str]:
    tree = ast.parse((SOURCE / f"{module}.py").read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def codes_made_in(module: str) -> set[str]:
    """Literal first arguments of `Problem(...)`, `CsvFileError(...)` and `_refused(...)`."""
    makers = {"Problem", "CsvFileError", "_refused"}
    codes: set[str] = set()
    for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in makers and isinstance(first, ast.Constant) and isinstance(first.value, str):
                codes.add(first.value)
    return codes


def test_every_code_that_is_made_is_explained() -> None:
    made = set().union(*(codes_made_in(module) for module in PURE))
    assert made - ALL_CODES == set()
    assert len(made) > 30


def test_every_code_that_is_explained_is_made() -> None:
    strings = set().union(*(strings_of(module) for module in PURE if module != "problems"))
    # These two are put together from the field's name.
    assert ALL_CODES - strings == {"unknown_group", "unknown_term"}


def test_codes_are_plain_unique_and_explained_in_sentences() -> None:
    assert len(ALL_CODES) == len(FILE_ERROR_CODES) + len(ERROR_CODES) + len(WARNING_CODES)
    for table in (FILE_ERROR_CODES, ERROR_CODES, WARNING_CODES):
        for code, (meaning, remedy) in table.items():
            assert code.replace("_", "").isalnum()
            assert code == code.lower()
            assert meaning.endswith(".")
            assert remedy.endswith(".")


@pytest.mark.parametrize("module", PURE)
def test_the_pure_modules_import_only_the_standard_library_and_each_other(module: str) -> None:
    for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            pure = name in {f"pratique.rosters.{other}" for other in PURE} | {"pratique.students.folding"}
            assert pure or name.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Ada", "'Ada'", id="plain"),
        pytest.param("é王א", "'é王א'", id="letters of any script"),
        pytest.param("a\u202eb\n\x07", "'a\\u202eb\\n\\x07'", id="what would disturb a screen"),
        pytest.param("x" * 41, "'" + "x" * 40 + "'…", id="long"),
    ],
)
def test_values_are_shown_safely(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_lists_are_cut() -> None:
    assert listed([]) == "none"
    assert listed(["a", "b", "c"], limit=2) == "'a', 'b' and 1 more"
