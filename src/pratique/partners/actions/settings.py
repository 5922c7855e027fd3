"""What the institution decides about all of its partners."""

from datetime import datetime

from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.partners.actions.demo_environment import request_demo_environment
from pratique.partners.errors import PartnerError

LONGEST_TOKEN_MINUTES = 60
LONGEST_MEMBERSHIP_MONTHS = 120


def change_settings(
    *,
    institution: Institution,
    secure_token_minutes: int,
    membership_months: int | None,
    by: audit.Actor,
    now: datetime,
) -> Institution:
    """Set how long a secure token is good, and how long a registration lasts that names no end (None: for ever).

    What was made before keeps its end. The same as before changes nothing. Raises PartnerError.
    """
    if not 1 <= secure_token_minutes <= LONGEST_TOKEN_MINUTES:
        raise PartnerError("minutes", _("Choose a number from 1 to 60."), "secure_token_minutes")
    if membership_months is not None and not 1 <= membership_months <= LONGEST_MEMBERSHIP_MONTHS:
        raise PartnerError(
            "months", _("Choose a number from 1 to 120, or leave it empty."), "membership_months"
        )
    given = {"secure_token_minutes": secure_token_minutes, "membership_months": membership_months}
    with institution_scope(institution.id):
        kept = Institution.objects.select_for_update().get(id=institution.id)
        before = {field: getattr(kept, field) for field in given}
        changed = [field for field, value in given.items() if before[field] != value]
        if changed:
            for field in changed:
                setattr(kept, field, given[field])
            kept.save(update_fields=changed)
            audit.record(
                "partners:settings:changed", institution_id=kept.id, by=by, now=now,
                subject_type="institution", subject_id=kept.id,
                detail={field: [before[field], given[field]] for field in changed},
            )  # fmt: skip
            if kept.demo_institution:
                # The job takes over the settings, too.
                request_demo_environment(institution=kept, by=by, now=now)
    return kept
