"""What looking for copies asks, and how this process answers: near hashes, and thumbnails that look alike.

`search_jobs` answers the same by tasks on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.curate import hamming
from pipelines.curate.fingerprints import Hashes, Thumbnails, likeness
from pipelines.curate.hamming import Pairs

LIKE = 0.85
"""Correlation of thumbnails from which a pair counts. Source: `python -m benchmarks.duplicates`."""

PAIRS_AT_A_TIME = 1 << 15

Positions = NDArray[np.int64]
Verdicts = NDArray[np.bool_]

ReadThumbnails = Callable[[Positions], Thumbnails]
"""Thumbnails of pictures by position, which rise."""


class Search(Protocol):
    """What looking for copies asks."""

    def near(self, hashes: Hashes, distance: int) -> Pairs:
        """As `hamming.near`."""
        ...

    def alike(self, pairs: Pairs, view: str, flipped: bool) -> Verdicts:
        """(E,) of which pairs of pictures, given by position, the thumbnails look alike; see `likeness`."""
        ...


@dataclass(frozen=True)
class Here:
    """The search in this process."""

    read: ReadThumbnails

    def near(self, hashes: Hashes, distance: int) -> Pairs:
        return hamming.near(hashes, distance)

    def alike(self, pairs: Pairs, view: str, flipped: bool) -> Verdicts:
        return alike(pairs, view, flipped, self.read)


def alike(pairs: Pairs, view: str, flipped: bool, read: ReadThumbnails) -> Verdicts:
    """As `Search.alike`."""
    found = np.zeros(pairs.shape[1], bool)
    for start in range(0, pairs.shape[1], PAIRS_AT_A_TIME):
        some = pairs[:, start : start + PAIRS_AT_A_TIME]
        wanted, places = np.unique(some, return_inverse=True)
        thumbnails = read(wanted)
        whole, other = thumbnails[places.reshape(2, -1)]
        found[start : start + some.shape[1]] = likeness(whole, other, view, flipped) >= LIKE
    return found
