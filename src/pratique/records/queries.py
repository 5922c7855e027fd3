"""Reading submissions, files and evidence. Nothing here writes."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple
from uuid import UUID

from pratique.records import forms
from pratique.records.models import (
    Document,
    Dose,
    Evidence,
    Exemption,
    File,
    FormAnswer,
    FormDefinition,
    Page,
    Signature,
    Submission,
    SubmissionState,
    Titer,
)

EVIDENCE_KINDS: dict[str, type[Evidence]] = {
    "dose": Dose,
    "titer": Titer,
    "document": Document,
    "form": FormAnswer,
    "exemption": Exemption,
}


class Record(NamedTuple):
    """Everything on record of one student, in the order in which it was handed in."""

    doses: Sequence[Dose]
    titers: Sequence[Titer]
    documents: Sequence[Document]
    forms: Sequence[FormAnswer]
    exemptions: Sequence[Exemption]
    signatures: Sequence[Signature]
    submissions: Sequence[Submission]
    files: Sequence[File]
    pages: Sequence[Page]


def submission(student_id: UUID, submission_id: UUID) -> Submission | None:
    """Return a student's submission; None if it is another's or nobody's."""
    return Submission.objects.filter(student_id=student_id, id=submission_id).first()


def submissions_of(student_id: UUID) -> list[Submission]:
    """Return what a student has sent, the newest first; drafts and what was taken back are left out."""
    states = [SubmissionState.WAITING, SubmissionState.DECIDED]
    return list(
        Submission.objects.filter(student_id=student_id, state__in=states).order_by("-sent_at", "-id")
    )


def drafts_of(student_id: UUID) -> list[Submission]:
    """Return a student's drafts, the one last worked on first."""
    drafts = Submission.objects.filter(student_id=student_id, state=SubmissionState.DRAFT)
    return list(drafts.order_by("-changed_at", "-id"))


def files_of(submission_id: UUID) -> list[File]:
    """Return a submission's files in their order."""
    return list(File.objects.filter(submission_id=submission_id).order_by("position", "uploaded_at", "id"))


def pages_of(submission_id: UUID) -> list[Page]:
    """Return the pages to be looked at in a case, in their order, each with its file."""
    pages = Page.objects.filter(submission_id=submission_id).select_related("file").defer("sketch")
    return list(pages.order_by("position", "file__uploaded_at", "number", "id"))


def evidence_of_submission(submission_id: UUID) -> list[tuple[str, Evidence]]:
    """Return what was handed in with a submission as (kind, row): five queries, whatever it is."""
    found: list[tuple[str, Evidence]] = []
    for kind, model in EVIDENCE_KINDS.items():
        rows = model._default_manager.filter(submission_id=submission_id).order_by("id")
        found += [(kind, row) for row in rows]
    return found


def form_in_force(key: str) -> forms.Form | None:
    """Return the newest version of an institution's form, else the ready one of that key, else None."""
    stored = FormDefinition.objects.filter(key=key).order_by("-version").first()
    return forms.read(stored.definition) if stored is not None else _ready(key)


def form_of_version(key: str, version: int) -> forms.Form | None:
    """Return the form that answers of this key and version were given to; None if there never was one."""
    return forms_of_versions([(key, version)]).get((key, version))


def forms_of_versions(wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], forms.Form]:
    """Return the forms of these keys and versions, in one query; what never was is left out."""
    found = {
        (one.key, one.version): forms.read(one.definition)
        for one in FormDefinition.objects.filter(key__in={key for key, _version in wanted})
        if (one.key, one.version) in wanted
    }
    for key, version in wanted:
        ready = _ready(key) if (key, version) not in found else None
        if ready is not None and ready.version == version:
            found[key, version] = ready
    return found


@cache
def _ready(key: str) -> forms.Form | None:
    return forms.read(forms.ready(key)) if key in forms.READY else None


def record_of(student_id: UUID) -> Record:
    """Return everything on record of a student, as they may take it away."""

    def of(model: type[Evidence]) -> list:  # type: ignore[type-arg]
        return list(model._default_manager.filter(student_id=student_id).order_by("submitted_at", "id"))

    return Record(
        doses=of(Dose),
        titers=of(Titer),
        documents=of(Document),
        forms=of(FormAnswer),
        exemptions=of(Exemption),
        signatures=list(Signature.objects.filter(form_answer__student_id=student_id).order_by("signed_at")),
        submissions=submissions_of(student_id),
        files=list(File.objects.filter(student_id=student_id, state="ready").order_by("uploaded_at", "id")),
        pages=list(
            Page.objects.filter(file__student_id=student_id)
            .select_related("file")
            .order_by("file__uploaded_at", "file_id", "number")
        ),
    )
