"""The catalog: pictures by measuring task."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpora.miniature import lay, seven_zip_of

from pipelines import catalog
from pipelines.recipe import Recipe
from pipelines.sources.base import Listing


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
