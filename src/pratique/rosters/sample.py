"""Synthetic students: a roster file of any size, or plain records for a demo. One seed gives the same people.

They are nobody, yet as awkward as everybody: accents, apostrophes, commas in names, single
names, other scripts, leading zeros, missing telephone numbers. Reading them back is for `csvfile` and `rows`.
"""

import csv
import io
import random
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import BinaryIO, NamedTuple

from pratique.rosters.sample_names import FIRST_NAMES, LAST_NAMES, RARE_NAMES

DEFAULT_GROUPS = ("Undergraduate", "Graduate", "Nursing", "International")
DEFAULT_TERMS = ("Fall 2026", "Spring 2027")
DEFAULT_PAIRS = tuple((group, term) for group in DEFAULT_GROUPS for term in DEFAULT_TERMS)
# The people of the demo institution, known to whoever plays a part in the demo.
DEMO_STUDENTS, DEMO_SEED = 2_000, 26
HEADER = (
    "Username",
    "StudentId",
    "LastName",
    "FirstName",
    "Telephone",
    "Dob",
    "RequirementGroup",
    "Term",
    "OnCampus",
)

# Fixed, so that a sample made next year is the same: everybody is 17 to 35 on this day.
_AGES_ON = date(2026, 8, 15)
_OLDEST_DAYS = int(36 * 365.25) - 1
_YOUNGEST_DAYS = int(17 * 365.25) + 1
_RARE_SHARE = 0.12
_PLACED_SHARE = 0.9
_BLOCK = 2_000


class SamplePerson(NamedTuple):
    """One synthetic student. `group` and `term` are both `None` or neither; empty text is not known."""

    username: str
    student_id: str
    last_name: str
    first_name: str
    telephone: str
    date_of_birth: date
    group: str | None
    term: str | None
    on_campus: bool | None


def sample_people(
    rows: int, seed: int, pairs: Sequence[tuple[str, str]] = DEFAULT_PAIRS
) -> Iterator[SamplePerson]:
    """Yield `rows` students, each Username and StudentId unique; fewer rows give the first of them.

    About nine in ten have a group and a term out of `pairs` (none have, if there are no pairs).
    """
    # Not security: the point is that the same seed gives the same people.
    chance = random.Random(seed)  # noqa: S311
    draw = chance.random
    # Samples of two seeds are two schools' worth of people: nobody has the id or the address of another.
    intake = f"{seed % 1000:03d}"
    for number in range(1, rows + 1):
        if draw() < _RARE_SHARE:
            first, last = RARE_NAMES[int(draw() * len(RARE_NAMES))]
        else:
            first = FIRST_NAMES[int(draw() * len(FIRST_NAMES))]
            last = LAST_NAMES[int(draw() * len(LAST_NAMES))]
            if draw() < 0.03:
                last = f"{last}-{LAST_NAMES[int(draw() * len(LAST_NAMES))]}"
        born = _AGES_ON - timedelta(days=_YOUNGEST_DAYS + int(draw() * (_OLDEST_DAYS - _YOUNGEST_DAYS)))
        group, term = None, None
        if draw() < _PLACED_SHARE and pairs:
            group, term = pairs[int(draw() * len(pairs))]
        yield SamplePerson(
            f"{_mailbox(first, last)}.{intake}{number}@students.example.edu",
            f"{intake}{number:06d}",
            last,
            first,
            _telephone(draw(), int(draw() * 10_000)),
            born,
            group,
            term,
            (True, False, None)[int(draw() * 3)],
        )


def write_sample(
    *, rows: int, seed: int, out: BinaryIO, pairs: Sequence[tuple[str, str]] = DEFAULT_PAIRS
) -> int:
    """Write a roster of `rows` students to `out` as CSV: UTF-8, RFC 4180, CRLF. Give the number of bytes.

    Deterministic: the same rows, seed and pairs give the same bytes. Written in blocks to save memory.
    """
    written = out.write((",".join(HEADER) + "\r\n").encode())
    block: list[tuple[str, ...]] = []
    for person in sample_people(rows, seed, pairs):
        block.append(_cells(person))
        if len(block) == _BLOCK:
            written += _write(out, block)
            block.clear()
    return written + _write(out, block)


def _write(out: BinaryIO, block: list[tuple[str, ...]]) -> int:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(block)
    return out.write(text.getvalue().encode())


_ON_CAMPUS = {True: "1", False: "0", None: ""}


def _cells(person: SamplePerson) -> tuple[str, ...]:
    born = person.date_of_birth
    return (
        person.username,
        person.student_id,
        person.last_name,
        person.first_name,
        person.telephone,
        f"{born.month:02d}/{born.day:02d}/{born.year}",
        person.group or "",
        person.term or "",
        _ON_CAMPUS[person.on_campus],
    )


def _telephone(kind: float, number: int) -> str:
    # 555-01xx is reserved for fiction; an eighth have given no number.
    if kind < 0.125:
        return ""
    return f"+1 404 555 01{number % 100:02d}" if kind < 0.2 else f"(404) 555-01{number % 100:02d}"


def _mailbox(first: str, last: str) -> str:
    """An ASCII part for an address, out of whatever letters a name has in ASCII."""
    letters = _MAILBOXES.get((first, last))
    if letters is None:
        plain = unicodedata.normalize("NFKD", f"{first[:1]}{last or first}")
        letters = (
            "".join(char for char in plain if char.isascii() and char.isalpha()).lower()[:20] or "student"
        )
        _MAILBOXES[first, last] = letters
    return letters


# There are a few thousand combinations; making each once halves the time of a large sample.
_MAILBOXES: dict[tuple[str, str], str] = {}
