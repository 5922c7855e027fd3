"""The account: what somebody signs in with. Which student it belongs to is said in `students`."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from pratique.accounts.roles import STAFF_ROLES, Role
from pratique.foundation.ids import new_id
from pratique.institutions.models import Institution


class UserManager(BaseUserManager["User"]):
    """Finds users; `actions` makes them."""


_STAFF = models.Q(role__in=[role.value for role in STAFF_ROLES])


class User(AbstractBaseUser):
    """A person who signs in: staff, a student, a guardian. `role` is a code (`roles.py` says what it allows).

    Several accounts may answer to one username or e-mail (a nurse who studies, sisters with one address): the
    password decides. Among staff, and among guardians, they are unique.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    username = models.CharField(max_length=254)
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    is_integrator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # A language code, or empty: what the browser prefers.
    language = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email", "name", "role"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint("institution", Lower("username"), condition=_STAFF, name="user_username"),
            models.UniqueConstraint(
                "institution", Lower("email"), condition=_STAFF & ~models.Q(email=""), name="user_email"
            ),
            models.UniqueConstraint(
                "institution", Lower("email"), condition=models.Q(role="guardian"), name="guardian_email"
            ),
        ]
