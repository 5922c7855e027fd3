"""The staff account. Students get accounts of their own kind with the portal."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from pratique.accounts.roles import Role
from pratique.foundation.ids import new_id
from pratique.institutions.models import Institution


class UserManager(BaseUserManager["User"]):
    """Finds users; `actions.create_staff` makes them."""


class User(AbstractBaseUser):
    """A person of the institution who signs in. `role` is a role's code (`roles.py` says what it allows)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    institution = models.ForeignKey(Institution, models.PROTECT, db_index=False)
    username = models.CharField(max_length=254)
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    is_integrator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email", "name", "role"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint("institution", Lower("username"), name="user_username"),
            models.UniqueConstraint(
                "institution", Lower("email"), condition=~models.Q(email=""), name="user_email"
            ),
        ]
