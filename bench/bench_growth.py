"""How time grows with size: roster, evaluate and the CSV report at 1,000, 10,000 and 100,000 students.

Runs our side of each benchmark and ends with a line of JSON a subject: seconds at each size, and `ratio`, the time at
the largest size over what the middle one would give if growth were linear (1.0 is linear; at most 1.3 is wanted).
A roster file has at most 50,000 rows, so 100,000 students are two files.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_SUBJECTS = ("roster", "evaluate", "report_csv")
_SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Measure every subject at every size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--subject", choices=_SUBJECTS, action="append")
    arguments = parser.parse_args()
    for subject in arguments.subject or _SUBJECTS:
        seconds = [_ours(subject, size, arguments.repeats) for size in _SIZES]
        middle, largest = _SIZES[1], _SIZES[2]
        line = {
            "name": f"growth-{subject.replace('_', '-')}",
            "sizes": _SIZES,
            "ours_s": seconds,
            "ratio": round(seconds[2] / (seconds[1] * largest / middle), 3),
        }
        print(json.dumps(line), flush=True)


def _ours(subject: str, size: int, repeats: int) -> float:
    command = [
        sys.executable,
        str(_HERE / f"bench_{subject}.py"),
        "--n",
        str(size),
        "--repeats",
        str(repeats),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["ours_s"])


if __name__ == "__main__":
    main()
