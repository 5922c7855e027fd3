"""What a student typed: what is wrong with it, and the evidence it becomes."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.records.models import DatePrecision, Dose
from pratique.records.pieces import (
    KINDS,
    Piece,
    evidence_of_rows,
    evidence_rows,
    problems,
    read_date,
    read_pieces,
)

BORN, TODAY = date(2006, 4, 3), date(2026, 8, 3)
NOW = datetime(2026, 8, 3, 15, tzinfo=UTC)
DOSE = {"cvx": "03", "product": "M-M-R II", "administered_on": "2007-05-01"}
TITER = {"antibody": "measles", "result": "positive", "collected_on": "2026-01-05"}
EXEMPTION = {"exemption": "medical", "requirement_key": "mmr"}


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        pytest.param("dose", DOSE, [], id="a dose with vaccine and day"),
        pytest.param(
            "dose", {**DOSE, "administered_on": "2007-05"}, [], id="a dose of which the month is known"
        ),
        pytest.param("dose", {**DOSE, "administered_on": "2007"}, [], id="a dose of which the year is known"),
        pytest.param("dose", {**DOSE, "cvx": ""}, [("product", "missing")], id="no vaccine chosen"),
        pytest.param("dose", {**DOSE, "cvx": "99999"}, [("product", "missing")], id="a code of no vaccine"),
        pytest.param("dose", {"cvx": "03"}, [("administered_on", "missing")], id="no date"),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": "2007-02-31"},
            [("administered_on", "no_date")],
            id="31 February",
        ),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": "04/03/2007"},
            [("administered_on", "no_date")],
            id="slashes: nobody knows which is the month",
        ),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": "2006-04-02"},
            [("administered_on", "before_birth")],
            id="the day before birth",
        ),
        pytest.param("dose", {**DOSE, "administered_on": "2006-04-03"}, [], id="the day of birth"),
        pytest.param("dose", {**DOSE, "administered_on": "2006-04"}, [], id="the month of birth"),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": "2006-03"},
            [("administered_on", "before_birth")],
            id="the month before birth",
        ),
        pytest.param(
            "dose", {**DOSE, "administered_on": "2026-08-04"}, [("administered_on", "future")], id="tomorrow"
        ),
        pytest.param("dose", {**DOSE, "administered_on": "2026-08"}, [], id="this month"),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": "2062-05-01"},
            [("administered_on", "future")],
            id="two digits exchanged",
        ),
        pytest.param(
            "dose",
            {**DOSE, "administered_on": {"a": 1}},
            [("administered_on", "no_date")],
            id="an object instead of a date",
        ),
        pytest.param("titer", TITER, [], id="a titer"),
        pytest.param(
            "titer", {**TITER, "result": "IMMUNE"}, [("result", "missing")], id="a result in other words"
        ),
        pytest.param(
            "titer",
            {**TITER, "collected_on": "2026-01"},
            [("collected_on", "no_date")],
            id="a titer needs its day",
        ),
        pytest.param(
            "titer",
            {},
            [("antibody", "missing"), ("result", "missing"), ("collected_on", "missing")],
            id="an empty titer names all",
        ),
        pytest.param("document", {"kind_of_document": "physical_exam"}, [], id="a document without a date"),
        pytest.param(
            "document",
            {"kind_of_document": ""},
            [("kind_of_document", "missing")],
            id="a document of no kind",
        ),
        pytest.param("form", {"form": "tb_questionnaire"}, [], id="a form"),
        pytest.param("exemption", EXEMPTION, [], id="an exemption"),
        pytest.param(
            "exemption",
            {**EXEMPTION, "exemption": "lazy"},
            [("exemption", "missing")],
            id="no such exemption",
        ),
        pytest.param(
            "exemption",
            {**EXEMPTION, "expires_on": "2026-08-02"},
            [("expires_on", "past")],
            id="an exemption that ended",
        ),
        pytest.param(
            "exemption",
            {**EXEMPTION, "statement": "x" * 4001},
            [("statement", "too_long")],
            id="a very long statement",
        ),
    ],
)
def test_what_is_wrong_with_a_piece(kind, values, expected):
    found = problems(Piece("a1", kind, values), born=BORN, today=TODAY)
    assert [(one.field, one.code) for one in found] == expected
    assert all(one.sentence.endswith(".") for one in found)


def test_without_a_date_of_birth_no_date_is_before_it():
    piece = Piece("a1", "dose", {**DOSE, "administered_on": "1950-01-01"})
    assert problems(piece, born=None, today=TODAY) == ()


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2006-02-28", date(2006, 2, 28), date(2006, 2, 28), DatePrecision.DAY),
        ("2008-02", date(2008, 2, 1), date(2008, 2, 29), DatePrecision.MONTH),
        ("2006", date(2006, 1, 1), date(2006, 12, 31), DatePrecision.YEAR),
    ],
)
def test_a_date_is_read_as_far_as_it_is_known(text, first, last, precision):
    assert read_date(text) == (first, last, precision)


@pytest.mark.parametrize(
    "text", ["", "2006-13", "2006-00-01", "0000", "206-01-01", "2006-1-1", "2006-01-01T00", None, 7]
)
def test_what_is_no_date(text):
    assert read_date(text) is None


def test_evidence_keeps_what_was_typed_and_cuts_what_cannot_be_stored():
    piece = Piece("a1", "dose", {**DOSE, "lot": " \0AB" + "1" * 90, "administered_on": "2007-05"})
    (row,) = evidence_rows([piece], today=TODAY)
    assert isinstance(row, Dose)
    assert (row.cvx, row.administered_on, row.precision) == ("03", date(2007, 5, 1), "month")
    assert row.lot.startswith("AB")
    assert len(row.lot) == 40


def test_an_exemption_has_a_document_where_pages_came_with_it():
    piece = Piece("a1", "exemption", EXEMPTION)
    assert [
        evidence_rows([piece], today=TODAY, has_pages=pages)[0].has_document for pages in (True, False)
    ] == [True, False]


def test_only_a_form_that_needs_no_further_signature_has_its_day():
    forms = [Piece("a1", "form", {"form": "x"}), Piece("a2", "form", {"form": "y"})]
    rows = evidence_rows(forms, today=TODAY, fully_signed=["a2"])
    assert [row.signed_on for row in rows] == [None, TODAY]


def test_the_rule_engine_sees_what_waits():
    rows = evidence_rows([Piece("a1", "dose", DOSE), Piece("a2", "titer", TITER)], today=TODAY)
    evidence = evidence_of_rows(rows, submitted_at=NOW)
    assert [dose.state for dose in evidence.doses] == ["pending"]
    assert evidence.titers[0].antibody == "measles"


json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["2006-05-01", "2006", "positive", "medical"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "id",
    "cvx",
    "mvx",
    "product",
    "lot",
    "administered_on",
    "antibody",
    "result",
    "value",
    "unit",
    "reference_range",
    "collected_on",
    "kind_of_document",
    "issued_on",
    "form",
    "form_version",
    "answers",
    "exemption",
    "requirement_key",
    "statement",
    "expires_on",
)


@given(
    st.lists(
        st.builds(
            lambda kind, values: {"kind": kind, **values},
            st.sampled_from(KINDS),
            st.dictionaries(st.sampled_from(FIELDS), json, max_size=8),
        ),
        max_size=4,
    )
)
def test_whatever_a_client_sends_is_a_problem_or_evidence_never_an_error(drafted):
    pieces = read_pieces({"pieces": drafted})
    good = [piece for piece in pieces if not problems(piece, born=BORN, today=TODAY)]
    rows = evidence_rows(good, today=TODAY)
    assert len(rows) == len(good)
    evidence_of_rows(rows, submitted_at=NOW)


@given(json)
def test_whatever_a_draft_is_it_can_be_read(draft):
    read_pieces(draft if isinstance(draft, dict) else {"pieces": draft})
