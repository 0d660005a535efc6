"""A small dataset, and methods so narrow that a step takes milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_dataset
import torch

from trainers.config import Config, resolve
from trainers.methods.base import Batch

TINY: dict[str, dict[str, Any]] = {
    "aot_gan": {"method.width": 4, "method.num_blocks": 1, "method.rates": (1, 2), "method.discriminator_widths": (4, 8)},
    "lama": {"method.width": 2, "method.num_blocks": 1, "method.discriminator_width": 4, "method.discriminator_layers": 2},
}
TINY["big_lama"] = TINY["lama"]


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


def random_batch(samples: int = 4, size: int = 16, seed: int = 0) -> Batch:
    """Noise with a different box missing in each sample."""
    rng = torch.Generator().manual_seed(seed)
    mask = torch.zeros(samples, 1, size, size)
    for number in range(samples):
        mask[number, :, 3 : 8 + number % 4, 4:12] = 1
    return Batch(torch.rand(samples, 3, size, size, generator=rng) * 2 - 1, mask)


@pytest.fixture
def batch() -> Batch:
    return random_batch()
