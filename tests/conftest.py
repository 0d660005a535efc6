"""What several tests need: Ray once, and the demo built once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# The demo must be built with this machine's Ray, whatever cluster the person who runs the tests works on.
os.environ.pop("RAY_ADDRESS", None)


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray with two processors, started once for all tests that build in this process."""
    from pipelines.spread import cluster

    with cluster(workers=2, address=None):
        yield


@pytest.fixture(scope="session")
def demo_build(ray_here: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished build of the demo recipe; tests must not change it."""
    from pipelines import build

    out = tmp_path_factory.mktemp("demo") / "demo"
    build("demo", out, workers=2)
    return out


def photo(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth picture with some texture, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(rng.uniform(3, 12) * rows + rng.uniform(3, 12) * columns + rng.uniform(0, 6)) for _ in range(3)]
    picture = 127 + 90 * np.stack(waves, axis=2) + rng.normal(0, 6, (height, width, 3))
    return picture.clip(0, 255).astype(np.uint8)


def jpeg(seed: int, height: int = 96, width: int = 128) -> bytes:
    return simplejpeg.encode_jpeg(photo(seed, height, width), quality=90)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twenty different JPEGs of 128 x 96."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(20):
        (folder / f"{seed:03d}.jpg").write_bytes(jpeg(seed))
    return folder


def recipe_text(source: str, extra: str = "") -> str:
    """A small recipe over one source, given as a YAML flow mapping."""
    return f"""
name: small
seed: 3
sources:
  - {source}
image: {{size: 64}}
damage:
  - {{kind: brush, ratio_range: [0.1, 0.3]}}
  - {{kind: box}}
variants: 2
splits: {{train: 0.8, val: 0.1, test: 0.1}}
shards: {{samples: 10}}
{extra}
"""
