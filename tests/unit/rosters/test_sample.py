"""Synthetic rosters: the same every time, as varied as real ones, and valid throughout."""

import csv
import io
import time
from datetime import date
from itertools import islice

from pratique.rosters.csvfile import read_csv
from pratique.rosters.mapping import resolve
from pratique.rosters.plan import make_plan
from pratique.rosters.rows import parse_rows
from pratique.rosters.sample import DEFAULT_GROUPS, DEFAULT_PAIRS, DEFAULT_TERMS, sample_people, write_sample
from pratique.rosters.types import KnownNames, KnownPackage, KnownTracker, Outcome
from tests.unit.rosters.factories import HEADER, TODAY

ROWS = 5_000
PACKAGE = KnownPackage("p", "DEMO26")
TRACKERS = tuple(KnownTracker(pair, "p", "DEMO26", *pair) for pair in DEFAULT_PAIRS)
KNOWN = KnownNames(PACKAGE, (PACKAGE,), DEFAULT_GROUPS, DEFAULT_TERMS, TRACKERS)


def sample(rows: int = ROWS, seed: int = 7) -> bytes:
    out = io.BytesIO()
    assert write_sample(rows=rows, seed=seed, out=out) == len(out.getvalue())
    return out.getvalue()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert sample() == sample()
    assert sample() != sample(seed=8)


def test_a_shorter_sample_is_the_beginning_of_a_longer_one() -> None:
    assert sample(ROWS + 2_001).startswith(sample())
    assert list(sample_people(10, 7)) == list(islice(sample_people(ROWS, 7), 10))


def test_a_sample_is_rfc_4180_with_the_contracts_columns() -> None:
    data = sample()
    assert data.startswith(HEADER.encode() + b"\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert [list(record.cells) for record in read_csv(data).records] == rows[1:]


def test_every_row_of_a_sample_is_a_new_student() -> None:
    csvfile = read_csv(sample())
    columns = resolve(csvfile.header, student_id_required=True)
    assert (columns.warnings, csvfile.warnings) == ((), ())
    rows = parse_rows(csvfile, columns, today=TODAY, known=KNOWN)
    assert [row.errors or row.warnings for row in rows if row.errors or row.warnings] == []
    plan = make_plan(rows, [])
    assert plan.counts[Outcome.CREATED] == ROWS
    placed = sum(membership.tracker_id is not None for membership in plan.memberships) / ROWS
    assert 0.87 < placed < 0.93


def test_people_are_as_varied_as_real_ones() -> None:
    people = list(sample_people(ROWS, 7))
    names = {person.last_name for person in people} | {person.first_name for person in people}
    for kind in ("O'Brien", "D’Angelo", "King, Jr.", 'Robert "Bobby"', "明", "الأحمد", ""):
        assert kind in names
    assert any(len(name) > 30 for name in names)
    assert any("-" in name for name in names)
    assert all(person.first_name or person.last_name for person in people)
    assert {person.on_campus for person in people} == {True, False, None}
    assert {(person.group, person.term) for person in people} == {*DEFAULT_PAIRS, (None, None)}
    assert all(person.username.isascii() for person in people)
    assert "" in {person.telephone for person in people}
    assert all(person.student_id.startswith("0") for person in people)
    ages = {(date(2026, 8, 15) - person.date_of_birth).days / 365.25 for person in people}
    assert min(ages) >= 17
    assert max(ages) < 36


def test_other_pairs_or_none_can_be_asked_for() -> None:
    assert {person.group for person in sample_people(200, 1, [("Law", "Fall")])} == {"Law", None}
    assert {person.group for person in sample_people(200, 1, [])} == {None}


def test_a_hundred_thousand_rows_take_seconds_at_most() -> None:
    began = time.perf_counter()
    sample(100_000)
    # Typically 0.7 s; the limit only catches a change of order on a busy machine.
    assert time.perf_counter() - began < 6
