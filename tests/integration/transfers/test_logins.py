"""Who comes by SFTP, as far as the database says: the networks that are known to be friendly."""

import pytest

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions.accounts import change_account
from pratique.transfers.logins import listed_networks, narrow
from pratique.transfers.models import TransferAccount
from tests.schools import BY, a_school
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")


def test_a_school_cannot_lift_the_limits_for_strangers_by_letting_its_account_in_from_anywhere(tmp_path):
    """`0.0.0.0/0` of one account took the limits on tries and connections off for everybody, at every school."""
    ref = an_account(a_school(), tmp_path).ref
    with institution_scope(ref.institution_id):
        account = TransferAccount.objects.get(id=ref.id)
    change_account(
        account=account, name="SIS", contact_email="", most_sessions=10, by=BY, now=clock.now(),
        networks="0.0.0.0/0, 0.0.0.0/1, ::/0, 10.0.0.0/8, 203.0.113.0/24, 198.51.100.7, 2001:db8:1::/48",
    )  # fmt: skip
    assert listed_networks() == {"203.0.113.0/24", "198.51.100.7/32", "2001:db8:1::/48"}


def test_half_of_a_site_is_a_site_and_more_than_one_is_not():
    assert narrow(["10.0.0.0/23", "10.0.0.0/25", "2001:db8::/47", "2001:db8::1/128"]) == [
        "10.0.0.0/25", "2001:db8::1/128",
    ]  # fmt: skip
