"""What was typed or handed in, one line each: for the summary, the receipt, and what came back. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from pratique.interfaces.portal import spoken, typed_dates
from pratique.interfaces.portal.hand_in.offer import FORM_STEP
from pratique.records.models import DatePrecision
from pratique.rules import PROOF


@dataclass(frozen=True)
class Line:
    """One piece: what it is, its details, where it is changed, and what is said about it."""

    anchor: str
    title: str
    detail: str = ""
    step: str = ""
    findings: Sequence[Any] = ()
    problems: Sequence[str] = ()
    state: str = ""


def of_draft(pieces: Sequence[Mapping[str, Any]], checked: Any, titles: Mapping[str, str]) -> list[Line]:
    """Return the lines of a draft; `titles` names its forms."""
    return [
        Line(
            f"piece-{piece['id']}",
            *_said(piece["kind"], piece, titles),
            step=_step(piece),
            findings=checked.findings.get(piece["id"], ()),
            problems=[problem.sentence for problem in checked.problems.get(piece["id"], ())],
        )
        for piece in pieces
    ]


def of_evidence(rows: Sequence[tuple[str, Any]], titles: Mapping[str, str], reason: Any) -> list[Line]:
    """Return the lines of what was handed in; `reason(row)` says why a piece was returned."""
    lines = []
    for kind, row in rows:
        if kind == "document" and row.kind.startswith(PROOF):
            continue
        title, detail = _said(kind, _values(kind, row), titles)
        returned = row.state == "rejected"
        lines.append(
            Line(
                f"piece-{row.id}",
                title,
                detail,
                problems=[reason(row)] if returned else (),
                state=_("Approved") if row.state == "approved" else "",
            )
        )
    return lines


def _said(kind: str, values: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[str, str]:
    match kind:
        case "dose":
            lot = values.get("lot")
            on = typed_dates.in_words(values.get("administered_on") or "")
            return values.get("product") or _("Vaccine"), f"{on} · {_('lot')} {lot}" if lot and on else on
        case "titer":
            results = dict(spoken.results())
            parts = [
                results.get(values.get("result", ""), ""),
                " ".join(filter(None, (values.get("value"), values.get("unit")))),
                typed_dates.in_words(values.get("collected_on") or ""),
            ]
            name = _("Lab result: %(name)s") % {"name": spoken.capitalised(values.get("antibody", ""))}
            return name, " · ".join(filter(None, parts))
        case "document":
            kind_of = spoken.capitalised(values.get("kind_of_document", ""))
            return kind_of or _("Document"), typed_dates.in_words(values.get("issued_on") or "")
        case "form":
            signed = values.get("signed_as")
            title = titles.get(values.get("form", ""), spoken.capitalised(values.get("form", "")))
            return title, _("Signed by %(name)s") % {"name": signed} if signed else ""
    return _("Exemption"), spoken.exemption(values.get("exemption", ""))


def _step(piece: Mapping[str, Any]) -> str:
    if piece["kind"] == "form":
        return f"{FORM_STEP}{piece.get('form', '')}"
    return {"dose": "doses", "titer": "results", "document": "pages", "exemption": "exemption"}[piece["kind"]]


def _values(kind: str, row: Any) -> Mapping[str, Any]:
    """Return a row of evidence as a draft's piece names its values."""
    match kind:
        case "dose":
            iso = row.administered_on.isoformat()
            known = {DatePrecision.YEAR: iso[:4], DatePrecision.MONTH: iso[:7]}.get(row.precision, iso)
            return {"product": row.product, "lot": row.lot, "administered_on": known}
        case "titer":
            return {
                "antibody": row.antibody, "result": row.result, "value": row.value, "unit": row.unit,
                "collected_on": row.collected_on.isoformat(),
            }  # fmt: skip
        case "document":
            return {
                "kind_of_document": row.kind,
                "issued_on": row.issued_on.isoformat() if row.issued_on else "",
            }
        case "form":
            return {"form": row.form}
    return {"exemption": row.kind}
