"""500 files of 4 KB down in one session of OpenSSH's client, against OpenSSH's internal-sftp on plain files."""

import shutil

import measure
import sftp_sides as sides


def setup(n: int) -> sides.Sides:
    """Start both, with `n` small files to take."""
    started = sides.started(n)
    folder = sides.FOLDER / "small"
    if not folder.exists():
        for path in sides.small_files(folder, n).iterdir():
            sides.put_outbound(path.name, path)
    return started


def ours(n: int) -> measure.Measured:
    """Take them from ours."""
    return _down("ours", n)


def floor(n: int) -> measure.Measured:
    """Take them from OpenSSH's."""
    return _down("floor", n)


def _down(side: str, n: int) -> measure.Measured:
    taken = sides.FOLDER / "taken"
    shutil.rmtree(taken, ignore_errors=True)
    taken.mkdir()
    seconds = sides.sftp(side, f"get {{root}}/outbound/small-* {taken}/")
    if len(list(taken.iterdir())) != n:
        raise SystemExit(f"{side} gave {len(list(taken.iterdir()))} of {n} files.")
    return measure.Measured(seconds, sides.peak_mb(side))


if __name__ == "__main__":
    measure.compare(
        "sftp-down-small", ours=ours, floor=floor, setup=setup, cleanup=sides.ended, n=500, repeats=7
    )
