"""Who waits for whom in the web process: a slow sender for nobody but themselves."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pratique.config.body_first import MACHINES, MOST_AHEAD, BodyFirst, at_once

PART = "application/offset+octet-stream"


class Answer(list):
    """An answer as Django gives one."""

    def __init__(self, *blocks, streaming=False):
        super().__init__(blocks)
        self.streaming, self.closed = streaming, False

    def close(self):
        self.closed = True


class Line(io.BytesIO):
    """A body that ends early, by an error as a cut connection does."""

    def read(self, size=-1):
        block = super().read(size)
        if not block:
            raise OSError("cut")
        return block


def request(body=b"", *, size=None, kind="application/x-www-form-urlencoded", path="/my/", line=None):
    return {
        "PATH_INFO": path, "CONTENT_LENGTH": str(len(body) if size is None else size), "CONTENT_TYPE": kind,
        "wsgi.input": line or io.BytesIO(body),
    }  # fmt: skip


def gate(application, turns=1):
    return BodyFirst(application, turns=turns, without_turn=("/static/", "/demo/school-portal/"))


def nothing(*_arguments):
    """Stands for start_response."""


def test_a_body_that_is_still_coming_in_keeps_nobody_waiting():
    come, answered = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size=-1):
            come.wait(20)
            return super().read(size)

    served = gate(lambda environ, start: Answer(environ["wsgi.input"].read()))
    slow = threading.Thread(
        target=lambda: (served(request(b"a=1", line=Slow(b"a=1")), nothing), answered.set())
    )
    slow.start()
    assert served(request(b"b=2"), nothing) == [b"b=2"]
    assert not answered.is_set()
    come.set()
    slow.join(20)
    assert answered.is_set()


def test_no_more_are_worked_on_than_there_are_turns():
    inside, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def application(environ, start):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 2:
                go.set()
        go.wait(20)
        with lock:
            inside -= 1
        return Answer(b"")

    served = gate(application, turns=2)
    threads = [threading.Thread(target=served, args=(request(), nothing)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 2


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        pytest.param("application/x-www-form-urlencoded", False, id="half of a form is not acted upon"),
        pytest.param("application/json", False, id="half of a decision is not acted upon"),
        pytest.param(PART, True, id="half of a part is kept"),
    ],
)
@pytest.mark.parametrize("line", [Line, io.BytesIO], ids=["cut with an error", "cut in silence"])
def test_what_a_cut_connection_leaves(kind, called, line):
    seen = []
    served = gate(lambda environ, start: Answer(seen.append(environ["wsgi.input"].read()) or b""))
    served(request(size=10, kind=kind, line=line(b"12345")), nothing)
    assert seen == ([b"12345"] if called else [])


def test_a_large_body_is_left_to_the_application():
    line = io.BytesIO(b"x")
    served = gate(lambda environ, start: Answer(b"same" if environ["wsgi.input"] is line else b"other"))
    assert served(request(size=MOST_AHEAD + 1, line=line), nothing) == [b"same"]


def test_an_answer_in_one_piece_is_closed_before_it_is_read():
    answer = Answer(b"a", b"b")
    assert gate(lambda environ, start: answer)(request(), nothing) == [b"ab"]
    assert answer.closed


def test_a_streamed_answer_keeps_its_turn_until_it_is_closed_or_forgotten():
    served = gate(lambda environ, start: Answer(b"a", streaming=True))
    for end in ("closed", "forgotten"):
        answer = served(request(), nothing)
        assert served._turns.acquire(blocking=False) is False, end
        if end == "closed":
            assert list(answer) == [b"a"]
            answer.close()
            answer.close()
        del answer
        assert served._turns.acquire(blocking=False), end
        served._turns.release()


def test_a_fault_gives_the_turn_back():
    def application(environ, start):
        raise RuntimeError

    served = gate(application)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            served(request(), nothing)


def test_files_of_the_site_need_no_turn():
    served = gate(lambda environ, start: Answer(b"css", streaming=True))
    answers = [served(request(path="/static/a.css"), nothing) for _ in range(5)]
    assert [list(answer) for answer in answers] == [[b"css"]] * 5


def test_the_page_that_calls_this_very_server_leaves_the_turns_to_its_calls():
    page = "/demo/school-portal/"

    def application(environ, start):
        called = [] if environ["PATH_INFO"] != page else served(request(path="/partner/v1/x"), nothing)
        return Answer(b"".join(called) + b"!")

    served = gate(application)
    with ThreadPoolExecutor(8) as clicks:
        answers = list(clicks.map(lambda _: list(served(request(path=page), nothing)), range(8)))
    assert answers == [[b"!!"]] * 8


def test_the_pool_has_a_place_for_every_turn():
    assert [at_once(cores) for cores in (1, 2, 4, 64)] == [4, 4, 8, 10]


def without_length(body, path="/partner/v1/createUser"):
    sent = request(path=path, line=io.BytesIO(body))
    del sent["CONTENT_LENGTH"]
    return sent


def seen(environ):
    given = {}

    def application(environ, start):
        given.update(length=environ.get("CONTENT_LENGTH"), body=environ["wsgi.input"].read())
        return Answer(b"")

    gate(application)(environ, nothing)
    return given


@pytest.mark.parametrize(
    "size", [0, 1, 70_000, MOST_AHEAD], ids=["nothing", "a byte", "two blocks", "the most"]
)
def test_a_machines_body_of_unknown_length_gets_its_length(size):
    assert seen(without_length(b"x" * size)) == {"length": str(size), "body": b"x" * size}


def test_of_a_machines_endless_body_just_enough_is_read_to_refuse_it():
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return b"x" * size

    sent, endless = without_length(b""), Endless()
    sent["wsgi.input"] = endless
    assert seen(sent)["length"] == str(MOST_AHEAD + 1)
    assert endless.taken == MOST_AHEAD + 1


def test_a_persons_body_of_unknown_length_is_left_alone():
    assert seen(without_length(b"a=1", path="/my/")) == {"length": None, "body": b"a=1"}


def test_the_machines_are_those_that_open_scopes_of_their_own():
    from pratique.screens import machine_answers

    assert machine_answers.MACHINES == MACHINES
