"""A Hub and a small dataset of several shards, for what publishes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub.conftest import hub, port
from material import jpeg, recipe_text

from pipelines import build

__all__ = ["hub", "port"]


@pytest.fixture(scope="session")
def small(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset of several shards; tests must not change it."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "photos").mkdir()
    for seed in range(20):
        (folder / "photos" / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    (folder / "recipe.yaml").write_text(recipe_text("{type: folder, path: photos, licence: CC0-1.0}"))
    build(folder / "recipe.yaml", folder / "out", workers=2)
    return folder / "out"
