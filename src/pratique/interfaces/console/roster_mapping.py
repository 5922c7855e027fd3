"""The column mapping form: our fields, the columns of the file, and what was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.rosters.queries import MappingChoices

# Our field, what it is for, and whether one value may stand for every row.
FIELDS: Mapping[str, tuple[str | Promise, str | Promise, bool]] = {
    "username": (
        gettext_lazy("Username"),
        gettext_lazy("What the student signs in with; often the e-mail address"),
        False,
    ),
    "student_id": (gettext_lazy("Student ID"), gettext_lazy("Your own unique number for the student"), False),
    "last_name": (gettext_lazy("Last name"), "", False),
    "first_name": (gettext_lazy("First name"), "", False),
    "telephone": (gettext_lazy("Telephone"), "", False),
    "date_of_birth": (
        gettext_lazy("Date of birth"),
        gettext_lazy("month/day/year, such as 08/31/2007"),
        False,
    ),
    "group": (gettext_lazy("Requirement group"), gettext_lazy("With the term it decides the tracker"), True),
    "term": (gettext_lazy("Term"), "", True),
    "on_campus": (gettext_lazy("Lives on campus"), gettext_lazy("1 for yes, 0 for no"), True),
    "package": (gettext_lazy("Package code"), gettext_lazy("Only if you use more than one"), True),
}

_LONGEST = 254  # no roster field is longer


@dataclass(frozen=True)
class FieldRow:
    """One of our fields as the form shows it."""

    key: str
    name: str | Promise
    hint: str | Promise
    may_be_constant: bool
    required: bool
    header: str
    constant: str
    error: str = ""


def rows(
    choices: MappingChoices,
    stored: Mapping[str, Any],
    *,
    student_id_required: bool,
    errors: Mapping[str, str] | None = None,
) -> list[FieldRow]:
    """Return the form's rows; what was stored before wins over what can be guessed."""
    headers = stored.get("headers") or choices.suggested
    constants = stored.get("constants") or {}
    present = {name.strip().casefold(): name for name in choices.header}
    return [
        FieldRow(
            key,
            name,
            hint,
            may_be_constant,
            required=key == "username" or (key == "student_id" and student_id_required),
            header=present.get(headers.get(key, "").strip().casefold(), ""),
            constant=constants.get(key, ""),
            error=(errors or {}).get(key, ""),
        )
        for key, (name, hint, may_be_constant) in FIELDS.items()
    ]


def samples(choices: MappingChoices) -> list[tuple[str, str]]:
    """Return each column of the file with the first values in it."""
    return [
        (
            name,
            " · ".join(
                value for row in choices.samples if index < len(row) and (value := row[index].strip())
            ),
        )
        for index, name in enumerate(choices.header)
    ]


def read(form: QueryDict, header: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the mapping that was sent in; a value for every row goes before a column."""
    constants = {
        key: value
        for key in FIELDS
        if FIELDS[key][2] and (value := form.get(f"constant-{key}", "").replace("\0", "").strip()[:_LONGEST])
    }
    known = set(header)
    headers = {
        key: name
        for key in FIELDS
        if key not in constants and (name := form.get(f"header-{key}", "")) in known and name
    }
    return {"headers": headers, "constants": constants}


def errors(mapping: Mapping[str, Mapping[str, str]], *, student_id_required: bool) -> dict[str, str]:
    """Return what keeps a mapping from being used, by field."""
    found = {}
    required = ("username", "student_id") if student_id_required else ("username",)
    for key in required:
        if key not in mapping["headers"]:
            found[key] = _("Choose the column that holds it.")
    seen: dict[str, str] = {}
    for key, name in mapping["headers"].items():
        if name in seen:
            found[key] = _("This column is chosen for “%(other)s” already.") % {
                "other": FIELDS[seen[name]][0]
            }
        seen.setdefault(name, key)
    return found
