"""The one rule about cells that a spreadsheet would run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.foundation.neutralise import FIRST_CHARACTERS, neutralise

PAYLOADS = Path(__file__).resolve().parents[4] / "shared" / "data" / "csv" / "injection" / "payloadbox.txt"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+15550100", "'+15550100", id="plus"),
        pytest.param("-cmd", "'-cmd", id="minus"),
        pytest.param("@SUM(1)", "'@SUM(1)", id="at"),
        pytest.param("\t=1", "'\t=1", id="tab"),
        pytest.param("\r=1", "'\r=1", id="carriage return"),
        pytest.param("", "", id="empty"),
        pytest.param("O'Neill", "O'Neill", id="an apostrophe is no formula"),
        pytest.param("'=1", "'=1", id="disarmed already"),
        pytest.param("a=1", "a=1", id="not first"),
        pytest.param("＝1", "'＝1", id="full-width, as another keyboard has it"),
        pytest.param("\n=1", "'\n=1", id="line feed"),
    ],
)
def test_what_is_disarmed(text, written):
    assert neutralise(text) == written


@given(st.text())
def test_nothing_dangerous_comes_out_and_nothing_is_lost(text):
    written = neutralise(text)
    assert not written.startswith(tuple(FIRST_CHARACTERS))
    assert written in {text, f"'{text}"}
    assert neutralise(written) == written


@pytest.mark.skipif(not PAYLOADS.exists(), reason="payloads of ../shared/data/csv/injection are absent")
def test_known_payloads_are_disarmed():
    for line in PAYLOADS.read_text().splitlines():
        assert not neutralise(line).startswith(tuple(FIRST_CHARACTERS))
