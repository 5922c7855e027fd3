"""Which column of a file is which field: default names, an institution's own, guesses for the console.

Contract: file-transfer.md, "Inbound files": default columns in any order, matched by header name without
regard to case or spaces; other names, orders and constant values can be mapped. What the cells hold is
`rows`' business.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pratique.rosters.encoding import CsvFileError
from pratique.rosters.problems import listed, shown
from pratique.rosters.types import Problem

# Field -> the header that it is offered under, in the contract's order.
DEFAULT_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "username": "Username",
        "student_id": "StudentId",
        "last_name": "LastName",
        "first_name": "FirstName",
        "telephone": "Telephone",
        "date_of_birth": "Dob",
        "group": "RequirementGroup",
        "term": "Term",
        "on_campus": "OnCampus",
        "package": "Package",
    }
)
FIELDS: tuple[str, ...] = tuple(DEFAULT_HEADERS)
# What is read without a mapping. A package must be mapped: many exports have a column of that name that is no code.
UNMAPPED_HEADERS: Mapping[str, str] = MappingProxyType(
    {name: header for name, header in DEFAULT_HEADERS.items() if name != "package"}
)

# What schools call these columns; compared like headers, without case, spaces and punctuation.
SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "username": ("email", "emailaddress", "studentemail", "schoolemail", "login", "userid", "user"),
        "student_id": ("id", "studentnumber", "sid", "idnumber", "universityid", "bannerid", "vendorkey"),
        "last_name": ("last", "surname", "familyname", "lname"),
        "first_name": ("first", "givenname", "forename", "fname", "preferredname"),
        "telephone": ("phone", "phonenumber", "mobile", "mobilephone", "cell", "cellphone", "tel"),
        "date_of_birth": ("dateofbirth", "birthdate", "birthday", "birth"),
        "group": ("group", "population", "program", "programme"),
        "term": ("semester", "intake", "admitterm", "entryterm", "startterm"),
        "on_campus": ("housing", "oncampushousing", "resident", "livesoncampus", "campushousing"),
        "package": ("packagecode", "registrationcode"),
    }
)

_SPACES = re.compile(r"\s+")
_PUNCTUATION = re.compile(r"[\s_\-./#()]+")
_LOOKS_LIKE_DATA = re.compile(r"\S+@\S+\.\S+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d+")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """An institution's choice: field -> header name, and field -> one value for every row.

    A field is in one of the two or in neither, never in both. Raises `ValueError` for a field that does not
    exist or is in both.
    """

    headers: Mapping[str, str] = field(default_factory=lambda: UNMAPPED_HEADERS)
    constants: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.headers, *self.constants):
            if name not in DEFAULT_HEADERS:
                raise ValueError(f"{name!r} is not a roster field; the fields are {', '.join(FIELDS)}.")
        if both := self.headers.keys() & self.constants.keys():
            # The defaults name every field, so a constant simply takes the place of a default column.
            if self.headers is not UNMAPPED_HEADERS:
                raise ValueError(f"{', '.join(sorted(both))}: map a column or a constant value, not both.")
            kept = {name: header for name, header in self.headers.items() if name not in both}
            object.__setattr__(self, "headers", kept)


DEFAULT_MAPPING = ColumnMapping()


@dataclass(frozen=True, slots=True)
class ResolvedColumns:
    """Where each field is in one file: `indexes` by field, `names` for errors, `constants` as given."""

    indexes: Mapping[str, int]
    constants: Mapping[str, str]
    names: Mapping[str, str]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class MappingGuess:
    """Guesses for the console's mapping form: field -> header of the file, and the headers nobody claimed."""

    headers: Mapping[str, str]
    unclaimed: tuple[str, ...]


def header_key(name: str) -> str:
    """The form in which headers are compared: NFC, without case, without spaces anywhere."""
    return _SPACES.sub("", unicodedata.normalize("NFC", name)).casefold()


def resolve(
    header: Sequence[str],
    mapping: ColumnMapping = DEFAULT_MAPPING,
    *,
    student_id_required: bool,
    line: int = 1,
) -> ResolvedColumns:
    """Find each mapped field's column in a file's header (which stands on `line`).

    Raises `CsvFileError` when the first row is data and not a header (`no_header`), when Username, or
    StudentId where it is required, has no column (`missing_header`, with the nearest name there is), and when
    a column that would be read appears twice (`duplicate_header`). Others are ignored with one warning.
    """
    positions: dict[str, list[int]] = {}
    for index, name in enumerate(header):
        positions.setdefault(header_key(name), []).append(index)
    wanted = {field_: header_key(name) for field_, name in mapping.headers.items()}
    _refuse_data_as_header(header, set(wanted.values()), line)
    claimed = set(wanted.values())
    others = [index for index, name in enumerate(header) if header_key(name) not in claimed]
    _refuse_missing(header, others, mapping, positions, student_id_required=student_id_required, line=line)
    indexes = {}
    for field_, key in wanted.items():
        places = positions.get(key, [])
        if len(places) > 1:
            raise _duplicate(header, places, line)
        if places:
            indexes[field_] = places[0]
    names = {
        field_: header[indexes[field_]] if field_ in indexes else mapping.headers.get(field_, default)
        for field_, default in DEFAULT_HEADERS.items()
    }
    absent = [mapping.headers[name] for name in wanted if name not in indexes]
    return ResolvedColumns(indexes, dict(mapping.constants), names, _unknown_columns(header, others, absent))


