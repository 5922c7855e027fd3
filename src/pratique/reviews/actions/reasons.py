"""An institution's own library of reasons: add, reword, give a key, retire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.utils.text import slugify
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reviews.errors import ReviewError
from pratique.reviews.models import ReturnReason
from pratique.reviews.reasons import BUILT_IN, OTHER, PLACES, library
from pratique.reviews.types import Reason

LONGEST_NAME = 120
LONGEST_WORDING = 1000


class ReasonError(ReviewError):
    """A reason cannot be kept so. `problems` are (field, sentence)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(sentence for _field, sentence in problems), "reason")


def save_reason(
    *,
    institution: Institution,
    code: str | None,
    name: str,
    wording: Mapping[str, str],
    place: int | None,
    by: audit.Actor,
    now: datetime,
) -> ReturnReason:
    """Add a reason (`code` None), or change one, built-in ones too; one that was retired is in use again.

    `place` is the key 1 to 9, or None; whoever stood there before loses the key. Raises ReasonError.
    """
    name = " ".join(name.replace("\0", "").split())
    words = {language: _text(text) for language, text in wording.items() if _text(text)}
    problems = list(_problems(code, name, words, place))
    with institution_scope(institution.id):
        rows = {row.code: row for row in ReturnReason.objects.select_for_update().order_by("code")}
        if code is not None and code not in rows and code not in BUILT_IN:
            problems.append(("code", _("There is no such reason.")))
        if problems:
            raise ReasonError(problems)
        key = code or _fresh_code(name, {*rows, *BUILT_IN})
        row = rows.get(key) or ReturnReason(institution=institution, code=key)
        if place is not None:
            # Nobody else may hold the key, not for an instant: the constraint looks at every statement.
            ReturnReason.objects.filter(place=place).exclude(code=key).update(place=None)
        row.name, row.wording, row.place, row.retired_at = name, words, place, None
        row.save()
        _record("reviews:reason:saved", institution.id, row, by=by, now=now)
    return row


def retire_reason(*, institution: Institution, code: str, by: audit.Actor, now: datetime) -> None:
    """Take a reason out of the choice; what was returned with it keeps its words. Raises ReasonError."""
    with institution_scope(institution.id):
        reason = _known(institution.id, code)
        if code == OTHER:
            raise ReasonError(
                [("code", _("“Other” always stays: a reviewer must be able to say what is wrong."))]
            )
        row = ReturnReason.objects.filter(code=code).first() or ReturnReason(
            institution=institution, code=code, name=reason.name, wording=dict(reason.wording)
        )
        row.place, row.retired_at = None, now
        row.save()
        _record("reviews:reason:retired", institution.id, row, by=by, now=now)


def _problems(
    code: str | None, name: str, words: Mapping[str, str], place: int | None
) -> Sequence[tuple[str, str]]:
    found = []
    if not name or len(name) > LONGEST_NAME:
        found.append(("name", _("Give it a name of at most 120 characters.")))
    if "en" not in words:
        found.append(("wording_en", _("Write what the student reads, in English at least.")))
    if any(len(text) > LONGEST_WORDING for text in words.values()):
        found.append(("wording_en", _("Please use at most 1,000 characters for the student’s text.")))
    if place is not None and place not in PLACES:
        found.append(("place", _("The key is a digit from 1 to 9.")))
    return found


def _text(text: str) -> str:
    return text.replace("\0", "").strip()


def _fresh_code(name: str, taken: set[str]) -> str:
    stem = slugify(name).replace("-", "_")[:30].strip("_") or "reason"
    code, number = stem, 2
    while code in taken:
        code, number = f"{stem}_{number}", number + 1
    return code


def _known(institution_id: UUID, code: str) -> Reason:
    for reason in library(institution_id):
        if reason.code == code:
            return reason
    raise ReasonError([("code", _("There is no such reason."))])


def _record(event: str, institution_id: UUID, row: ReturnReason, *, by: audit.Actor, now: datetime) -> None:
    audit.record(
        event,
        institution_id=institution_id,
        by=by,
        now=now,
        subject_type="return_reason",
        subject_id=row.id,
        detail={"code": row.code},
    )
