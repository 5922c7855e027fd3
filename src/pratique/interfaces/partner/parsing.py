r"""Reading the JSON of a call. PURE: bytes in, one object out.

JSON by RFC 8259, with one addition that existing clients need (contracts/partner-api.md): inside a string a backslash
before `'`, `,` or `;` means the character itself. Strict where two readers could see two different things: a name
may stand once, numbers are finite and fit 64 bits, text is Unicode. A byte order mark at the front is passed over,
as RFC 8259 allows: some platforms put one before everything that they write.
"""

import json
import math
import re
from typing import Any, NoReturn

import orjson

_MARK = b"\xef\xbb\xbf"
# A whole string, or what is left if one is never closed: else an unclosed one would be tried from each of its quotes,
# which takes minutes for a megabyte. Outside strings a backslash stays, and is refused.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_OURS = frozenset("',;")
# The digits of -(2**63). More are refused before they cost anything.
_MOST_DIGITS = 20


class NotJsonError(ValueError):
    """These bytes are not one JSON object. The text says what is wrong, never what stands there."""


def read_object(content: bytes) -> dict[str, Any]:
    """Return the object that `content` holds. Raises NotJsonError."""
    try:
        text = content.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJsonError(f"It is not UTF-8: byte {error.start + 1} does not belong.") from None
    try:
        found = json.loads(
            _without_old_escapes(text),
            object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_integer, parse_float=_number,
        )  # fmt: skip
    except NotJsonError:
        raise
    except json.JSONDecodeError as error:
        # The library's sentence is about JSON, never about what stands in the text.
        raise NotJsonError(
            f"It is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise NotJsonError("It is nested too deep.") from None
    if not isinstance(found, dict):
        raise NotJsonError("It is not an object.")
    try:
        # Refuses half of a surrogate pair, integers beyond 64 bits, and nesting that no call needs.
        orjson.dumps(found)
    except TypeError:
        raise NotJsonError(
            "It holds half of a surrogate pair, an integer of more than 64 bits, or is nested too deep."
        ) from None
    return found


def _without_old_escapes(text: str) -> str:
    if not any(f"\\{character}" in text for character in _OURS):
        return text
    return _STRING.sub(lambda string: _PAIR.sub(_meant, string[0]), text)


def _meant(pair: re.Match[str]) -> str:
    """Return what an escape stands for. Escapes are read as pairs, so that `\\\\'` is a backslash and a quote."""
    return pair[1] if pair[1] in _OURS else pair[0]


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise NotJsonError("A name stands twice in one object.")
    return found


def _no_constant(_name: str) -> NoReturn:
    raise NotJsonError("NaN and Infinity are no JSON numbers.")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise NotJsonError("An integer has more than 64 bits.")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotJsonError("A number is too large.")
    return number
