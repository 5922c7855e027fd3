"""Structured logs: one event a line, JSON in production and columns in a terminal. Ids only, never personal data."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

# Addresses that open something: the links of mails and of schools' portals, in whatever case somebody writes them.
_SECRET_ADDRESS = re.compile(r"(/start/|/sso/+|/account/password/reset/key/)[\w-]{20,}", re.IGNORECASE)
# An address may be as long as a header: whoever asks for nonsense must not fill the disk with it.
_LONGEST_EVENT = 500


def _without_traces_of_refusals(record: logging.LogRecord) -> bool:
    """Keep a refusal (400, 403, 404) to one line, whichever logger tells it: stack traces are for faults of ours."""
    if getattr(record, "status_code", 500) < 500:
        record.exc_info = None
    return True


def _without_links(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Blank the token in the address of a sign-in or reset link, whoever logs it; and cut what is long."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRET_ADDRESS.sub(r"\1…", value)
    told = event.get("event")
    if isinstance(told, str) and len(told) > _LONGEST_EVENT:
        event["event"] = f"{told[:_LONGEST_EVENT]}…"
    return event


def configure(*, json: bool, level: str = "INFO") -> None:
    """Route structlog and the standard library's loggers to standard error in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_links,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # At the handler: a logger's own filter does not see what the loggers under it tell (django.security.*).
    handler.addFilter(_without_traces_of_refusals)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("procrastinate").setLevel("WARNING")
    # Whatever the level: they log whole requests, and one to KMS holds a data key.
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel("WARNING")
