"""Finding staff accounts."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from pratique.accounts.models import User
from pratique.foundation.tenancy import capability


def find_sign_in(login: str) -> Sequence[User]:
    """Return the active accounts of any institution whose username or e-mail is `login`, in any case.

    One of the few system-wide look-ups: whoever signs in has not said yet where they belong.
    """
    folded = login.strip().lower()
    if not folded:
        return []
    with capability("sign_in", folded):
        # The filter repeats what the look-up's policy says, because the policy is not always alone: where an
        # institution is set already, every account of that institution would be visible too.
        return list(
            User.objects.alias(username_folded=Lower("username"), email_folded=Lower("email"))
            .filter(Q(username_folded=folded) | Q(email_folded=folded), is_active=True)
            .order_by("id")
        )


def institution_of_user(user_id: UUID) -> UUID | None:
    """Return the institution of the account `user_id`, for links in mails that name the account alone."""
    with capability("user", str(user_id)):
        return User.objects.filter(id=user_id).values_list("institution_id", flat=True).first()


def display_names(user_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of these accounts of the present institution; an id that is gone is left out."""
    return dict(User.objects.filter(id__in=user_ids).values_list("id", "name"))
