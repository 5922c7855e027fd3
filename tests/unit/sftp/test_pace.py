"""When requests may ask the disk on the event loop."""

from pratique.interfaces.sftp.pace import CAREFUL_SECONDS, SLOW_SECONDS, Pace


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_disk_that_took_long_once_is_asked_in_threads_for_a_while():
    clock = Clock()
    pace = Pace(clock)
    began = pace.began()
    clock.now += SLOW_SECONDS / 2
    pace.ended(began)
    assert pace.quick()
    began = pace.began()
    clock.now += SLOW_SECONDS * 2
    pace.ended(began)
    assert not pace.quick()
    clock.now += CAREFUL_SECONDS - 1
    assert not pace.quick()
    clock.now += 1
    assert pace.quick()
