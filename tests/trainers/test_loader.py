"""Batches: every sample once an epoch for any number of processes and workers, from any position on."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import tiny_dataset
import torch

from pipelines.errors import MenderyError
from trainers.loader import Loader, LoaderSettings, Source, once
from trainers.methods.base import Batch


def source_of(dataset: Path, tmp_path: Path, **settings: Any) -> Source:
    known = {"mirror": True, "area_range": (0.5, 1.0), "cache": str(tmp_path / "cache")}
    return Source(dataset, LoaderSettings(**(known | settings)), 16, seed=3)


def take(loader: Loader, number: int, position: int = 0) -> list[Batch]:
    batches = loader.batches(position)
    found = list(islice(batches, number))
    batches.close()  # type: ignore[attr-defined]
    return found


def test_values_and_shapes(dataset: Path, tmp_path: Path) -> None:
    (batch,) = take(Loader(source_of(dataset, tmp_path), 4), 1)
    assert batch.image.shape == (4, 3, 16, 16) and batch.image.dtype == torch.float32
    assert -1 <= batch.image.min() < -0.1 and 0.1 < batch.image.max() <= 1
    assert batch.mask.shape == (4, 1, 16, 16) and batch.mask.unique().tolist() == [0, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_two_ranks_see_every_key_once(dataset: Path, tmp_path: Path, workers: int) -> None:
    source = source_of(dataset, tmp_path)
    # 23 samples, 23 batches of 4: four epochs.
    ranks = [take(Loader(source, 4, rank, 2, workers), 23) for rank in (0, 1)]
    keys = [[key for batch in batches for key in batch.keys] for batches in ranks]
    assert len(keys[0]) == len(keys[1]) == 46
    line = [key for step in range(23) for rank in (0, 1) for key in keys[rank][2 * step : 2 * step + 2]]
    assert [set(Counter(line[start : start + 23]).values()) for start in range(0, 92, 23)] == [{1}] * 4


def test_workers_change_nothing(dataset: Path, tmp_path: Path) -> None:
    fresh = ({"kind": "brush", "ratio_range": [0.1, 0.3]},)
    one, two = (take(Loader(source_of(dataset, tmp_path, fresh=fresh), 4, workers=workers), 8) for workers in (0, 2))
    assert all((a.image == b.image).all() and (a.mask == b.mask).all() for a, b in zip(one, two, strict=True))


def test_masks_within_a_batch_differ(dataset: Path, tmp_path: Path) -> None:
    fresh = ({"kind": "brush", "ratio_range": [0.1, 0.3]},)
    (batch,) = take(Loader(source_of(dataset, tmp_path, fresh=fresh), 8), 1)
    assert len({mask.numpy().tobytes() for mask in batch.mask}) == 8


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_position_means_the_same_to_any_number_of_ranks(dataset: Path, tmp_path: Path, ranks: int) -> None:
    source = source_of(dataset, tmp_path)
    wanted = torch.cat([batch.image for batch in take(Loader(source, 4), 9)[6:]])
    parts = [take(Loader(source, 4, rank, ranks), 3, position=24) for rank in range(ranks)]
    assert (torch.cat([part[step].image for step in range(3) for part in parts]) == wanted).all()


def test_fewer_samples_than_ranks(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="3 samples, fewer than the 4 processes"):
        Loader(source_of(dataset, tmp_path, split="val"), 4, ranks=4)


def test_a_batch_may_be_larger_than_the_split(dataset: Path, tmp_path: Path) -> None:
    (batch,) = take(Loader(source_of(dataset, tmp_path, split="val"), 7), 1)
    assert Counter(Counter(batch.keys).values()) == {2: 2, 3: 1}


def test_an_unknown_split_is_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(MenderyError, match="no samples in split 'vall'; did you mean 'val'"):
        source_of(dataset, tmp_path, split="vall")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_shard_is_a_sentence_from_any_worker(dataset: Path, tmp_path: Path, workers: int) -> None:
    shutil.copytree(dataset, tmp_path / "out")
    for path in (tmp_path / "out" / "shards").glob("train*.tar"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MenderyError, match="is not the file of the manifest") as raised:
        take(Loader(source_of(tmp_path / "out", tmp_path), 4, workers=workers), 1)
    assert "Traceback" not in str(raised.value)


def test_evaluation_is_the_same_every_time(dataset: Path) -> None:
    one, two = (list(once(dataset, "test", 16, batch=3)) for _ in range(2))
    assert [len(batch) for batch in one] == [3, 3, 1]
    assert all((a.image == b.image).all() and (a.mask == b.mask).all() for a, b in zip(one, two, strict=True))
    assert [a.keys for a in one] == [b.keys for b in two]


def test_guides_and_metadata(dataset: Path) -> None:
    batch = next(once(dataset, "test", 16, batch=3, needs=frozenset({"landmarks", "parsing", "damaged", "json"})))
    assert batch.guides["landmarks"].shape == (3, 68, 2)
    assert batch.guides["parsing"].dtype == torch.int64
    assert batch.guides["damaged"].shape == batch.image.shape
    assert [metadata["key"] for metadata in batch.metadata] == list(batch.keys)


def test_image_and_mask_are_paired_by_key(dataset: Path) -> None:
    """Whatever stands in the shards in between: each sample's own members."""
    for batch in once(dataset, "train", 32, needs=frozenset({"damaged"})):
        known = 1 - batch.mask
        assert (batch.guides["damaged"] * known == batch.image * known).all()


def test_many_shards_of_one_sample(tmp_path: Path) -> None:
    out = tiny_dataset.write(tmp_path / "out", {"train": [1] * 5})
    keys = [key for batch in take(Loader(source_of(out, tmp_path, mix=2), 2), 5) for key in batch.keys]
    assert Counter(Counter(keys).values()) == {2: 5}
