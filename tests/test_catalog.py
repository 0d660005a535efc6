"""The catalog is cut into parts, one for each measuring task; a row group holds many of them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from corpora.miniature import lay, seven_zip_of
from material import jpeg

from pipelines import catalog
from pipelines.recipe import Recipe
from pipelines.sources.base import Listing


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty pictures of two sources, in parts of four and row groups of eleven or fewer."""
    monkeypatch.setattr(catalog, "ROWS_PER_GROUP", 11)
    monkeypatch.setattr("pipelines.sources.folder.FolderSource.rows_per_task", lambda self: 4)
    for folder, number in (("a", 19), ("b", 11)):
        (tmp_path / folder).mkdir()
        for seed in range(number):
            (tmp_path / folder / f"{seed:02d}.jpg").write_bytes(jpeg(seed, 8, 8))
    sources = [{"type": "folder", "path": str(tmp_path / folder)} for folder in ("a", "b")]
    catalog.write(Recipe.model_validate({"name": "x", "sources": sources}), tmp_path / "c", Listing(tmp_path / "i"))
    return tmp_path / "c"


def test_parts_never_hold_two_sources(listed: Path) -> None:
    assert catalog.part_sizes(listed) == [4, 4, 4, 4, 3, 4, 4, 3]


def test_each_part_and_each_group_gives_its_rows(listed: Path) -> None:
    parts = [[row["uri"] for row in catalog.read_part(listed, number)] for number in range(8)]
    assert list(chain(*parts)) == [f"{seed:02d}.jpg" for number in (19, 11) for seed in range(number)]
    groups = [(list(numbers), table["uri"].to_pylist()) for numbers, table in catalog.groups(listed, ["uri"])]
    assert [numbers for numbers, _ in groups] == [[0, 1], [2, 3, 4], [5, 6, 7]]
    assert all(uris == list(chain(*(parts[number] for number in numbers))) for numbers, uris in groups)


def task_sizes(folder: Path, scratch: Path, pattern: str = "*.7z") -> list[int]:
    source = {"type": "7z", "path": f"{folder}/{pattern}", "name": "x"}
    recipe = Recipe.model_validate({"name": "x", "sources": [source]})
    catalog.write(recipe, scratch / "catalog.parquet", Listing(scratch))
    return catalog.part_sizes(scratch / "catalog.parquet")


def named(prefix: str, count: int) -> dict[str, bytes]:
    return {f"{prefix}{number}.jpg": b"x" for number in range(count)}


@pytest.mark.parametrize(
    ("blocks", "sizes"),
    [
        ([900], [900]),
        ([200, 900, 10], [1100, 10]),
        ([256, 1, 1], [256, 2]),
        ([100] * 5, [300, 200]),
        ([2500], [1000, 1000, 500]),
    ],
)
def test_pictures_of_a_solid_block_are_one_task(tmp_path, monkeypatch, blocks, sizes):
    monkeypatch.setattr(catalog, "BLOCK_ROWS", 1000 if blocks == [2500] else catalog.BLOCK_ROWS)
    made = [named(f"{number}-", count) for number, count in enumerate(blocks)]
    lay(tmp_path / "c", {"a.7z": seven_zip_of(*made)})
    assert task_sizes(tmp_path / "c", tmp_path) == sizes


def test_blocks_of_two_archives_are_not_one(tmp_path):
    lay(tmp_path / "c", {name: seven_zip_of(named("", 300)) for name in ("a.7z", "b.7z")})
    assert task_sizes(tmp_path / "c", tmp_path) == [300, 300]
