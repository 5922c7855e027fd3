"""A piece of evidence as values named like a draft's, so that it can be shown in a form and read again. PURE."""

from typing import Any

from pratique.records.models import (
    DatePrecision,
    Document,
    Dose,
    Evidence,
    Exemption,
    FormAnswer,
    Titer,
)

_LENGTH = {DatePrecision.DAY.value: 10, DatePrecision.MONTH.value: 7, DatePrecision.YEAR.value: 4}


def values_of(kind: str, row: Evidence) -> dict[str, Any]:
    """Return the values of a piece as `records.pieces` reads them; dates as text, as far as they are known."""
    match row:
        case Dose():
            given = row.administered_on.isoformat()[: _LENGTH[str(row.precision)]]
            return {
                "cvx": row.cvx, "mvx": row.mvx, "product": row.product, "lot": row.lot, "administered_on": given,
            }  # fmt: skip
        case Titer():
            return {
                "antibody": row.antibody, "result": str(row.result), "value": row.value, "unit": row.unit,
                "reference_range": row.reference_range, "collected_on": row.collected_on.isoformat(),
            }  # fmt: skip
        case Document():
            return {"kind_of_document": row.kind, "issued_on": _day(row.issued_on)}
        case FormAnswer():
            return {
                "form": row.form, "form_version": row.form_version, "answers": row.answers,
                "signed_on": _day(row.signed_on),
            }  # fmt: skip
        case Exemption():
            # The statement is not among them: only two roles read it.
            return {
                "exemption": str(row.kind), "requirement_key": row.requirement_key, "granted_on": _day(row.granted_on),
                "expires_on": _day(row.expires_on), "has_document": row.has_document,
            }  # fmt: skip
    raise TypeError(f"No kind of evidence: {kind}")


def _day(day: Any) -> str:
    return day.isoformat() if day else ""
