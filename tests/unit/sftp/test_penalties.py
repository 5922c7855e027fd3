"""Who is let near the key exchange: truth tables under a clock that the test moves."""

from dataclasses import dataclass

import pytest

from pratique.interfaces.sftp.penalties import COSTS, MOST, Bucket, Lobby, Penalties, source_of


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("address", "source"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="an IPv4 address is one source"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="an IPv6 address stands for its /64"),
        pytest.param(
            "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64", id="another one of the /64 is the same source"
        ),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 written as IPv6 is the IPv4 address"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="the interface of a link-local address does not count"),
    ],
)
def test_what_counts_as_one_source(address: str, source: str) -> None:
    assert source_of(address) == source


@pytest.mark.parametrize(
    ("offences", "refused"),
    [
        pytest.param([], False, id="nobody is kept out at first"),
        pytest.param(["sign_in_failed"] * 3, False, id="15 seconds are not more than 15"),
        pytest.param(["sign_in_failed"] * 4, True, id="the fourth failure in a row"),
        pytest.param(["user_unknown"] * 4, True, id="names that do not exist count the same"),
        pytest.param(["too_slow"] * 2, True, id="two that never got anywhere in 30 seconds"),
        pytest.param(["no_sign_in"] * 15, False, id="fifteen that only looked"),
        pytest.param(["no_sign_in"] * 16, True, id="sixteen that only looked"),
    ],
)
def test_how_much_is_enough(clock: Clock, offences: list[str], refused: bool) -> None:
    penalties = Penalties(clock)
    for offence in offences:
        penalties.note("192.0.2.7", offence)
    assert penalties.refuses("192.0.2.7") is refused
    assert not penalties.refuses("192.0.2.8"), "nobody else pays for it"


def test_a_penalty_ends_when_all_of_it_is_over_and_not_before(clock: Clock) -> None:
    penalties = Penalties(clock)
    for _ in range(4):
        penalties.note("a", "sign_in_failed")
    clock.passes(19)
    assert penalties.refuses("a"), "less than 15 seconds are left, but it was in force"
    clock.passes(1)
    assert not penalties.refuses("a")
    penalties.note("a", "sign_in_failed")
    assert not penalties.refuses("a"), "it begins anew"


def test_slow_failures_never_add_up(clock: Clock) -> None:
    penalties = Penalties(clock)
    for _ in range(100):
        penalties.note("a", "sign_in_failed")
        assert not penalties.refuses("a")
        clock.passes(COSTS["sign_in_failed"])


def test_nobody_is_kept_out_for_more_than_ten_minutes(clock: Clock) -> None:
    penalties = Penalties(clock)
    for _ in range(1000):
        penalties.note("a", "too_slow")
    clock.passes(MOST - 1)
    assert penalties.refuses("a")
    clock.passes(1)
    assert not penalties.refuses("a")


def test_a_full_table_forgets_what_is_over_and_else_lets_in(clock: Clock) -> None:
    penalties = Penalties(clock, most=2)
    for source in ("a", "b", "c"):
        for _ in range(4):
            penalties.note(source, "sign_in_failed")
    assert [penalties.refuses(source) for source in "abc"] == [True, True, False]
    assert len(penalties) == 2
    clock.passes(20)
    for _ in range(4):
        penalties.note("c", "sign_in_failed")
    assert penalties.refuses("c")
    assert len(penalties) == 1


def test_a_bucket_gives_so_many_a_minute_and_fills_again(clock: Clock) -> None:
    bucket = Bucket(clock, 30)
    assert [bucket.take("a") for _ in range(31)] == [True] * 30 + [False]
    assert bucket.take("b"), "another source has its own"
    clock.passes(2)
    assert bucket.take("a")
    assert not bucket.take("a")
    clock.passes(3600)
    assert [bucket.take("a") for _ in range(31)] == [True] * 30 + [False], (
        "it never holds more than a minute's"
    )


def test_so_many_of_another_time_than_a_minute(clock: Clock) -> None:
    bucket = Bucket(clock, 100, seconds=7200)
    taken = 0
    for _minute in range(24 * 60):
        taken += sum(bucket.take("a") for _ in range(30))
        clock.passes(60)
    assert 1200 < taken < 1350


def test_a_bucket_of_nothing_is_no_limit(clock: Clock) -> None:
    assert all(Bucket(clock, 0).take("a") for _ in range(1000))


def test_a_full_bucket_table_lets_in_whom_it_cannot_count(clock: Clock) -> None:
    bucket = Bucket(clock, 1, most=1)
    assert bucket.take("a")
    assert all(bucket.take("b") for _ in range(5))
    assert not bucket.take("a")
    clock.passes(60)
    assert bucket.take("b")
    assert not bucket.take("b"), "a's was full again and could be forgotten"


def test_of_one_source_the_longest_waiting_makes_room() -> None:
    lobby: Lobby[str] = Lobby(most=50, of_source=2)
    assert lobby.enter("first", "a") is None
    assert lobby.enter("second", "a") is None
    assert lobby.enter("third", "a") == "first"
    assert lobby.enter("other", "b") is None
    assert len(lobby) == 3


def test_who_signed_in_counts_no_more() -> None:
    lobby: Lobby[str] = Lobby(most=50, of_source=2)
    for guest in ("first", "second"):
        lobby.enter(guest, "a")
    lobby.leave("first")
    lobby.leave("first")
    assert lobby.enter("third", "a") is None


def test_a_full_lobby_takes_the_place_from_the_source_that_has_most() -> None:
    lobby: Lobby[str] = Lobby(most=4, of_source=3)
    for guest, source in (("alone", "a"), ("one", "b"), ("two", "b"), ("three", "b")):
        assert lobby.enter(guest, source) is None
    assert lobby.enter("honest", "c") == "one"
    assert len(lobby) == 4


def test_a_trusted_source_has_no_limit_of_its_own_but_the_lobby_has() -> None:
    lobby: Lobby[int] = Lobby(most=20, of_source=2)
    left = [lobby.enter(guest, "balancer", unlimited=True) for guest in range(21)]
    assert left == [None] * 20 + [0]
