"""What a reviewer sent back: the reason in the student's language, and the pages that it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from pratique.compliance.queries import CurrentItem
from pratique.interfaces.portal.hand_in import lines
from pratique.interfaces.portal.hand_in.lines import Line
from pratique.interfaces.portal.people import Acting
from pratique.records import queries
from pratique.records.models import Page, Submission, SubmissionState
from pratique.reviews.reasons import library, wording
from pratique.rules import PROOF


@dataclass(frozen=True)
class Returned:
    """The newest pieces that were not accepted. `reasons` come once each, however many pieces they are about."""

    submission: Submission | None
    decided_at: datetime | None
    reasons: Sequence[str]
    lines: Sequence[Line]
    pages: Sequence[Page]


def find(acting: Acting, item: CurrentItem, sent: Iterable[Submission]) -> Returned | None:
    """Return what came back for an item: of the last decided submission, else of what was handed in otherwise."""
    decided = next((one for one in sent if one.state == SubmissionState.DECIDED), None)
    rows = queries.evidence_of_submission(decided.id) if decided else []
    rejected = [(kind, row) for kind, row in rows if row.state == "rejected"]
    if not rejected and acting.is_guardian:
        return None
    if not rejected:
        rejected, decided = _on_record(acting.student.id, item), None
    if not rejected:
        return None
    say = reason_in(acting)
    return Returned(
        submission=decided,
        decided_at=max((row.reviewed_at for _kind, row in rejected if row.reviewed_at), default=None),
        reasons=list(dict.fromkeys(say(row) for _kind, row in rejected)),
        lines=lines.of_evidence(rejected, {}, lambda row: ""),
        pages=queries.pages_of(decided.id) if decided else (),
    )


def reason_in(acting: Acting) -> Any:
    """Return a function that says why a piece was returned, in the language of the one who reads."""
    reasons = library(acting.student.institution_id, with_retired=True)
    return lambda row: wording(row.rejection_code, acting.language, row.rejection_reason, reasons=reasons)


def _on_record(student_id: Any, item: CurrentItem) -> list[tuple[str, Any]]:
    """Return the newest rejected evidence that an item looks at, of whatever way it came."""
    asked: dict[str, Q] = {
        "exemption": Q(requirement_key__in=["", item.key]),
        "document": Q(kind=PROOF + item.key),
    }
    for way in item.ways:
        match way.kind:
            case "dose":
                asked["dose"] = asked.get("dose", Q()) | Q(cvx__in=way.cvx)
            case "titer":
                asked["titer"] = asked.get("titer", Q()) | Q(antibody__in=way.names)
            case "document":
                asked["document"] |= Q(kind__in=way.names)
            case "form":
                asked["form"] = asked.get("form", Q()) | Q(form__in=way.names)
    found = []
    for kind, wanted in asked.items():
        model = queries.EVIDENCE_KINDS[kind]
        newest = model._default_manager.filter(wanted, student_id=student_id, state="rejected")
        found += [(kind, row) for row in newest.order_by("-reviewed_at")[:1]]
    last = max((row.reviewed_at for _kind, row in found if row.reviewed_at), default=None)
    return [(kind, row) for kind, row in found if row.reviewed_at == last]
