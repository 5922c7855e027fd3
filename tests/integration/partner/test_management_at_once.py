"""Two keys are the most, also when many people ask at the same instant."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.partners.actions.keys import issue_key
from pratique.partners.errors import PartnerError
from pratique.partners.models import PartnerKey
from tests.partners import a_partner
from tests.schools import BY, NOW, a_school


def test_many_rotations_at_once_leave_two_keys(committed):
    held = a_partner(a_school())

    def make(_number):
        try:
            return bool(
                issue_key(client=held.client, by=BY, now=NOW, ends_previous_at=NOW + timedelta(hours=1))
            )
        except PartnerError:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert made.count(True) == 1
    with institution_scope(held.client.institution_id):
        assert PartnerKey.objects.count() == 2
