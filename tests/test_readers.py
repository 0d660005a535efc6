"""Real readers of others load what we write."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from pipelines import manifest
from pipelines.layout import Layout

MEMBERS = {"damaged.png", "image.jpg", "json", "mask.png"}
SAMPLES = 720


@pytest.fixture(scope="module")
def shards(demo_build: Path) -> list[str]:
    return [str(path) for path in sorted(Layout(demo_build).shards.glob("*.tar"))]


def check_sample(image: np.ndarray, mask: np.ndarray, damaged: np.ndarray) -> None:
    assert image.shape == damaged.shape == (256, 256, 3)
    assert mask.shape == (256, 256)
    assert set(np.unique(mask)) <= {0, 255}
    assert np.array_equal(image[mask == 0], damaged[mask == 0])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("streaming", [True, False])
def test_datasets(shards: list[str], streaming: bool, tmp_path: Path) -> None:
    import datasets

    loaded = datasets.load_dataset(
        "webdataset", data_files={"train": shards}, split="train", streaming=streaming, cache_dir=str(tmp_path)
    )
    sample = next(iter(loaded))
    assert sample.keys() - {"__key__", "__url__"} == MEMBERS
    check_sample(*(np.asarray(sample[name]) for name in ("image.jpg", "mask.png", "damaged.png")))
    assert sample["json"]["key"] == sample["__key__"]
    assert sum(1 for _ in loaded) == SAMPLES


@pytest.mark.filterwarnings("default")
def test_webdataset(shards: list[str]) -> None:
    import webdataset

    loaded = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert len(loaded) == SAMPLES
    assert loaded[0].keys() - {"__key__", "__url__", "__local_path__"} == MEMBERS
    mask = loaded[0]["mask.png"]
    check_sample(loaded[0]["image.jpg"], mask[..., 0], loaded[0]["damaged.png"])


@pytest.mark.filterwarnings("default")
def test_ray_data(ray_here: None, shards: list[str]) -> None:
    import ray.data

    rows = ray.data.read_webdataset(shards[0], decoder=None).take_all()
    shard = next(
        shard
        for shard in manifest.read(Path(shards[0]).parent.parent)["shards"]
        if shard["name"] == Path(shards[0]).stem
    )
    assert len(rows) == shard["samples"]
    assert rows[0].keys() >= MEMBERS


def test_tarfile(shards: list[str]) -> None:
    for shard in shards:
        with tarfile.open(shard) as archive:
            names = archive.getnames()
            assert names == sorted(names)
            assert {member.mtime for member in archive} == {0}
            metadata = json.load(archive.extractfile(names[2]))  # type: ignore[arg-type]
        assert {name.partition(".")[2] for name in names} == MEMBERS
        assert metadata["key"] == names[2].partition(".")[0]