def suggest_mapping(header: Sequence[str]) -> MappingGuess:
    """Guess which header is which field: by default name, then by common synonym, then by near spelling.

    Each header is claimed once, in that order, so that an "Email" beside a "Username" stays unclaimed.
    """
    free: dict[str, str] = {}
    for name in header:
        free.setdefault(_loose_key(name), name)
    free.pop("", None)
    guesses: dict[str, str] = {}
    for names in ({name: (_loose_key(text),) for name, text in DEFAULT_HEADERS.items()}, SYNONYMS):
        for field_ in FIELDS:
            for key in names[field_]:
                if field_ not in guesses and key in free:
                    guesses[field_] = free.pop(key)
    for field_ in FIELDS:
        if field_ not in guesses:
            near = difflib.get_close_matches(_loose_key(DEFAULT_HEADERS[field_]), free, n=1, cutoff=0.8)
            if near:
                guesses[field_] = free.pop(near[0])
    taken = set(guesses.values())
    return MappingGuess(guesses, tuple(name for name in header if name not in taken))


def _loose_key(name: str) -> str:
    return _PUNCTUATION.sub("", header_key(name))


def _refuse_data_as_header(header: Sequence[str], wanted: set[str], line: int) -> None:
    keys = {header_key(name) for name in header}
    loose = {_loose_key(name) for name in header}
    if keys & wanted or any(loose & set(names) for names in SYNONYMS.values()):
        return
    if any(keys) and not any(_LOOKS_LIKE_DATA.fullmatch(name.strip()) for name in header):
        return
    reason = "what looks like a student" if any(keys) else "only empty cells"
    raise CsvFileError(
        "no_header",
        line,
        f"Line {line} should name the columns and holds {reason}. Add a header row such as "
        f"{','.join(list(DEFAULT_HEADERS.values())[:9])}.",
    )


def _refuse_missing(
    header: Sequence[str],
    others: Sequence[int],
    mapping: ColumnMapping,
    positions: Mapping[str, list[int]],
    *,
    student_id_required: bool,
    line: int,
) -> None:
    required = ("username", "student_id") if student_id_required else ("username",)
    missing = [
        mapping.headers.get(name, DEFAULT_HEADERS[name])
        for name in required
        if name not in mapping.constants
        and (name not in mapping.headers or header_key(mapping.headers[name]) not in positions)
    ]
    if not missing:
        return
    spare = [header[index] for index in others]
    sentences = []
    for name in missing:
        near = _nearest(name, spare)
        sentence = f"There is no column {shown(name)}."
        sentences.append(f"{sentence} Did you mean {shown(near)}?" if near else sentence)
    raise CsvFileError(
        "missing_header",
        line,
        f"{' '.join(sentences)} The columns are {listed(header)}. Rename one, or map it.",
        missing[0],
    )


def _nearest(name: str, candidates: Sequence[str]) -> str | None:
    """The candidate spelt most like `name`, or a known synonym of the field that `name` is the default of."""
    by_key = {_loose_key(candidate): candidate for candidate in reversed(candidates) if candidate.strip()}
    near = difflib.get_close_matches(_loose_key(name), by_key, n=1, cutoff=0.7)
    if near:
        return by_key[near[0]]
    for field_, default in DEFAULT_HEADERS.items():
        if default == name:
            return next((by_key[key] for key in SYNONYMS[field_] if key in by_key), None)
    return None


def _duplicate(header: Sequence[str], places: Sequence[int], line: int) -> CsvFileError:
    names = listed([header[index] for index in places])
    numbers = " and ".join(str(index + 1) for index in places)
    return CsvFileError(
        "duplicate_header",
        line,
        f"The same column appears more than once: {names} (columns {numbers}). Case and spaces "
        "do not tell columns apart. Keep one of them, or rename the others.",
        header[places[0]],
    )


def _unknown_columns(
    header: Sequence[str], others: Sequence[int], absent: Sequence[str]
) -> tuple[Problem, ...]:
    if not others:
        return ()
    named = [header[index] for index in others if header[index].strip()]
    hints = [
        f" Did you mean {shown(name)} by {shown(near)}?" for name in absent if (near := _nearest(name, named))
    ]
    nameless = len(others) - len(named)
    parts = [listed(named)] if named else []
    if nameless:
        parts.append(f"{nameless} without a name")
    message = (
        f"These columns were ignored: {', and '.join(parts)}.{''.join(hints)} Map them if they are needed."
    )
    return (Problem("unknown_columns", "", message),)
