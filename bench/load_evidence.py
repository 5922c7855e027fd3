"""100 students hand in photos while 5 reviewers decide, on an installation of its own; then everything is looked up.

    make bench-load                                        # as the numbers in docs/reference/performance.md
    .venv/bin/python bench/load_evidence.py --students 20 --seconds 20

The clients are threads with real HTTP over loopback, and share the machine with what they measure. Nothing of the
developer's own installation is touched: the folder is temporary. The last line is one object of JSON; the exit status
is 1 if anything was wrong: an error, a lost file, a double decision, an item that a fresh evaluation sees otherwise.
"""

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evidence import checks, photos, report, school
from evidence.book import Book
from evidence.installation import Installation, Watch
from evidence.reviewer import Reviewer
from evidence.student import Student


def main() -> int:
    """Prepare, load, wait, check, report; the exit status."""
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="pratique-load-"))
    installation = Installation(folder)
    try:
        _say(f"starting an installation in {folder} on port {installation.port}")
        installation.start()
        with ThreadPoolExecutor(1) as beside:
            pictures = beside.submit(photos.prepared, arguments.students)
            people = school.prepare(installation, students=arguments.students, reviewers=arguments.reviewers)
            paths = pictures.result()
        installation.wait_for_jobs(120)
        installation.mark_logs()
        book = Book()
        _say(
            f"{arguments.students} students and {arguments.reviewers} reviewers for {arguments.seconds:.0f} s"
        )
        with Watch(installation) as watch:
            seconds = _load(book, people, paths, installation, arguments)
        _say("the load is over; waiting for the workers")
        began = time.monotonic()
        rested = installation.wait_for_jobs(180)
        drained = time.monotonic() - began
        _say("checking what is stored")
        wrong = [
            f"{sentence}{f' ({n} times)' if n > 1 else ''}"
            for sentence, n in Counter(book.faults).most_common()
        ]
        wrong += [] if rested else ["the workers did not come to rest within three minutes"]
        wrong += checks.all_of(book, people, installation)
        found = report.numbers(book, people, watch, wrong, seconds=seconds, drained_s=drained)
        if not arguments.json:
            print(report.table(found, wrong))
        elif wrong:
            print("\n".join(wrong), file=sys.stderr)
        print(json.dumps(found), flush=True)
        return 1 if wrong else 0
    finally:
        installation.stop()
        if arguments.keep:
            _say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _load(
    book: Book,
    people: school.School,
    paths: list[Path],
    installation: Installation,
    arguments: argparse.Namespace,
) -> float:
    """Let everybody live until the time is over and all have left; the seconds that took."""
    # Sign-ins are spread: checking a password is meant to be slow, and two cores check about twenty a second.
    spread = min(arguments.seconds / 4, max(2.0, arguments.students * people.scrypt_ms / 1000 * 1.5))
    everybody: list[Student | Reviewer] = [
        Student(
            number, one.username, one.password, paths[number], installation.port, book, arguments.think,
            spread * number / len(people.students),
        )
        for number, one in enumerate(people.students)
    ]  # fmt: skip
    everybody += [
        Reviewer(number, one.username, one.password, installation.port, book, arguments.look)
        for number, one in enumerate(people.reviewers)
    ]
    threading.stack_size(512 * 1024)
    threads = [threading.Thread(target=one.live, daemon=True) for one in everybody]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    book.stopping.wait(arguments.seconds)
    book.stopping.set()
    for thread in threads:
        thread.join(90)
    left = sum(thread.is_alive() for thread in threads)
    if left:
        book.fault(f"{left} clients still wait for an answer")
    return time.monotonic() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--reviewers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument(
        "--think", type=float, default=5, help="mean pause of a student between two screens, s"
    )
    parser.add_argument("--look", type=float, default=4, help="mean time that a reviewer looks at a case, s")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    parser.add_argument("--keep", action="store_true", help="keep the installation's folder, to look into")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
