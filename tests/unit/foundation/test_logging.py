"""What the log leaves out: links that open something, traces of what was refused, and the length of nonsense."""

import io
import logging
import sys

import pytest

from pratique.foundation import logging as our_logging

TOKEN = "Ab3" * 10 + "Zz"


@pytest.fixture
def told(monkeypatch):
    """Our configuration, writing into memory; and how it was before, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    our_logging.configure(json=True, level="DEBUG")
    yield written.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "address",
    [f"/sso/{TOKEN}", f"/SSO/{TOKEN}", f"//sso//{TOKEN}/", f"/sso/{TOKEN}%0A", f"/en/Sso/{TOKEN}?a"],
)
def test_a_token_is_blanked_however_its_address_is_written(told, address):
    logging.getLogger("django.request").warning("%s: %s", "Not Found", address, extra={"status_code": 404})
    assert "Not Found" in told()
    assert TOKEN not in told()


@pytest.mark.parametrize(
    ("logger", "status", "traced"),
    [
        ("django.request", 404, False),
        ("django.security.DisallowedHost", 400, False),
        ("django.security.TooManyFieldsSent", 400, False),
        ("django.request", 500, True),
        ("pratique.anything", None, True),
    ],
)
def test_a_refusal_is_one_line_and_a_fault_of_ours_has_its_trace(told, logger, status, traced):
    extra = {} if status is None else {"status_code": status}
    try:
        raise ValueError("where it broke")
    except ValueError as error:
        logging.getLogger(logger).error("It broke", exc_info=error, extra=extra)
    assert "It broke" in told()
    assert ("where it broke" in told()) == traced


def test_a_long_address_is_cut(told):
    logging.getLogger("django.request").warning("Not Found: /%s", "a" * 60_000)
    assert "Not Found: /aaa" in told()
    assert len(told()) < 1000


def test_requests_to_kms_are_not_logged_at_any_level(told):
    logging.getLogger("botocore.endpoint").debug(
        "Making request with params: %s", {"Plaintext": "a data key"}
    )
    assert told() == ""
