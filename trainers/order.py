"""In which order samples come: a function of (seed, epoch) and of the sizes of shards, and of nothing else.

Samples stand in one endless line, epoch after epoch; every epoch holds each sample once. A global batch is the next so
many of the line, so a batch may hold the end of one epoch and the beginning of the next, and nothing is dropped or
repeated to make batches even. A position in the line is one number, which means the same to any number of processes.
Each process takes an equal, adjoining part of every batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines import seeds


class Spot(NamedTuple):
    """Where a sample lies, and in which epoch it comes up."""

    epoch: int
    shard: int
    row: int


@dataclass(frozen=True, eq=False)  # told apart by identity: hashing thousands of sizes takes longer than a sample
class Order:
    """The line of samples over some shards.

    Samples are mixed within windows of `mix` shards that are drawn anew each epoch: reading stays within a few shards
    at a time, which may have to be fetched. With no more shards than that, an epoch is a permutation of all samples.

    Attributes:
        sizes: samples of each shard, none of them 0.
        seed: of the run.
        mix: shards in a window; 0 keeps everything as it stands.
    """

    sizes: tuple[int, ...]
    seed: int = 0
    mix: int = 16
    total: int = field(init=False)

    def __post_init__(self) -> None:
        assert self.sizes
        assert min(self.sizes) > 0
        object.__setattr__(self, "total", sum(self.sizes))

    def at(self, position: int) -> Spot:
        """What comes at a position of the line."""
        epoch, place = divmod(position, self.total)
        if not self.mix:
            shard = int(np.searchsorted(_ends(self), place, side="right"))
            return Spot(epoch, shard, place - int(_ends(self)[shard]) + self.sizes[shard])
        _, ends = _windows(self, epoch)
        number = int(np.searchsorted(ends, place, side="right"))
        shards, rows = _mixed(self, epoch, number)
        inside = place - (int(ends[number - 1]) if number else 0)
        return Spot(epoch, int(shards[inside]), int(rows[inside]))

    def needed(self, position: int, ahead: int = 1) -> list[int]:
        """Shards of the window at a position, and of so many after it, in the order of the windows."""
        if not self.mix:
            spot = self.at(position)
            return list(range(spot.shard, min(spot.shard + 1 + ahead, len(self.sizes))))
        epoch, place = divmod(position, self.total)
        found: list[int] = []
        for _ in range(1 + ahead):
            windows, ends = _windows(self, epoch)
            number = int(np.searchsorted(ends, place, side="right"))
            found += [int(shard) for shard in windows[number]]
            epoch, place = (epoch, int(ends[number])) if number + 1 < len(windows) else (epoch + 1, 0)
        return list(dict.fromkeys(found))


@lru_cache(maxsize=8)
def _ends(order: Order) -> NDArray[np.int64]:
    return np.cumsum(order.sizes)


@lru_cache(maxsize=8)
def _windows(order: Order, epoch: int) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Shards of each window of an epoch, and the places at which the windows end."""
    shards = seeds.generator(order.seed, "shards", epoch).permutation(len(order.sizes))
    windows = [shards[start : start + order.mix] for start in range(0, len(shards), order.mix)]
    sizes = np.array(order.sizes)
    return windows, np.cumsum([sizes[window].sum() for window in windows])


@lru_cache(maxsize=4)
def _mixed(order: Order, epoch: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shard and row of every sample of a window, mixed."""
    window = _windows(order, epoch)[0][number]
    sizes = np.array(order.sizes)[window]
    shards = np.repeat(window, sizes)
    rows = np.concatenate([np.arange(size) for size in sizes])
    mixed = seeds.generator(order.seed, "samples", epoch, number).permutation(len(shards))
    return shards[mixed], rows[mixed]
