"""Row-level security for every tenant-owned table of this stage."""

from django.db import migrations

from pratique.foundation.tenancy.operations import AllowLookup, Protect, ProtectThrough


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        Protect("accounts", "user", keep_key=True),
        AllowLookup("accounts_user", "sign_in", "any(array[lower(username), lower(email)])"),
        AllowLookup("accounts_user", "user", "id::text"),
        ProtectThrough("account_emailaddress", "user_id", "accounts_user"),
        ProtectThrough("account_emailconfirmation", "email_address_id", "account_emailaddress"),
        ProtectThrough("mfa_authenticator", "user_id", "accounts_user"),
    ]
