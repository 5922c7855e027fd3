"""The reference document cannot drift: its examples are read, and its sentences are what the code says."""

import json
import re
from pathlib import Path

import pytest

from pratique.rules import (
    condition_from_data,
    describe,
    requirement_from_data,
    rule_from_data,
)
from pratique.rules.condition_data import _READERS as CONDITION_READERS
from pratique.rules.data import _READERS as RULE_READERS

REFERENCE = Path(__file__).parents[3] / "docs/reference/rules.md"
EXAMPLES = re.findall(r"```json\n(.*?)```\n\n> (.*?)\n", REFERENCE.read_text(), flags=re.DOTALL)


def read(data):
    if "rule" in data:
        return requirement_from_data(data)
    rule_kinds = {*RULE_READERS, "all_of", "any_of"}
    return rule_from_data(data) if data["kind"] in rule_kinds else condition_from_data(data)


def kinds_in(data):
    if isinstance(data, list):
        return {kind for item in data for kind in kinds_in(item)}
    if not isinstance(data, dict):
        return set()
    return {data.get("kind")} | {kind for value in data.values() for kind in kinds_in(value)}


@pytest.mark.parametrize(("example", "sentence"), EXAMPLES)
def test_an_example_is_read_and_described_as_written(example, sentence):
    assert describe(read(json.loads(example))) == sentence


def test_every_json_block_has_its_sentence():
    assert len(EXAMPLES) == REFERENCE.read_text().count("```json")


def test_every_kind_has_an_example():
    shown = {kind for example, _ in EXAMPLES for kind in kinds_in(json.loads(example))}
    assert shown >= {*RULE_READERS, "all_of", "any_of", *CONDITION_READERS, "and", "or", "not"}
