"""What ends with a client's right to call: the secure tokens that nobody has used yet.

Whoever stops a client or a key stops somebody who may hold tokens already; each would sign in as a student for up to
an hour after that.
"""

from datetime import datetime

from pratique.partners.models import PartnerClient, SecureToken


def withdraw_tokens(*, client: PartnerClient, now: datetime) -> int:
    """End the unused tokens that a client was given, in the open transaction of its institution; return how many.

    A token does not say under which key it was asked for, so those of a newer key end too: the next click makes a new
    one. Those of a demo client belong to the demo institution, whose rows are not visible here, and open nobody's
    record: they end by themselves.
    """
    if client.acts_for != client.institution_id:
        return 0
    return SecureToken.objects.filter(
        identifier=client.identifier, redeemed_at=None, expires_at__gt=now
    ).update(expires_at=now)
