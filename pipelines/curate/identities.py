"""Identities: which faces are probably one person, from embeddings, where a corpus names nobody.

Average linkage: two groups become one where the mean similarity over all pairs of their faces reaches the threshold.
Linking single pairs would chain, from one look-alike to the next, until half the dataset is one person; asking all
pairs would part a person from an odd photograph of their own. Groups that are nearest to each other merge, round by
round, until no two are left that should: this is checked exactly up to `EXACT` faces. Beyond, faces are compared only
with those near the same anchors, which is faster and misses some.

Embeddings are rounded to whole parts of 1/2048. Then every sum is a whole number that the floating point type holds
exactly, and the groups do not depend on the processor, its number of cores, or the order in which it adds.

Source: Sumengen et al., "Scaling Hierarchical Agglomerative Clustering to Billion-sized Datasets" (2021), for merging
all reciprocal nearest neighbours at once. We contract a graph of a few neighbours before looking for new ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines import seeds

NONE = -1

THRESHOLDS = {"offline": 0.955, "insightface": 0.4}
"""Mean cosine similarity from which faces are one person, by engine.

offline: a distance of 0.3 between vectors of unit length, where `benchmarks/faces.py` finds the nearest two different
people. dlib's own example of clustering takes 0.5 between its vectors, which are 1.45 long: that is 0.94 here.
insightface: between 0.28, from which its own example calls two pictures the same person, and 0.5, from which Immich
groups photographs with buffalo_l. No pack could be tried here, so this number is not measured.
"""

EXACT = 150_000
"""Faces up to which every pair is compared."""

ANCHORS_EACH = 6
"""Anchors to which a face is dealt where not every pair is compared."""

NEIGHBOURS = 16
"""Pairs that are kept of each face per round."""

_PARTS = 2048
_ROWS, _COLUMNS = 512, 8192
_PAIRS_AT_A_TIME = 1 << 16

Whole = NDArray[np.int32]
"""(N, D): sums of embeddings in parts of 1/2048."""
Pairs = NDArray[np.int64]
"""(2, E): positions, the first below the second."""
Counts = NDArray[np.int64]


def clusters(embeddings: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Number of the group that each face belongs to.

    Args:
        embeddings: (N, D) of unit length; all zeros where a face has none. The order of rows decides ties.
        threshold: mean cosine similarity within a group.

    Returns:
        (N,) position of the first face of its group; -1 for a face that is alone.
    """
    leaders = np.arange(len(embeddings))
    active = np.flatnonzero(embeddings.any(axis=1))
    sums = np.rint(embeddings[active] * np.float32(_PARTS)).astype(np.int32)
    sizes = np.ones(len(active), np.int64)
    while (pairs := _near(sums, sizes, threshold)).shape[1]:
        # Who is near nobody stays so: the mean similarity to a merged group is never above that to both its parts.
        left, pairs = np.unique(pairs, return_inverse=True)
        active, sums, sizes = active[left], sums[left], sizes[left]
        merged_into = _merge(sums, sizes, pairs.reshape(2, -1), threshold)
        to_leader = np.arange(len(leaders))
        to_leader[active] = active[merged_into]
        leaders = to_leader[leaders]
        remain = np.unique(merged_into)
        active, sums, sizes = active[remain], sums[remain], sizes[remain]
    alone = np.bincount(leaders, minlength=len(leaders))[leaders] == 1
    return np.where(alone, NONE, leaders)


def surplus(
    sha256: pa.ChunkedArray, declared: pa.ChunkedArray, found: NDArray[np.int64], most: int, seed: int
) -> NDArray[np.bool_]:
    """Pictures that are too many of one person; those of the smallest seeded digests stay.

    Args:
        declared: (N,) identity that a corpus declares, "" for none.
        found: (N,) number of the person otherwise, -1 for none.
    """
    named = declared.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    nobody = pc.equal(declared, "").to_numpy()
    person = np.where(nobody, found, -2 - named)
    order = seeds.order(seeds.digests(seed, sha256, "person"))
    order = order[np.argsort(person[order], kind="stable")]
    _, starts, counts = np.unique(person[order], return_index=True, return_counts=True)
    beyond = np.zeros(len(person), bool)
    beyond[order] = np.arange(len(order)) - np.repeat(starts, counts) >= most
    too_many: NDArray[np.bool_] = beyond & (person != NONE)
    return too_many


def alike(embeddings: NDArray[np.float32], threshold: float) -> Pairs:
    """Pairs whose cosine similarity reaches the threshold, some of each one's nearest; exact up to `EXACT` of them.

    Args:
        embeddings: (N, D) of unit length.
    """
    sums = np.rint(embeddings * np.float32(_PARTS)).astype(np.int32)
    return _near(sums, np.ones(len(sums), np.int64), threshold)


def _merge(sums: Whole, sizes: Counts, pairs: Pairs, threshold: float) -> NDArray[np.int64]:
    """Merges neighbours until none of the pairs reaches the threshold; gives whom each has become part of.

    Args:
        sums, sizes: of every group; those that remain are changed to hold what was merged into them.
    """
    leaders = np.arange(len(sizes))
    while True:
        similar = _similarity(sums, sizes, pairs)
        pairs, similar = pairs[:, similar >= threshold], similar[similar >= threshold]
        if not pairs.shape[1]:
            return leaders
        into, gone = pairs[:, _reciprocal(pairs, similar, len(sizes))]
        sums[into] += sums[gone]
        sizes[into] += sizes[gone]
        to_leader = np.arange(len(sizes))
        to_leader[gone] = into
        leaders = to_leader[leaders]
        pairs = np.sort(to_leader[pairs], axis=0)
        pairs = np.unique(pairs[:, pairs[0] != pairs[1]], axis=1)


