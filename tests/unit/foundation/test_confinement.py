"""A child in the hands of a file's author: what it can do, and what its lies are worth."""

import ctypes
import io
import json
import os
import signal
import subprocess
import sys

import orjson
import pytest
from PIL import Image

from pratique.foundation import imaging
from pratique.foundation.imaging import answer, helper, process, types
from pratique.foundation.imaging.types import Kind
from tests.unit.foundation import handed_in as files

# What a taken-over child would try, each said by name with how it ended. Descriptor 3 is its only way to speak.
ATTEMPTS = """
import json, os, signal, socket, sys, threading
from pratique.foundation.imaging import confine
victim, threads = sys.argv[1], sys.argv[2] == "threads"
def start_a_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
def fork():
    if os.fork() == 0:
        os._exit(0)
attempts = {
    "read a file": lambda: open(victim).close(),
    "write a file": lambda: open(victim + "2", "w").close(),
    "remove a file": lambda: os.unlink(victim),
    "look into a folder": lambda: os.listdir("/"),
    "open a socket": lambda: socket.socket().close(),
    "make a pipe": lambda: os.pipe(),
    "fork": fork,
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "start a session": lambda: os.setsid(),
    "end its parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "take two gigabytes": lambda: bytearray(2 << 30),
    "start a thread": start_a_thread,
}
confine.leave_root()
os.dup2(1, 3)
if os.fork():
    os.wait()
    os._exit(0)
confine.confine(3, threads=threads)
ended = {}
for name, attempt in attempts.items():
    try:
        attempt()
        ended[name] = "done"
    except BaseException as error:
        ended[name] = type(error).__name__
os.write(3, json.dumps(ended).encode())
"""


def landlock() -> int:
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


def attempted(tmp_path, threads: str) -> dict[str, str]:
    victim = tmp_path / "victim"
    victim.write_text("a record")
    done = subprocess.run(
        [sys.executable, "-I", "-c", ATTEMPTS, str(victim), threads], stdout=subprocess.PIPE, check=True
    )
    assert victim.exists()
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the resource limits alone hold")
@pytest.mark.parametrize("threads", ["plain", "threads"])
def test_a_confined_child_can_reach_nothing(tmp_path, threads):
    ended = attempted(tmp_path, threads)
    by_landlock = {"remove a file"} if landlock() < 1 else set()
    if landlock() < 6 and os.geteuid() != 0:
        by_landlock.add("end its parent")
    assert {name for name, how in ended.items() if how == "done"} - by_landlock <= {"start a thread"}
    assert (ended["start a thread"] == "done") == (threads == "threads")


def test_the_helper_sees_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        process.subprocess, "Popen", lambda *a, **options: started.append(options) or popen(*a, **options)
    )
    process.end_helpers()
    imaging.render(files.jpeg())
    assert [(options["env"], options["cwd"], len(options["pass_fds"])) for options in started] == [
        ({}, "/", 1)
    ]


def test_a_child_whose_time_is_up_is_ended(monkeypatch):
    monkeypatch.setattr(types, "WALL_SECONDS", 0.05)
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert helper._await(sleeper.pid) == b"t\0"
    sleeper.wait()


@pytest.mark.parametrize(
    ("told", "ending", "code"),
    [
        (b"", b"t\0", "took_too_long"),
        (b"", bytes([ord("s"), signal.SIGXCPU]), "took_too_long"),
        (b"", bytes([ord("s"), signal.SIGKILL]), "took_too_long"),
        (b"", bytes([ord("s"), signal.SIGSEGV]), "image_broken"),
        (b"", bytes([ord("s"), signal.SIGABRT]), "image_broken"),
        (b"", b"x\1", "image_broken"),
        (b"lies", b"x\0", "image_broken"),
        (b'{"refused":"image_too_big"}\n', b"x\0", "image_too_big"),
    ],
    ids=["time is up", "CPU time is up", "killed", "crashed", "gave up", "failed", "lied", "refused"],
)
def test_how_a_child_ended_becomes_a_refusal(monkeypatch, told, ending, code):
    process.end_helpers()
    monkeypatch.setattr(process._Helper, "run", lambda *_: (told, ending))
    with pytest.raises(imaging.FileRefused) as refused:
        imaging.render(files.jpeg())
    assert refused.value.code == code


