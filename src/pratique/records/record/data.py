"""The record as plain JSON values (docs/reference/record-json.md). PURE: rows in, values out."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from pratique.records.models import DatePrecision, Document, Evidence
from pratique.records.queries import Record
from pratique.rules import PROOF
from pratique.students.models import Student

FORMAT, VERSION = "pratique-record", 1


class Requirement(NamedTuple):
    """How the student stands on one requirement, in words."""

    name: str
    status: str
    reasons: Sequence[str]


class Registration(NamedTuple):
    """One registration of the student, with the requirements that it brings."""

    package: str
    tracker: str
    due_on: date | None
    state: str
    expires_on: date | None
    requirements: Sequence[Requirement]


def as_values(
    student: Student, record: Record, registrations: Sequence[Registration], *, school: str, made_at: datetime
) -> dict[str, Any]:
    """Return the whole record. Submissions are named by their receipt numbers, files by number and name."""
    numbers = {one.id: one.number for one in record.submissions}
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_at": _instant(made_at),
        "school": school,
        "student": _student(student),
        "registrations": [_registration(one) for one in registrations],
        "doses": [
            {
                "vaccine": one.product, "cvx": one.cvx, "mvx": one.mvx, "lot": one.lot,
                "given_on": partial(one.administered_on, one.precision), **_common(one, numbers),
            }
            for one in sorted(record.doses, key=lambda one: one.administered_on)
        ],
        "lab_results": [
            {
                "test": one.antibody, "result": one.result, "value": one.value, "unit": one.unit,
                "reference_range": one.reference_range, "collected_on": one.collected_on.isoformat(),
                **_common(one, numbers),
            }
            for one in record.titers
        ],
        "documents": [
            {"kind": one.kind, "issued_on": _day(one.issued_on), **_common(one, numbers)}
            for one in papers(record)
        ],
        "forms": [
            {
                "form": one.form, "version": one.form_version, "answers": one.answers,
                "signed_on": _day(one.signed_on), "signatures": _signatures(record, one.id), **_common(one, numbers),
            }
            for one in record.forms
        ],
        "exemptions": [
            {
                "kind": one.kind, "requirement": one.requirement_key, "statement": one.statement,
                "granted_on": _day(one.granted_on), "expires_on": _day(one.expires_on), **_common(one, numbers),
            }
            for one in record.exemptions
        ],
        "submissions": [
            {
                "number": one.number, "sent_at": _instant(one.sent_at), "decided_at": _instant(one.decided_at),
                "note": one.note,
            }
            for one in record.submissions
        ],
        "files": [
            {
                "name": one.name, "size": one.size, "type": one.media_type,
                "pages": sum(page.file_id == one.id for page in record.pages),
                "submission": numbers.get(one.submission_id, ""), "uploaded_at": _instant(one.uploaded_at),
            }
            for one in record.files
        ],
    }  # fmt: skip


def papers(record: Record) -> list[Document]:
    """Return the documents; pages that nobody had read when they came are no document of their own."""
    return [one for one in record.documents if not one.kind.startswith(PROOF)]


def partial(day: date, precision: str) -> str:
    """Return a date as far as it is known: "2006-03-04", "2006-03" or "2006"."""
    return day.isoformat()[
        : {DatePrecision.YEAR: 4, DatePrecision.MONTH: 7}.get(DatePrecision(precision), 10)
    ]


def _student(student: Student) -> dict[str, Any]:
    return {
        "account_token": student.account_token,
        "username": student.username,
        "student_id": student.student_id,
        "first_name": student.first_name,
        "last_name": student.last_name,
        "email": student.email,
        "telephone": student.telephone,
        "date_of_birth": _day(student.date_of_birth),
    }


def _registration(one: Registration) -> dict[str, Any]:
    return {
        "package": one.package,
        "tracker": one.tracker,
        "due_on": _day(one.due_on),
        "state": one.state,
        "expires_on": _day(one.expires_on),
        "requirements": [
            {"name": item.name, "status": item.status, "reasons": list(item.reasons)}
            for item in one.requirements
        ],
    }


def _common(row: Evidence, numbers: dict[UUID, str]) -> dict[str, Any]:
    return {
        "state": row.state,
        "handed_in_at": _instant(row.submitted_at),
        "reviewed_at": _instant(row.reviewed_at),
        "submission": numbers.get(row.submission_id, "") if row.submission_id else "",
    }


def _signatures(record: Record, form_answer_id: UUID) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "role": one.role, "signed_at": _instant(one.signed_at)}
        for one in record.signatures
        if one.form_answer_id == form_answer_id
    ]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
