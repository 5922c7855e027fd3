"""An institution's own forms: each change is a new version, because answers were given to the old one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pratique.foundation import audit
from pratique.records import forms
from pratique.records.models import FormDefinition
from pratique.records.queries import form_in_force


def define_form(
    *, institution_id: UUID, definition: Mapping[str, Any], by: audit.Actor, now: datetime
) -> FormDefinition:
    """Put a form into use, as the next version of its key; answers on their way keep theirs.

    Raises forms.FormDataError, which names everything that is wrong with `definition`.
    """
    form = forms.read(definition)
    before = form_in_force(form.key)
    version = before.version + 1 if before else 1
    stored = FormDefinition(
        institution_id=institution_id, key=form.key, version=version,
        definition={**definition, "version": version}, created_at=now,
    )  # fmt: skip
    stored.save(force_insert=True)
    audit.record(
        "records:form:defined", institution_id=institution_id, by=by, now=now,
        subject_type="form", subject_id=stored.id, detail={"key": form.key, "version": version},
    )  # fmt: skip
    return stored
