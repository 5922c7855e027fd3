"""Kinds of deeds by the names of actions."""

import pytest

from pratique.foundation.audit_kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("console:student:viewed", Kind.VIEWED),
        ("reviews:case:viewed", Kind.VIEWED),
        ("reports:report:exported", Kind.EXPORTED),
        ("reviews:case:decided", Kind.DECIDED),
        ("reviews:case:undone", Kind.DECIDED),
        ("students:account:activated", Kind.SIGNED_IN),
        ("accounts:staff:created", Kind.SETTINGS),
        ("requirements:set:published", Kind.SETTINGS),
        ("students:link:requested", Kind.CHANGED),
        ("somebody:adds:a_deed_that_nobody_thought_of", Kind.CHANGED),
        ("viewed", Kind.VIEWED),
        ("reviews:case:not_viewed", Kind.CHANGED),
        ("", Kind.CHANGED),
    ],
)
def test_kind(action, kind):
    assert kind_of(action) is kind
