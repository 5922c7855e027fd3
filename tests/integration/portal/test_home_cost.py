"""The first page asks the database little, whatever is on record."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.students import client_of, with_account

pytestmark = pytest.mark.usefixtures("committed")
MOST = 17  # transaction and scope take seven of them


def test_the_first_page_asks_little(place):
    ana = client_of(place, with_account(place, "ana@x.edu"))
    ana.get("/my/")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert ana.get("/my/").status_code == 200
    assert len(asked) <= MOST, [query["sql"][:160] for query in asked]
