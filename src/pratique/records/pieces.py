"""What a student typed, before it is evidence. PURE: plain data in, problems or unsaved evidence out.

A draft is `{"pieces": [...]}`; a piece has an `id` of its own within the draft, a `kind`, and values named as the
columns of its evidence. Values are kept as typed, so that an unfinished piece survives a phone that dies; `problems`
says what is wrong with them, and only a piece without problems becomes evidence.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from pratique import rules
from pratique.records import products
from pratique.records.models import (
    DatePrecision,
    Document,
    Dose,
    Evidence,
    Exemption,
    ExemptionKind,
    FormAnswer,
    Submission,
    Titer,
    TiterResult,
)

KINDS = ("dose", "titer", "document", "form", "exemption")
_FIRST_YEAR = 1900
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?\Z")


class Piece(NamedTuple):
    """One thing typed. `values` are as they came from a form: text, or answers by question."""

    id: str
    kind: str
    values: Mapping[str, Any]


class PieceProblem(NamedTuple):
    """What is wrong with a field of a piece, and what to do about it."""

    field: str
    code: str
    sentence: str


class ReadDate(NamedTuple):
    """A day, or the first day of the month or year that is all that is known."""

    first: date
    last: date
    precision: DatePrecision


def read_pieces(draft: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return the pieces of a draft in their order; what is no piece at all is left out."""
    pieces = draft.get("pieces")
    if not isinstance(pieces, list):
        return ()
    return tuple(
        Piece(str(one.get("id", ""))[:20], one["kind"], {**one})
        for one in pieces
        if isinstance(one, Mapping) and one.get("kind") in KINDS
    )


def read_date(text: object) -> ReadDate | None:
    """Read "2006-03-04", "2006-03" or "2006"; None where that is no date."""
    found = _PARTIAL.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    try:
        if month is None:
            return ReadDate(date(year, 1, 1), date(year, 12, 31), DatePrecision.YEAR)
        if day is None:
            last = date(year, month, monthrange(year, month)[1])
            return ReadDate(date(year, month, 1), last, DatePrecision.MONTH)
        exact = date(year, month, day)
    except (ValueError, IndexError):
        return None
    return ReadDate(exact, exact, DatePrecision.DAY)


def problems(piece: Piece, *, born: date | None, today: date) -> tuple[PieceProblem, ...]:
    """Return everything that keeps a piece from being evidence, each with its field and remedy.

    The answers of a form are checked by `records.forms`, against the form's own definition.
    """
    check = {
        "dose": _dose_problems,
        "titer": _titer_problems,
        "document": _document_problems,
        "form": _form_problems,
        "exemption": _exemption_problems,
    }[piece.kind]
    return tuple(check(piece.values, born, today))


def evidence_of_rows(
    rows: Iterable[Evidence], *, submitted_at: datetime, state: str = "pending"
) -> rules.Evidence:
    """Return unsaved rows as the rule engine sees them; the ids are those that the rows will have."""
    doses, titers, documents, forms, exemptions = [], [], [], [], []
    for row in rows:
        common: dict[str, Any] = {"id": str(row.id), "state": state, "submitted_at": submitted_at}
        match row:
            case Dose():
                doses.append(
                    rules.Dose(
                        cvx=row.cvx,
                        mvx=row.mvx,
                        administered_on=row.administered_on,
                        precision=row.precision,
                        **common,
                    )
                )
            case Titer():
                titers.append(
                    rules.Titer(
                        antibody=row.antibody,
                        result=row.result,
                        collected_on=row.collected_on,
                        value=row.value,
                        unit=row.unit,
                        **common,
                    )
                )
            case Document():
                documents.append(rules.Document(kind=row.kind, issued_on=row.issued_on, **common))
            case FormAnswer():
                forms.append(
                    rules.FormAnswer(form=row.form, answers=row.answers, signed_on=row.signed_on, **common)
                )
            case Exemption():
                exemptions.append(
                    rules.Exemption(
                        kind=row.kind,
                        requirement=row.requirement_key,
                        granted_on=row.granted_on,
                        expires_on=row.expires_on,
                        has_document=row.has_document,
                        **common,
                    )
                )
    return rules.Evidence(tuple(doses), tuple(titers), tuple(documents), tuple(forms), tuple(exemptions))


def evidence_rows(
    pieces: Iterable[Piece],
    *,
    today: date,
    submission: Submission | None = None,
    now: datetime | None = None,
    has_pages: bool = False,
    fully_signed: Iterable[str] = (),
) -> list[Evidence]:
    """Return unsaved evidence of pieces that have no problems.

    `fully_signed`: ids of the form pieces that need no further signature; only those have a day of signature.
    """
    signed = set(fully_signed)
    rows = []
    for piece in pieces:
        row = _row(piece, today=today, has_pages=has_pages, signed=piece.id in signed)
        if submission is not None:
            row.institution_id, row.student_id = submission.institution_id, submission.student_id
            row.submission = submission
        if now is not None:
            row.submitted_at = now
        rows.append(row)
    return rows


