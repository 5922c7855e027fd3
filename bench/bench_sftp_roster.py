"""A roster of N rows by SFTP, from the last byte uploaded to the results file in /outbound, over bench-roster's own.

Two lines: what `measure.compare` says (the whole against bench-roster's import alone), and where the time went,
with the settle time that is waited on purpose.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bench_roster
import measure
import population
import sftp_sides as sides

_SETTLE = 3.0
_PATIENCE = 300
_TOLD = Path(bench_roster._FOLDER) / "rest.json"


def setup(n: int) -> sides.Sides:
    """Start the server over an empty school, emptied again for each run, with a roster of `n` rows on disk."""
    started = sides.started(n, database="sftp_roster", settle=_SETTLE)
    school = population.prepared(0)  # in a child: Django is not set up yet
    bench_roster._FOLDER.mkdir(exist_ok=True)
    from pratique.rosters.sample import write_sample

    for path in bench_roster._files(n):
        if not path.exists():
            with path.open("wb") as out:
                write_sample(rows=n, seed=1, out=out)
    emptied = [
        *bench_roster._EMPTIED,
        "transfers_inboundfile",
        "transfers_outboundfile",
        "transfers_transferevent",
    ]
    off = "; ".join(f"alter table {table} set (autovacuum_enabled = false)" for table in emptied)
    bench_roster._psql(
        school, "postgres",
        f"{off}; truncate {', '.join(emptied)} cascade; update transfers_transferaccount set last_claimed = null, "
        "suspended_at = null, suspended_by = '', suspended_for = '', suspended_reason = ''; checkpoint;",
    )  # fmt: skip
    return started


def floor(n: int) -> None:
    """bench-roster's own: the same file, received and applied in this process."""
    bench_roster.ours(n)


def ours(n: int) -> measure.Measured:
    """Upload it by OpenSSH's client, and wait until its results lie in /outbound."""
    path = bench_roster._files(n)[0]
    with _worker() as worker:
        sides.sftp("ours", f"put {path} /inbound/roster.csv")
        uploaded = time.time()
        ready = _results(uploaded)
        _note(uploaded, ready)
        return measure.Measured(ready - uploaded, measure.peak_mb(worker.pid))


def _results(since: float) -> float:
    """Return the moment at which the results file was there."""
    from pratique.foundation.tenancy import institution_scope
    from pratique.transfers.models import InboundFile, OutboundFile

    while time.time() - since < _PATIENCE:
        with institution_scope(population.INSTITUTION):
            if OutboundFile.objects.filter(source="results").exists():
                return time.time()
            failed = InboundFile.objects.filter(state__in=["failed", "ignored", "repeated"]).first()
            assert failed is None, (failed.state, failed.reason)
        time.sleep(0.02)
    raise SystemExit("No results file came.")


def _note(uploaded: float, ready: float) -> None:
    """Keep where the time went, for the line at the end."""
    from pratique.foundation.tenancy import institution_scope
    from pratique.transfers.models import InboundFile

    with institution_scope(population.INSTITUTION):
        file = InboundFile.objects.get()
    assert file.claimed_at
    noted = json.loads(_TOLD.read_text()) if _TOLD.exists() else []
    noted.append({"total": ready - uploaded, "to_claim": file.claimed_at.timestamp() - uploaded})
    _TOLD.write_text(json.dumps(noted))


@contextmanager
def _worker() -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker of the queue that imports are in, and come in when it works."""
    school_url = population.School(
        0, os.environ[population._DATABASE], population.INSTITUTION, population.SLUG
    ).url("pratique")
    command = [sys.executable, "-m", "pratique.config.command", "worker", "--queue", "bulk"]
    environment = os.environ | {"DATABASE_URL": school_url, "PRATIQUE_LOG_LEVEL": "ERROR"}
    with subprocess.Popen(command, env=environment, stdout=sys.stderr) as process:
        time.sleep(3)  # it has started by then; what is measured waits for the settle time anyway
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _ended(started: sides.Sides) -> None:
    noted = json.loads(_TOLD.read_text()) if _TOLD.exists() else []
    if not noted:
        sides.ended(started)
        return
    line = {
        "name": "sftp-roster-parts",
        "total_s": round(statistics.median(one["total"] for one in noted), 3),
        "settle_s": _SETTLE,
        "to_claim_s": round(statistics.median(one["to_claim"] for one in noted), 3),
        "after_claim_s": round(statistics.median(one["total"] - one["to_claim"] for one in noted), 3),
    }
    print(json.dumps(line), flush=True)
    sides.ended(started)
    shutil.rmtree(bench_roster._FOLDER, ignore_errors=True)


if __name__ == "__main__":
    _TOLD.unlink(missing_ok=True) if "--side" not in sys.argv else None
    measure.compare("sftp-roster", ours=ours, floor=floor, setup=setup, cleanup=_ended, n=50_000, repeats=3)
