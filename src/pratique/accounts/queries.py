"""Finding staff accounts."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from pratique.accounts.models import User
from pratique.foundation.tenancy import capability


def find_sign_in(login: str) -> Sequence[User]:
    """Return the active accounts of any institution whose username or e-mail is `login`, without regard to case.

    One of the few system-wide look-ups: whoever signs in has not said yet where they belong.
    """
    folded = login.strip().lower()
    if not folded:
        return []
    with capability("sign_in", folded):
        return list(User.objects.filter(is_active=True).order_by("id"))


def institution_of_user(user_id: UUID) -> UUID | None:
    """Return the institution of the account `user_id`, for links in mails that name the account alone."""
    with capability("user", str(user_id)):
        return User.objects.filter(Q(id=user_id)).values_list("institution_id", flat=True).first()