def _reciprocal(pairs: Pairs, similar: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Pairs in which each is the other's nearest; of equally near ones the pair that stands first."""
    ranks = np.empty(len(similar), np.int64)
    ranks[np.lexsort((pairs[1], pairs[0], -similar))] = np.arange(len(similar))
    best = np.full(number, len(similar))
    for ends in pairs:
        np.minimum.at(best, ends, ranks)
    return np.flatnonzero((best[pairs[0]] == ranks) & (best[pairs[1]] == ranks))


def _similarity(sums: Whole, sizes: Counts, pairs: Pairs) -> NDArray[np.float64]:
    """Mean cosine similarity over all faces of one group to all of the other, of every pair."""
    found = np.empty(pairs.shape[1])
    for start in range(0, len(found), _PAIRS_AT_A_TIME):
        one, other = pairs[:, start : start + _PAIRS_AT_A_TIME]
        products = np.einsum("nd,nd->n", sums[one].astype(np.float64), sums[other].astype(np.float64))
        found[start : start + len(one)] = products / (sizes[one] * sizes[other] * float(_PARTS**2))
    return found


def _near(sums: Whole, sizes: Counts, threshold: float) -> Pairs:
    """Pairs of groups that reach the threshold, some of each group's nearest."""
    if len(sizes) <= EXACT:
        return _near_among(sums, sizes, threshold)
    found = [members[_near_among(sums[members], sizes[members], threshold)] for members in _around_anchors(sums, sizes)]
    return np.unique(np.concatenate(found, axis=1), axis=1)


def _around_anchors(sums: Whole, sizes: Counts) -> Iterator[NDArray[np.int64]]:
    """Groups dealt into lists by the anchors they are nearest to; an anchor is every so-manieth group."""
    step = max(1, int(np.sqrt(len(sums)) / 2))
    anchors = _means(sums[::step], sizes[::step])
    nearest = np.empty((len(sums), ANCHORS_EACH), np.int32)
    for start in range(0, len(sums), _COLUMNS):
        rows = slice(start, start + _COLUMNS)
        products = (_means(sums[rows], sizes[rows]) @ anchors.T).astype(np.float64)
        # Equal products are told apart by the anchor's number: partitioning orders them as the processor likes.
        ranked = products * -len(anchors) + np.arange(len(anchors))
        nearest[rows] = np.argpartition(ranked, ANCHORS_EACH, axis=1)[:, :ANCHORS_EACH]
    nearest.sort(axis=1)
    order = np.argsort(nearest, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(nearest.ravel(), minlength=len(anchors)))[:-1]
    yield from np.split(order // ANCHORS_EACH, ends)


def _means(sums: Whole, sizes: Counts) -> NDArray[np.float32]:
    """Means of groups in whole parts, so that their products are exact."""
    return np.rint(sums / sizes[:, None]).astype(np.float32)


def _near_among(sums: Whole, sizes: Counts, threshold: float) -> Pairs:
    """As `_near`, comparing each with each."""
    alone = bool(sizes.max(initial=1) == 1)
    exact: type = np.float32 if alone else np.float64
    found = [np.empty((2, 0), np.int64)]
    for start in range(0, len(sums), _ROWS):
        rows: NDArray[np.floating] = sums[start : start + _ROWS].astype(exact)
        kept = _Nearest()
        for column in range(start, len(sums), _COLUMNS):
            columns = slice(column, column + _COLUMNS)
            products = rows @ sums[columns].astype(exact).T
            of_all = 1 if alone else sizes[start : start + _ROWS, None] * sizes[columns]
            # The wanted product is rounded up to a whole number, which every type here compares exactly.
            one, other = np.nonzero(products >= np.ceil(threshold * _PARTS**2 * of_all).astype(exact))
            later = other + column > one + start
            one, other = one[later], other[later]
            pairs = np.stack([one + start, other + column])
            kept.add(pairs, products[one, other] / (sizes[pairs].prod(axis=0) * float(_PARTS**2)))
        found.append(kept.pairs)
    return np.concatenate(found, axis=1)


class _Nearest:
    """The few nearest partners of some rows, gathered piece by piece."""

    def __init__(self) -> None:
        self.pairs: Pairs = np.empty((2, 0), np.int64)
        self._similar = np.empty(0)

    def add(self, pairs: Pairs, similar: NDArray[np.float64]) -> None:
        pairs = np.concatenate([self.pairs, pairs], axis=1)
        similar = np.concatenate([self._similar, similar])
        order = np.lexsort((pairs[1], -similar, pairs[0]))
        ranked = pairs[0, order]
        _, starts, counts = np.unique(ranked, return_index=True, return_counts=True)
        order = order[np.arange(len(order)) - np.repeat(starts, counts) < NEIGHBOURS]
        self.pairs, self._similar = pairs[:, order], similar[order]
