"""A small dataset, tiny configurations, a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_dataset
import torch
from tiny_methods import TINY, random_batch

from trainers.config import Config, resolve
from trainers.methods.base import Batch


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small tensors are slower on several threads, and tests run beside each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four uneven shards to train on, 23 samples; two more splits; landmarks and parsing."""
    splits = {"train": [9, 3, 10, 1], "val": [3], "test": [5, 2]}
    return tiny_dataset.write(tmp_path_factory.mktemp("tiny") / "out", splits, guides=True)


@pytest.fixture
def tiny(dataset: Path, tmp_path: Path) -> Any:
    """Makes a tiny configuration of a method; further settings by dotted key."""

    def make(name: str, **settings: Any) -> Config:
        fixed = {
            **TINY[name], "size": 16, "train.batch": 4, "train.steps": 6, "train.log_every": 1, "train.save_every": 2,
            "train.sample_every": 6, "train.num_samples": 2, "loader.cache": str(tmp_path / "cache"),
            "loader.mirror": True, "loader.area_range": (0.5, 1.0), "loader.workers": 0,
        }  # fmt: skip
        given = {key.replace("__", "."): value for key, value in settings.items()}
        return resolve(name, str(dataset), fixed | given, debug=True)

    return make


@pytest.fixture
def batch() -> Batch:
    return random_batch()
