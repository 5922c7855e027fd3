"""A file appears whole or not at all."""

import stat

import pytest

from pratique.reports import files


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "report.csv"
    with files.whole_or_nothing(target) as file:
        file.write(b"a")
        assert not target.exists()
    assert target.read_bytes() == b"a"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_what_fails_leaves_the_old_file_and_no_pieces(tmp_path):
    target = tmp_path / "report.csv"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        files.write(target, (bytes([1 // number]) for number in (1, 0)))
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]
    assert target.read_bytes() == b"old"
