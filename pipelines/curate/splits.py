"""Splits: which pictures go to train, val and test.

What belongs together goes together: the unit is a group of pictures, joined over identities, near-duplicates and
whatever else is said to belong together, transitively. A group is named by the smallest SHA-256 of its pictures, so
that no order of rows and no salt decides anything. All of it works on columns: ten million rows take seconds.

Splits are int8 numbers of `SPLITS`; -1 is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines import seeds
from pipelines.sample import SPLITS

NONE = -1

Positions = NDArray[np.int64]
SplitNumbers = NDArray[np.int8]


class Splits(BaseModel):
    """The `splits:` block of a recipe; `official` alone, or shares alone, stand for it."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["exact", "hash", "official"] = Field(
        "exact",
        description="exact meets the shares to the picture; hash draws each group by its own digest, so that adding a "
        "source moves nothing, and meets shares on average; official takes what the sources declare.",
    )
    train: float = Field(0.9, ge=0, le=1, description="Share of the pictures.")
    val: float = Field(0.05, ge=0, le=1, description="Share of the pictures.")
    test: float = Field(0.05, ge=0, le=1, description="Share of the pictures.")
    per_bin: list[Literal["val", "test"]] = Field(
        default_factory=list,
        description="Splits to evaluate on, bin by bin: there every crop has one sample in each of `bins`, of the "
        "damages that can be asked for a ratio, whatever their ratio_range, and `variants` of those that cannot, such "
        "as face masks.",
    )
    bins: list[float] = Field(
        [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        min_length=2,
        description="Edges of those bins; NVIDIA's six by default. Neighbours in `ratio_bins` too.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """A mode alone, and shares of which those that are not named are none."""
        if isinstance(given, str):
            return {"mode": given}
        if isinstance(given, dict) and given.keys() & set(SPLITS):
            return dict.fromkeys(SPLITS, 0.0) | given
        return given

    @field_validator("bins")
    @classmethod
    def _check_bins(cls, edges: list[float]) -> list[float]:
        if edges != sorted(set(edges)) or edges[0] < 0 or edges[-1] > 1:
            raise ValueError(f"edges must rise within 0 and 1, found {edges}")
        return edges

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError(f"shares must sum to 1, found train {self.train:g}, val {self.val:g}, test {self.test:g}")
        return self

    def shares(self) -> dict[str, float]:
        """Share of every split that has one."""
        return {name: share for name in SPLITS if (share := getattr(self, name))}

    def ranges(self, split: str) -> list[tuple[float, float]]:
        """Ratio ranges of the samples of a crop, where they are fixed; else none."""
        return list(pairwise(self.bins)) if split in self.per_bin else []


def join(sha256: pa.ChunkedArray, groupings: Sequence[pa.ChunkedArray]) -> Positions:
    """For every picture the position of the one that names its group: the smallest SHA-256 in it.

    Args:
        sha256: of the pictures; equal ones are one group.
        groupings: columns of one value per picture, texts or whole numbers; equal values join pictures. Null, "" and
            negative numbers join nothing. Pictures that two columns join by way of a third picture are joined too.
    """
    order = pc.sort_indices(sha256).to_numpy().astype(np.int64)
    # Equal digests share the place of the first of them, and so are one node of the graph.
    places = np.empty(len(order), np.int64)
    places[order] = _first_of_equals(sha256, order)
    ends = [_to_smallest(places, _codes(column)) for column in groupings]
    roots = components(len(order), np.concatenate([np.empty((2, 0), np.int64), *ends], axis=1))
    found: Positions = order[roots[places]]
    return found


def by_shares(sha256: pa.ChunkedArray, leaders: Positions, shares: Mapping[Any, float], seed: int) -> SplitNumbers:
    """Splits of exact shares, so that 5 % holds 5 % also of forty pictures.

    Groups are ranked by a seeded digest and cut where a split has enough pictures. Every split with a share gets a
    group, as long as there are enough.

    Args:
        leaders: as given by `join`.
        shares: split to its share, summing to 1.
    """
    groups, sizes, numbers = _groups(sha256, leaders, seed)
    ranked = seeds.order(numbers)
    ends = np.cumsum(sizes[ranked])
    quotas = _quotas(len(leaders), len(groups), shares)
    cut, start = np.full(len(groups), SPLITS.index(_largest(shares)), np.int8), 0
    # Small splits first: a big group must not land in the smallest split only because it came last.
    rising = sorted((name for name in shares if quotas[name] > 0), key=lambda name: (shares[name], name))
    for left, name in zip(range(len(rising) - 1, -1, -1), rising, strict=True):
        goal = quotas[name] + (ends[start - 1] if start else 0)
        # A split that is still to come gets a group, however large those are that stand before.
        end = min(int(np.searchsorted(ends, goal)) + 1, len(groups) - left)
        cut[start:end] = SPLITS.index(name)
        start = max(start, end)
    of_group = np.empty(len(leaders), np.int8)
    of_group[groups[ranked]] = cut
    found: SplitNumbers = of_group[leaders]
    return found


def by_hash(sha256: pa.ChunkedArray, leaders: Positions, shares: Mapping[Any, float], seed: int) -> SplitNumbers:
    """Splits that follow from each group's name alone: adding a source moves no group that it does not touch.

    The price: shares are met on average only, by about the root of the number of groups, and a small split may be
    empty. A group moves only when a source brings it a picture of smaller SHA-256, or joins it to another group.
    """
    groups, _, numbers = _groups(sha256, leaders, seed)
    names = [name for name in SPLITS if shares.get(name)]
    upper = np.cumsum([shares[name] for name in names])[:-1]
    drawn = np.searchsorted(upper, seeds.uniforms(numbers), side="right")
    of_group = np.empty(len(leaders), np.int8)
    of_group[groups] = np.array([SPLITS.index(name) for name in names], np.int8)[drawn]
    found: SplitNumbers = of_group[leaders]
    return found


def conflicts(declared: SplitNumbers, leaders: Positions) -> NDArray[np.bool_]:
    """Pictures to drop, with the reason `split_conflict`, so that no group stands in two of the official splits.

    An official split is never changed: a picture stays where its corpus put it, or goes. Train loses to val and test,
    and val to test, so that test sets stay whole and results on them comparable.
    """
    strongest = np.full(len(leaders), NONE, np.int8)
    np.maximum.at(strongest, leaders, declared)
    lost: NDArray[np.bool_] = (declared != NONE) & (declared < strongest[leaders])
    return lost


def numbers_of(names: pa.ChunkedArray) -> SplitNumbers:
    """Numbers of splits given by name; whatever is no split is none."""
    found: SplitNumbers = pc.fill_null(pc.index_in(names, pa.array(SPLITS)), NONE).to_numpy().astype(np.int8)
    return found


def names_of(numbers: SplitNumbers) -> pa.Array:
    """Names of splits given by number, "" for none."""
    return pa.array(["", *SPLITS]).take(pa.array(numbers + 1))


def _groups(
    sha256: pa.ChunkedArray, leaders: Positions, seed: int
) -> tuple[Positions, NDArray[np.int64], seeds.Digests]:
    """Every group's leader, number of pictures, and the digest that decides on it."""
    sizes = np.bincount(leaders, minlength=len(leaders))
    groups = np.flatnonzero(sizes)
    return groups, sizes[groups], seeds.digests(seed, sha256.take(pa.array(groups)), "split")


def _first_of_equals(texts: pa.ChunkedArray, order: Positions) -> Positions:
    """For sorted texts, the place of the first text that equals each."""
    arranged = pc.take(texts, pa.array(order))
    new = np.ones(len(order), bool)
    new[1:] = pc.not_equal(arranged.slice(1), arranged.slice(0, max(len(order) - 1, 0))).to_numpy()
    return np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Equal values as equal numbers from 0, and -1 where there is none."""
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    nothing = pc.equal(column, "") if text else pc.less(column, 0)
    column = pc.if_else(nothing, None, column)
    encoded = pa.chunked_array(column).dictionary_encode().unify_dictionaries()
    parts = [pc.fill_null(chunk.indices, NONE).to_numpy() for chunk in encoded.chunks]
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def _to_smallest(places: Positions, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(2, n) edges that tie every picture to the one of the smallest place among those of its code."""
    places, codes = places[codes != NONE], codes[codes != NONE]
    smallest = np.full(int(codes.max(initial=NONE)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, codes, places)
    ends = np.stack([places, smallest[codes]])
    return ends[:, ends[0] != ends[1]]


def components(number: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest node of every node's connected component.

    Source: Liu and Tarjan, "Simple concurrent labeling algorithms for connected components" (2019): parents are linked
    to the smaller one along every edge, then all paths are shortened. O(log^2 n) rounds; in practice three or four.
    """
    parents = np.arange(number)
    while edges.shape[1]:
        np.minimum.at(parents, edges.max(axis=0), edges.min(axis=0))
        while not np.array_equal(shorter := parents[parents], parents):
            parents = shorter
        edges = parents[edges]
        edges = edges[:, edges[0] != edges[1]]
    return parents


def _largest(shares: Mapping[Any, float]) -> str:
    return str(max(shares, key=lambda name: (shares[name], name)))


def _quotas(total: int, num_groups: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that sum to `total`, by largest remainder, at least one each if there are enough groups."""
    exact = {name: total * share for name, share in shares.items()}
    quotas = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(shares, key=lambda name: (quotas[name] - exact[name], name))
    for name in by_remainder[: total - sum(quotas.values())]:
        quotas[name] += 1
    if num_groups >= len(shares):
        for name in sorted(shares):
            if quotas[name] == 0:
                quotas[max(quotas, key=lambda other: (quotas[other], other))] -= 1
                quotas[name] = 1
    return quotas
