"""200 MB up: OpenSSH's client from its start to its end, ours encrypted at rest.

The floor is OpenSSH's internal-sftp on plain files.
"""

import measure
import sftp_sides as sides


def setup(n: int) -> sides.Sides:
    """Start both, with a file of `n` MB to send."""
    started = sides.started(n)
    path = sides.FOLDER / "big.csv"
    if not path.exists():
        sides.random_file(path, n)
    return started


def ours(n: int) -> measure.Measured:
    """Send it to ours, and clear up untimed."""
    return _up("ours")


def floor(n: int) -> measure.Measured:
    """Send it to OpenSSH's."""
    return _up("floor")


def _up(side: str) -> measure.Measured:
    seconds = sides.sftp(side, "put big.csv {root}/inbound/big.csv")
    sides.sftp(side, "rm {root}/inbound/big.csv")
    return measure.Measured(seconds, sides.peak_mb(side))


if __name__ == "__main__":
    measure.compare("sftp-up", ours=ours, floor=floor, setup=setup, cleanup=sides.ended, n=200, repeats=7)