def test_a_child_that_could_not_start_says_nothing_about_the_file(monkeypatch):
    process.end_helpers()
    monkeypatch.setattr(process._Helper, "run", lambda *_: (b"", b"f\0"))
    with pytest.raises(imaging.RenderingUnavailableError):
        imaging.render(files.jpeg())


def plain(width: int = 40, height: int = 30, **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "JPEG", **options)
    return out.getvalue()


SKETCH = bytes(64 * 64)


def line(*rows: list, notes: object = ()) -> bytes:
    return orjson.dumps({"pages": rows, "notes": notes}) + b"\n"


def row(image: bytes, thumbnail: bytes, *, width=40, height=30, looks=0) -> list:
    return [width, height, len(image), len(thumbnail), looks]


def test_an_honest_answer_is_read():
    rendered = answer.read(line(row(plain(), plain())) + plain() + plain() + SKETCH, Kind.PNG)
    assert rendered == imaging.Rendered(
        "image/png", (imaging.RenderedPage(40, 30, plain(), plain(), 0, SKETCH),)
    )


EXIF = Image.Exif()
EXIF[0x010F] = "PhoneMaker"
GOOD = plain()
LIES = {
    "nothing": b"",
    "no line": b"{}",
    "no JSON": b"pages\n",
    "another shape": b"[1]\n",
    "a refusal that is none": b'{"refused":"all is well"}\n',
    "a refusal and more": b'{"refused":"empty"}\nmore',
    "no pages": line(),
    "21 pages": line(*[row(GOOD, GOOD)] * 21) + GOOD * 42,
    "a note of its own": line(row(GOOD, GOOD), notes=["<script>"]) + GOOD * 2 + SKETCH,
    "another width": line(row(GOOD, GOOD, width=41)) + GOOD * 2 + SKETCH,
    "a width in words": line(row(GOOD, GOOD, width="40")) + GOOD * 2 + SKETCH,
    "a width of true": line(row(GOOD, GOOD, width=True)) + GOOD * 2 + SKETCH,
    "looks of 65 bits": line(row(GOOD, GOOD, looks=1 << 63)) + GOOD * 2 + SKETCH,
    "less than it says": line(row(GOOD, GOOD)) + GOOD + SKETCH,
    "half a sketch": line(row(GOOD, GOOD)) + GOOD * 2 + SKETCH[:-1],
    "more than it says": line(row(GOOD, GOOD)) + GOOD * 3 + SKETCH,
    "a length below nothing": line([40, 30, -5, 5, 0]),
    "HTML for a picture": line([40, 30, 6, len(GOOD), 0]) + b"<html>" + GOOD + SKETCH,
    "a picture too large": line(row(plain(2201, 3), GOOD, width=2201, height=3))
    + plain(2201, 3)
    + GOOD
    + SKETCH,
    "a thumbnail too large": line(row(GOOD, plain(321, 3))) + GOOD + plain(321, 3) + SKETCH,
    "Exif": line(row(plain(exif=EXIF), GOOD)) + plain(exif=EXIF) + GOOD + SKETCH,
    "a comment": line(row(plain(comment=b"x"), GOOD)) + plain(comment=b"x") + GOOD + SKETCH,
    "a progressive picture": line(row(plain(progressive=True), GOOD))
    + plain(progressive=True)
    + GOOD
    + SKETCH,
    "something behind the picture": line(row(GOOD + b"PK", GOOD)) + GOOD + b"PK" + GOOD + SKETCH,
    "half a picture": line(row(GOOD[:-9], GOOD)) + GOOD[:-9] + GOOD + SKETCH,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_is_found_out(lie):
    with pytest.raises(answer.WrongAnswerError):
        answer.read(lie, Kind.PNG)
