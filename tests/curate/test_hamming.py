"""Every pair within the distance is found, and no other: compared with trying all."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.curate.hamming import blocks_for, near
from pipelines.seeds import generator

EVEN, ODD = np.uint64(0xFFFFFFFFFFFFFFFE), np.uint64(1)


def hashes(seed: int, number: int, most: int, wholes: bool) -> np.ndarray:
    """Random ones, and others that differ from these in up to so many bits."""
    rng = generator("hamming", seed)
    found = rng.integers(0, 1 << 64, number, dtype=np.uint64)
    copies = [value ^ _bits(rng, most) for value in found[::3] for _ in range(2)]
    together = np.unique(np.concatenate([found, np.array(copies, np.uint64)]))
    return rng.permutation(np.unique(together | ODD) if wholes else together)


def _bits(rng: np.random.Generator, most: int) -> np.uint64:
    return np.uint64(sum(1 << int(bit) for bit in rng.choice(64, int(rng.integers(1, most + 1)), replace=False)))


def by_trying(values: np.ndarray, distance: int) -> set[tuple[int, int]]:
    apart = np.bitwise_count((values[:, None] ^ values[None]) & EVEN)
    wanted = (apart <= distance) & ((values[:, None] | values[None]) & ODD > 0)
    return {(one, other) for one, other in np.argwhere(wanted).tolist() if one < other}


@pytest.mark.parametrize("distance", [0, 1, 3, 6, 8, 12])
@pytest.mark.parametrize("wholes", [True, False])
@pytest.mark.parametrize("number", [0, 1, 40, 400])
def test_the_same_pairs_as_by_trying_all(distance, wholes, number):
    values = hashes(number, number, distance + 3, wholes)
    pairs = near(values, distance)
    found = [tuple(sorted(pair)) for pair in pairs.T.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == by_trying(values, distance)


def test_hashes_that_gather_in_few_values_are_found_too():
    values = np.arange(1000, dtype=np.uint64) << ODD | ODD
    assert {tuple(sorted(pair)) for pair in near(values, 4).T.tolist()} == by_trying(values, 4)


def test_more_hashes_are_cut_into_more_blocks():
    assert blocks_for(1_000, 6) < blocks_for(10_000_000, 6)
