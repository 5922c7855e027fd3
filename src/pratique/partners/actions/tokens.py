"""Secure tokens: issued to a partner."""

from datetime import datetime, timedelta
from uuid import UUID

from pratique.institutions.models import Institution
from pratique.partners import tokens
from pratique.partners.models import SecureToken


def issue_token(*, institution: Institution, student_id: UUID, caller_identifier: str, now: datetime) -> str:
    """Make a secure token for a student of the present institution and return it: this once, it is kept nowhere.

    It is good for as long as the institution has set. `caller_identifier` is the client id of the partner that asks.
    """
    made = tokens.new_token()
    token = SecureToken(
        institution_id=institution.id, student_id=student_id, identifier=caller_identifier,
        token_hash=made.token_hash, created_at=now,
        expires_at=now + timedelta(minutes=institution.secure_token_minutes),
    )  # fmt: skip
    token.save(force_insert=True)
    return made.token
