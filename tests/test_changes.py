"""Two catalogs are told apart picture by picture, wherever they differ and whatever moves between row groups."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import changes
from pipelines.catalog import SCHEMA

NAMES = ["first", "second"]


def catalog(path: Path, *rows: tuple[int, str, int]) -> Path:
    """Rows given by source, uri and size."""
    filled = [
        {name: "" if pa.types.is_string(kind) else 0 for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)}
        | {"source": source, "uri": uri, "size": size}
        for source, uri, size in rows
    ]
    pq.write_table(pa.Table.from_pylist(filled, schema=SCHEMA), path)
    return path


def between(folder: Path, old: list[tuple[int, str, int]], new: list[tuple[int, str, int]]) -> list[str]:
    return changes.between(catalog(folder / "old", *old), catalog(folder / "new", *new), NAMES)


@pytest.fixture(autouse=True, params=[2, 3, 8192])
def rows_at_a_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "ROWS_AT_A_TIME", request.param)


PICTURES = [(0, f"{number}.jpg", number) for number in range(9)] + [(1, "x.png", 1)]


def test_equal_ones_differ_in_nothing(tmp_path: Path) -> None:
    assert between(tmp_path, PICTURES, PICTURES) == []


def test_what_was_added_moves_all_others(tmp_path: Path) -> None:
    added = [(0, "0-first.jpg", 3), *PICTURES]
    assert between(tmp_path, PICTURES, added) == ["source 'first': 1 added (0-first.jpg)"]
    assert between(tmp_path, added, PICTURES) == ["source 'first': 1 removed (0-first.jpg)"]


def test_changed_ones_are_named_by_source(tmp_path: Path) -> None:
    changed = [(source, uri, size + (size > 4 or source)) for source, uri, size in PICTURES]
    assert between(tmp_path, PICTURES, changed) == [
        "source 'first': 4 changed (5.jpg, 6.jpg, 7.jpg, ...)",
        "source 'second': 1 changed (x.png)",
    ]


def test_several_pictures_of_one_name_are_told_apart(tmp_path: Path) -> None:
    twice = [(0, "a.jpg", 1), (0, "a.jpg", 2)]
    assert between(tmp_path, twice, twice[::-1]) == []
    assert between(tmp_path, twice, [(0, "a.jpg", 1), (0, "a.jpg", 3)]) == ["source 'first': 1 changed (a.jpg)"]
    assert between(tmp_path, twice, twice[:1]) == ["source 'first': 1 removed (a.jpg)"]
