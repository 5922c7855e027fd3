"""Evidence, submissions and their files."""

from pratique.records.models.evidence import (
    DatePrecision,
    Document,
    Dose,
    Evidence,
    EvidenceState,
    Exemption,
    ExemptionKind,
    FormAnswer,
    FormDefinition,
    Signature,
    SignerRole,
    Titer,
    TiterResult,
)
from pratique.records.models.submissions import File, FileState, Page, Submission, SubmissionState

__all__ = [
    "DatePrecision",
    "Document",
    "Dose",
    "Evidence",
    "EvidenceState",
    "Exemption",
    "ExemptionKind",
    "File",
    "FileState",
    "FormAnswer",
    "FormDefinition",
    "Page",
    "Signature",
    "SignerRole",
    "Submission",
    "SubmissionState",
    "Titer",
    "TiterResult",
]
