"""Files are there wholly or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.storage import put, put_json, sweep


def test_a_file_appears_only_when_its_block_ends(tmp_path: Path) -> None:
    with put(tmp_path / "a") as file:
        file.write(b"x")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"x"


def test_an_error_leaves_nothing_and_keeps_the_old(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), put(tmp_path / "a") as file:
        file.write(b"%d" % (1 // 0))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_equal_values_give_equal_json(tmp_path: Path) -> None:
    put_json(tmp_path / "a", {"x": 1, "y": [2]})
    put_json(tmp_path / "b", {"y": [2], "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_sweep_removes_leftovers_of_killed_writers_only(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / ".tmp-a.tar-1234").touch()
    (tmp_path / "shards" / "a.tar").touch()
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["a.tar"]
