"""What the institution decides about all of its transfer accounts."""

from datetime import datetime

from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.transfers.errors import TransferError

REPEATED_FILE = ("suspend", "ignore")


def change_settings(
    *, institution: Institution, repeated_file: str, by: audit.Actor, now: datetime
) -> Institution:
    """Set what a file does that has the same bytes as the last one. The same as before changes nothing.

    Raises TransferError.
    """
    if repeated_file not in REPEATED_FILE:
        raise TransferError("repeated_file", _("Choose one of the two."), "repeated_file")
    with institution_scope(institution.id):
        kept = Institution.objects.select_for_update().get(id=institution.id)
        before = kept.repeated_file
        if before != repeated_file:
            kept.repeated_file = repeated_file
            kept.save(update_fields=["repeated_file"])
            audit.record(
                "transfers:settings:changed", institution_id=kept.id, by=by, now=now, subject_type="institution",
                subject_id=kept.id, detail={"repeated_file": [before, repeated_file]},
            )  # fmt: skip
    return kept
