"""Putting evidence on record, many pieces at a time."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.records.models import Document, Dose, Evidence, Exemption, FormAnswer, Titer
from pratique.students.actions import mark_stale

_KINDS: tuple[type[Evidence], ...] = (Dose, Titer, Document, FormAnswer, Exemption)


def add_evidence(
    *, institution_id: UUID, evidence: Iterable[Evidence], by: audit.Actor, now: datetime
) -> int:
    """Store unsaved pieces of evidence of any kinds, and mark their students stale; return how many.

    One statement a kind and thousand rows. The audit row counts; it does not say what was handed in.
    """
    by_kind: dict[type[Evidence], list[Evidence]] = {kind: [] for kind in _KINDS}
    for piece in evidence:
        piece.institution_id = institution_id
        by_kind[type(piece)].append(piece)
    for kind, pieces in by_kind.items():
        kind._default_manager.bulk_create(pieces, batch_size=1000)
    stored = [piece for pieces in by_kind.values() for piece in pieces]
    mark_stale(student_ids={piece.student_id for piece in stored}, now=now)
    audit.record(
        "records:evidence:added",
        institution_id=institution_id,
        by=by,
        now=now,
        detail={kind.__name__.lower(): len(pieces) for kind, pieces in by_kind.items() if pieces},
    )
    return len(stored)
