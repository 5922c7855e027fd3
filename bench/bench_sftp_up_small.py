"""500 files of 4 KB up in one session of OpenSSH's client, against OpenSSH's internal-sftp on plain files."""

import measure
import sftp_sides as sides


def setup(n: int) -> sides.Sides:
    """Start both, with `n` small files to send."""
    started = sides.started(n)
    if not (sides.FOLDER / "small").exists():
        sides.small_files(sides.FOLDER / "small", n)
    return started


def ours(n: int) -> measure.Measured:
    """Send them to ours, and clear up untimed."""
    return _up("ours")


def floor(n: int) -> measure.Measured:
    """Send them to OpenSSH's."""
    return _up("floor")


def _up(side: str) -> measure.Measured:
    seconds = sides.sftp(side, "cd {root}/inbound", "put small/*")
    sides.sftp(side, "rm {root}/inbound/small-*")
    return measure.Measured(seconds, sides.peak_mb(side))


if __name__ == "__main__":
    measure.compare(
        "sftp-up-small", ours=ours, floor=floor, setup=setup, cleanup=sides.ended, n=500, repeats=7
    )
