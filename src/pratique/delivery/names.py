"""File-name templates: `students-{date:%Y%m%d-%H%M}.csv`, with {date}, {report} and {n}. PURE.

A template is text with three fields and no more: nothing of Python's own formatting can be reached. What comes out is
a name that every system takes.
"""

import re
from collections.abc import Callable
from datetime import datetime
from string import Formatter

from django.utils.translation import gettext as _

from pratique.delivery.types import DeliveryError

LONGEST_NAME = 180  # room for the temporary name's ending, and for endings that customers add
_LONGEST_TEMPLATE = 200
_LARGEST_NUMBER = 2**30
_DATE = "%Y-%m-%d"
# The parts of a date that are digits, whatever the machine's language; and what may stand between them.
_DATE_SPEC = re.compile(r"(?:%[YmdHMSjyGVu]|[A-Za-z0-9 ._-])*")
_NUMBER_SPEC = re.compile(r"(0[1-9])?")
_UNSAFE = re.compile(r"[^A-Za-z0-9._() +=@,-]+")


class TemplateError(DeliveryError):
    """A template cannot be used; the message says why."""


def default_template(file_format: str) -> str:
    """Return the template of a delivery that names none."""
    return "{report}-{date:%Y%m%d-%H%M%S}." + file_format


def file_name(
    template: str, *, report: str, local_now: datetime, is_taken: Callable[[str], bool]
) -> str | None:
    """Return the name that a template gives at `local_now`, the institution's own time; None if it is taken.

    A report's name that is too long for it is cut: somebody may have renamed a saved one since.
    With {n}, a number whose name is free while the one before is taken: asked for in steps that double, so that the
    ten-thousandth file asks no longer than the tenth. Raises TemplateError.
    """
    parts = _parts(template)
    mentions = sum(field == "report" for _text, field, _spec in parts)

    def numbered(number: int) -> str:
        def named(report: str) -> str:
            return _safe("".join(_filled(*part, report, local_now, number) for part in parts))

        name = named(report)
        if (over := len(name) - LONGEST_NAME) > 0 and mentions:
            name = named(report[: max(1, len(report) - -(-over // mentions))].rstrip("-"))
        if len(name) > LONGEST_NAME:
            raise TemplateError(_("The file name's template gives a name of more than 180 characters."))
        return name

    if not any(field == "n" for _text, field, _spec in parts):
        return None if is_taken(numbered(1)) else numbered(1)
    return _first_free(numbered, is_taken)


def numbered_again(name: str, *, is_taken: Callable[[str], bool]) -> str:
    """Return a free name that is like `name`, which is taken: `students-2.csv` for `students.csv`."""
    stem, dot, ending = name.removesuffix(".pgp").rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (ending, "")
    ending += ".pgp" if name.endswith(".pgp") else ""
    free = _first_free(lambda number: f"{stem}-{number + 1}{ending}", is_taken)
    assert free is not None, "nobody has so many files"
    return free


def _first_free(numbered: Callable[[int], str], is_taken: Callable[[str], bool]) -> str | None:
    """Return a name that is free while the one before is taken; None if there is none at all."""
    taken, free = 0, 1
    while is_taken(numbered(free)):
        taken, free = free, free * 2
        if free > _LARGEST_NUMBER:
            return None
    while free - taken > 1:
        middle = (taken + free) // 2
        taken, free = (middle, free) if is_taken(numbered(middle)) else (taken, middle)
    return numbered(free)


def _parts(template: str) -> list[tuple[str, str, str]]:
    """Return pieces of text, each with the field after it and that field's format."""
    if not template.strip() or len(template) > _LONGEST_TEMPLATE:
        raise TemplateError(_("A file name's template has between 1 and 200 characters."))
    try:
        parsed = list(Formatter().parse(template))
    except ValueError:
        raise TemplateError(_("A brace in the file name’s template is not opened or not closed.")) from None
    parts = []
    for text, field, spec, conversion in parsed:
        if conversion or (field is not None and field not in ("date", "report", "n")):
            raise TemplateError(
                _(
                    "A file name's template knows {date}, {report} and {n}, such as students-{date:%Y%m%d}.csv."
                )
            )
        spec = spec or ""
        if (field == "date" and not _DATE_SPEC.fullmatch(spec)) or (field == "report" and spec):
            raise TemplateError(
                _("Of a date, a file name can have %Y %y %m %d %H %M %S %j %G %V %u, and - _ . between them.")
            )
        if field == "n" and not _NUMBER_SPEC.fullmatch(spec):
            raise TemplateError(_("A number in a file name is {n}, or {n:03} for three digits."))
        parts.append((text, field or "", spec))
    return parts


def _filled(text: str, field: str, spec: str, report: str, local_now: datetime, number: int) -> str:
    if field == "date":
        return text + local_now.strftime(spec or _DATE)
    if field == "report":
        return text + report
    if field == "n":
        return text + format(number, f"{spec}d")
    return text


def _safe(name: str) -> str:
    """Return a name without what some system cannot take: no folders, no hidden names, no odd letters."""
    safe = _UNSAFE.sub("-", name).strip(" ").lstrip(".").rstrip(".")
    if not safe.strip("-. "):
        raise TemplateError(_("The file name's template gives no name."))
    return safe
