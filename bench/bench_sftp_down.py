"""200 MB down from /outbound: OpenSSH's client from start to end, against OpenSSH's internal-sftp on plain files."""

import measure
import sftp_sides as sides


def setup(n: int) -> sides.Sides:
    """Start both, with a file of `n` MB to take."""
    started = sides.started(n)
    path = sides.FOLDER / "big.csv"
    if not path.exists():
        sides.put_outbound("big.csv", sides.random_file(path, n))
    return started


def ours(n: int) -> measure.Measured:
    """Take it from ours."""
    return _down("ours")


def floor(n: int) -> measure.Measured:
    """Take it from OpenSSH's."""
    return _down("floor")


def _down(side: str) -> measure.Measured:
    taken = sides.FOLDER / "taken.csv"
    taken.unlink(missing_ok=True)
    seconds = sides.sftp(side, f"get {{root}}/outbound/big.csv {taken}")
    if taken.stat().st_size != (sides.FOLDER / "big.csv").stat().st_size:
        raise SystemExit(f"{side} gave another file.")
    return measure.Measured(seconds, sides.peak_mb(side))


if __name__ == "__main__":
    measure.compare("sftp-down", ours=ours, floor=floor, setup=setup, cleanup=sides.ended, n=200, repeats=7)
