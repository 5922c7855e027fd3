"""What a load came to, for people and as one line of JSON."""

import statistics
from collections.abc import Sequence
from typing import Any

from evidence.book import Book
from evidence.installation import Watch
from evidence.school import School

# The portal's pages are what a student waits for; the rest is beside them.
PAGES = "page"


def numbers(
    book: Book, school: School, watch: Watch, wrong: Sequence[str], *, seconds: float, drained_s: float
) -> dict[str, Any]:
    """Return everything that was measured, ready to be printed as JSON."""
    times = {kind: _spread(taken) for kind, taken in sorted(book.times.items())}
    counts = book.counts
    refused = sum(count for name, count in counts.items() if name.startswith("answers 5"))
    return {
        "name": "load-evidence",
        "students": len(school.students),
        "reviewers": len(school.reviewers),
        "seconds": round(seconds, 1),
        "requests": sum(count for name, count in counts.items() if name.startswith("answers ")),
        "errors_5xx": refused,
        "faults": len(wrong),
        "uploads": len(book.uploads),
        "upload_mb": round(counts["bytes uploaded"] / 1e6, 1),
        "submissions": counts["submissions sent"],
        "decisions": counts["decisions"],
        "page_median_ms": times.get(PAGES, {}).get("median_ms"),
        "page_p95_ms": times.get(PAGES, {}).get("p95_ms"),
        "ms": times,
        "counts": {name: count for name, count in sorted(counts.items()) if name != "bytes uploaded"},
        "peak_mb": {name: round(peak) for name, peak in watch.peak_mb.items()},
        "cpu_percent": watch.cpu_percent,
        "scrypt_ms": round(school.scrypt_ms),
        "drained_s": round(drained_s, 1),
    }


def table(found: dict[str, Any], wrong: Sequence[str]) -> str:
    """Return the same for people."""
    lines = [
        f"{found['students']} students, {found['reviewers']} reviewers, {found['seconds']} s: "
        f"{found['requests']:,} requests, {found['uploads']} uploads ({found['upload_mb']} MB), "
        f"{found['submissions']} submissions, {found['decisions']} decisions",
        "",
        f"{'milliseconds':<34}{'number':>8}{'median':>9}{'p95':>9}{'largest':>9}",
    ]
    for kind, one in found["ms"].items():
        lines.append(
            f"{kind:<34}{one['number']:>8,}{one['median_ms']:>9,}{one['p95_ms']:>9,}{one['max_ms']:>9,}"
        )
    lines += ["", "  ".join(f"{name}: {count:,}" for name, count in found["counts"].items())]
    lines.append(
        "largest memory, MB: " + ", ".join(f"{name} {peak:,}" for name, peak in found["peak_mb"].items())
    )
    lines.append(
        "share of all cores, %: " + ", ".join(f"{name} {one}" for name, one in found["cpu_percent"].items())
    )
    lines.append(
        f"one password: {found['scrypt_ms']} ms; workers at rest {found['drained_s']} s after the load"
    )
    lines += ["", f"{len(wrong)} things are wrong:" if wrong else "Everything is as it must be."]
    lines += [f"  {sentence}" for sentence in wrong[:60]]
    return "\n".join(lines)


def _spread(taken: Sequence[float]) -> dict[str, int]:
    ordered = sorted(taken)
    return {
        "number": len(ordered),
        "median_ms": round(1000 * statistics.median(ordered)),
        "p95_ms": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]),
        "max_ms": round(1000 * ordered[-1]),
    }
