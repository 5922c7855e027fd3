"""A nonce may be sent in one message with a method's first statement: that must be a look-up, and nothing else."""

import re

import pytest
from django.db import connection

from pratique.foundation.tenancy import prepared
from pratique.interfaces.partner import methods
from pratique.partners import finding
from tests.integration.partner import wire
from tests.integration.partner.test_hostile import create, new
from tests.integration.partner.wire import opened
from tests.partners import a_partner
from tests.schools import a_school

pytestmark = pytest.mark.usefixtures("committed")
LOOK_UPS = {prepared._statement(text).name for text in (finding._NAMING, finding._ABOUT)}


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def session(school):
    partner = a_partner(school)
    return opened(partner.client_id, partner.encryption_key)


def messages_of(deed):
    sent = []

    def note(execute, sql, *rest):
        sent.append(re.findall(r"execute (\w+)", sql))
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        deed()
    return sent


@pytest.mark.parametrize("method", sorted(methods.LOOKS_UP_FIRST))
def test_what_goes_with_a_nonce_is_a_look_up(school, session, method):
    values = new(school) if method == "createUser" else create(session, school)
    values |= {"trackerName": "Undergraduate - Fall 2026", "status": "archive"}
    together = next(
        names
        for names in messages_of(lambda: wire.call(session, method, values))
        if any(name.startswith("partners_partnernonce") for name in names)
    )
    assert len(together) == 2
    assert together[1] in LOOK_UPS


@pytest.mark.parametrize("method", sorted(set(methods.METHODS) - methods.LOOKS_UP_FIRST))
def test_elsewhere_a_nonce_goes_alone(school, session, method):
    values = create(session, school) | {"deltaStartDate": 0}
    together = next(
        names
        for names in messages_of(lambda: wire.call(session, method, values))
        if any(name.startswith("partners_partnernonce") for name in names)
    )
    assert len(together) == 1
