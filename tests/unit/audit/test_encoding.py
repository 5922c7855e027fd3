"""What is hashed: the same for the same content, and different for any other."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.foundation.audit_chain.encoding import Content, event_digest, instant, seal_hash

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
details = st.dictionaries(st.text(), values, max_size=4)
contents = st.builds(
    Content,
    institution_id=st.uuids().map(str),
    id=st.uuids().map(str),
    at=st.datetimes(timezones=st.just(UTC)).map(instant),
    by=st.text(max_size=80),
    action=st.text(max_size=80),
    subject_type=st.text(max_size=40),
    subject_id=st.none() | st.uuids().map(str),
    detail=details,
)


def turned_round(value):
    """The same value with the keys of every object in the other order."""
    if isinstance(value, dict):
        return {key: turned_round(inner) for key, inner in reversed(value.items())}
    return [turned_round(inner) for inner in value] if isinstance(value, list) else value


@given(contents)
def test_the_order_of_keys_is_nothing(content):
    assert event_digest(content) == event_digest(content._replace(detail=turned_round(content.detail)))


@given(contents)
def test_a_detail_that_was_stored_and_read_again_has_the_same_digest(content):
    again = content._replace(detail=json.loads(json.dumps(content.detail)))
    assert event_digest(content) == event_digest(again)


def plain(content):
    """A content such that two are equal only if they are written alike: in Python 1 == 1.0 == True."""
    return json.dumps(list(content), sort_keys=True)


@given(contents, contents)
def test_two_contents_share_a_digest_only_if_they_are_the_same(one, other):
    assert (event_digest(one) == event_digest(other)) == (plain(one) == plain(other))


@given(contents, st.sampled_from(Content._fields[:-1]), st.text(min_size=1, max_size=5))
def test_no_field_can_be_changed(content, field, more):
    changed = content._replace(**{field: (getattr(content, field) or "") + more})
    assert event_digest(changed) != event_digest(content)


def test_what_moves_from_one_field_to_the_next_is_a_change():
    content = Content("i", "e", "1.000000", "ab", "c", "", None, {})
    for other in (
        content._replace(by="a", action="bc"),
        content._replace(by='a","b', action="c"),
        content._replace(subject_id=""),
        content._replace(subject_id="None"),
        content._replace(detail=None),
        content._replace(detail=[]),
        content._replace(detail="{}"),
    ):
        assert event_digest(other) != event_digest(content)


@given(st.datetimes(), st.integers(-12, 14))
def test_an_instant_is_the_same_in_every_time_zone(at, hours):
    in_utc = at.replace(tzinfo=UTC)
    if 1 < at.year < 9999:
        assert instant(in_utc.astimezone(timezone(timedelta(hours=hours)))) == instant(in_utc)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "0.000000"),
        (datetime(2026, 8, 3, 15, 0, tzinfo=UTC), "1785769200.000000"),
        (datetime(2026, 8, 3, 15, 0, 0, 1, tzinfo=UTC), "1785769200.000001"),
        (datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "-0.000001"),
        (datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC), "-1.500000"),
    ],
)
def test_an_instant_in_seconds(at, text):
    assert instant(at) == text


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_seal_is_bound_to_its_place(sequence, previous, digest):
    given_ = {
        "institution_id": str(UUID(int=1)), "sequence": sequence, "previous": previous, "digest": digest,
        "sealed_at": "1.000000",
    }  # fmt: skip
    hash = seal_hash(**given_)
    for field, other in {
        "institution_id": str(UUID(int=2)), "sequence": sequence + 1, "previous": digest[:-1] + b"?",
        "digest": previous[:-1] + b"?", "sealed_at": "1.000001",
    }.items():  # fmt: skip
        if given_[field] != other:
            assert seal_hash(**given_ | {field: other}) != hash