def _row(piece: Piece, *, today: date, has_pages: bool, signed: bool) -> Evidence:
    values = piece.values
    match piece.kind:
        case "dose":
            given = read_date(values["administered_on"])
            assert given is not None
            return Dose(
                cvx=values["cvx"],
                mvx=_text(values, "mvx", 5),
                product=_text(values, "product", 120),
                lot=_text(values, "lot", 40),
                administered_on=given.first,
                precision=given.precision,
            )
        case "titer":
            collected = read_date(values["collected_on"])
            assert collected is not None
            return Titer(
                antibody=values["antibody"],
                result=values["result"],
                value=_text(values, "value", 40),
                unit=_text(values, "unit", 20),
                reference_range=_text(values, "reference_range", 60),
                collected_on=collected.first,
            )
        case "document":
            return Document(kind=values["kind_of_document"], issued_on=_day(values.get("issued_on")))
        case "form":
            return FormAnswer(
                form=values["form"],
                form_version=_version(values),
                answers=answers if isinstance(answers := values.get("answers"), Mapping) else {},
                signed_on=today if signed else None,
            )
    return Exemption(
        kind=values["exemption"],
        requirement_key=values["requirement_key"],
        statement=_text(values, "statement", 4000),
        granted_on=today,
        expires_on=_day(values.get("expires_on")),
        has_document=has_pages,
    )


def _dose_problems(values: Mapping[str, Any], born: date | None, today: date) -> Iterable[PieceProblem]:
    if products.product(_text(values, "cvx", 5)) is None:
        yield PieceProblem("product", "missing", _("Choose the vaccine from the list."))
    yield from _date_problems(values, "administered_on", born, today, partial=True)


def _titer_problems(values: Mapping[str, Any], born: date | None, today: date) -> Iterable[PieceProblem]:
    if not _text(values, "antibody", 40):
        yield PieceProblem("antibody", "missing", _("Choose which test it was."))
    if values.get("result") not in TiterResult.values:
        yield PieceProblem(
            "result",
            "missing",
            _("Choose the result as the laboratory prints it: positive, negative or equivocal."),
        )
    yield from _date_problems(values, "collected_on", born, today)


def _document_problems(values: Mapping[str, Any], born: date | None, today: date) -> Iterable[PieceProblem]:
    if not _text(values, "kind_of_document", 60):
        yield PieceProblem("kind_of_document", "missing", _("Choose what kind of document it is."))
    if values.get("issued_on"):
        yield from _date_problems(values, "issued_on", born, today)


def _form_problems(values: Mapping[str, Any], born: date | None, today: date) -> Iterable[PieceProblem]:
    if not _text(values, "form", 60):
        yield PieceProblem("form", "missing", _("Choose which form it is."))


def _exemption_problems(values: Mapping[str, Any], born: date | None, today: date) -> Iterable[PieceProblem]:
    if values.get("exemption") not in ExemptionKind.values:
        yield PieceProblem("exemption", "missing", _("Choose the kind of exemption."))
    if not _text(values, "requirement_key", 60):
        yield PieceProblem("requirement_key", "missing", _("Say for which requirement it is."))
    if len(str(values.get("statement") or "")) > 4000:
        yield PieceProblem("statement", "too_long", _("Please use at most 4,000 characters."))
    if values.get("expires_on"):
        ends = read_date(values["expires_on"])
        if ends is None or ends.precision != DatePrecision.DAY:
            yield _no_date("expires_on")
        elif ends.first < today:
            yield PieceProblem(
                "expires_on", "past", _("This exemption has ended already. Ask for a newer one.")
            )


def _date_problems(
    values: Mapping[str, Any], field: str, born: date | None, today: date, *, partial: bool = False
) -> Iterable[PieceProblem]:
    if not values.get(field):
        yield PieceProblem(field, "missing", _("Fill in the date."))
        return
    read = read_date(values[field])
    if read is None or (not partial and read.precision != DatePrecision.DAY):
        yield _no_date(field)
    elif read.first > today:
        yield PieceProblem(field, "future", _("This date is in the future. Look at the year."))
    elif born is not None and read.last < born:
        yield PieceProblem(
            field, "before_birth", _("This date is before your date of birth. Look at the year.")
        )
    elif read.first.year < _FIRST_YEAR:
        yield PieceProblem(field, "too_long_ago", _("This date is too long ago. Look at the year."))


def _no_date(field: str) -> PieceProblem:
    return PieceProblem(
        field, "no_date", _("There is no such day. Choose the month by its name, then day and year.")
    )


def _text(values: Mapping[str, Any], name: str, most: int) -> str:
    value = values.get(name)
    # PostgreSQL keeps no NUL characters; nobody means to type one.
    return value.replace("\0", "").strip()[:most] if isinstance(value, str) else ""


def _day(text: object) -> date | None:
    read = read_date(text)
    return read.first if read else None


def _version(values: Mapping[str, Any]) -> int:
    text = str(values.get("form_version"))
    return int(text) if text.isdecimal() and len(text) < 7 else 1
