"""Near-duplicates: copies of a picture in another size, encoding, brightness, cropped a little, mirrored.

Hashes propose, exhaustively up to the asked distance; thumbnails confirm, so that pictures which only share a hash stay
apart. Whoever is near to whom is a graph, and its connected parts are the groups: transitive, and the same whatever the
order of the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipelines.curate.embeddings import Embeddings
from pipelines.curate.fingerprints import VIEWS, Hashes, mirrored
from pipelines.curate.identities import alike
from pipelines.curate.search import Search

SAME_HASH = 64
"""So many different pictures of one hash are told apart; of more, the rest are compared with these only."""

_OF_ONE_HASH = 8

Positions = NDArray[np.int64]
Edges = NDArray[np.int64]
"""(2, E): positions of pictures that are near-duplicates."""


class Duplicates(BaseModel):
    """The `duplicates:` block of `curate`."""

    model_config = ConfigDict(extra="forbid")

    near: int = Field(
        8,
        ge=0,
        le=12,
        description="Bits of 63 in which the hashes of near-duplicates may differ; all pairs within it are found. "
        "Up to 6 for ten million pictures.",
    )
    mirrored: bool = Field(True, description="Find mirrored copies too.")
    cropped: bool = Field(
        True, description="Find copies that were cropped by up to a twentieth too; takes six times as long."
    )
    keep: Literal["best", "all"] = Field(
        "best",
        description="best keeps of every group the picture of most pixels; all keeps the whole group, in one split.",
    )
    embeddings: Embeddings | None = Field(
        None, description="A network that finds near-duplicates too, besides the hashes."
    )
    against: list[str] = Field(
        default_factory=list,
        description="Datasets or folders of pictures, such as a benchmark's test set, whose near-duplicates must not "
        "enter.",
    )


def edges(
    hashes: Hashes,
    pixels: NDArray[np.void],
    block: Duplicates,
    search: Search,
    embeddings: NDArray[np.float32] | None = None,
) -> Edges:
    """Pairs of near-duplicates that tie every group together.

    Args:
        hashes: (N, V) of every picture and view, as fingerprints have them.
        pixels: (N,) digests of pixels; equal ones are near-duplicates whatever they look like.
        search: finds near hashes, and compares thumbnails of pictures by position.
        embeddings: (N, D) of unit length, where the block asks for them.
    """
    exact = _of_equal(pixels)
    firsts, same = _of_one_hash(hashes[:, 0], search)
    found = _of_near_hashes(hashes, firsts, block, search)
    seen = [] if embeddings is None or block.embeddings is None else [alike(embeddings, block.embeddings.threshold)]
    return np.concatenate([exact, same, found, *seen], axis=1)


def _of_equal(values: NDArray[np.void]) -> Edges:
    """Ties every value to the first one that equals it."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    leaders = first[inverse]
    again = np.flatnonzero(leaders != np.arange(len(values)))
    return np.stack([leaders[again], again])


def _of_one_hash(hashes: Hashes, search: Search) -> tuple[Positions, Edges]:
    """Pictures that stand for those of their hash that look like them, and the pairs that tie these to them."""
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    stands = counts[inverse] == 1
    left = np.flatnonzero(~stands)
    found = [np.empty((2, 0), np.int64)]
    for _ in range(SAME_HASH):
        if not left.size:
            break
        _, first, of_first = np.unique(inverse[left], return_index=True, return_inverse=True)
        pairs = np.stack([left[first][of_first], left])
        alike = (pairs[0] == pairs[1]) | search.alike(pairs, "whole", False)
        stands[left[first]] = True
        found.append(pairs[:, alike & (pairs[0] != pairs[1])])
        left = left[~alike]
    return np.flatnonzero(stands), np.concatenate(found, axis=1)


@dataclass(frozen=True, eq=False)
class _Entries:
    """Hashes of views in rising order; several may be equal.

    Attributes:
        keys: (M,) hashes, odd for whole pictures as they are.
        pictures, views, flips: (M,) what each belongs to.
    """

    keys: Hashes
    pictures: Positions
    views: NDArray[np.int8]
    flips: NDArray[np.bool_]


def _of_near_hashes(hashes: Hashes, firsts: Positions, block: Duplicates, search: Search) -> Edges:
    """Pairs among some of the pictures, no two of which have one hash and look alike."""
    entries = _entries(hashes, firsts, block)
    keys, starts, counts = _runs(entries.keys)
    pairs = search.near(keys, block.near)
    found = [np.empty((2, 0), np.int64)]
    # Equal hashes of different kinds lie next to each other: a view that is exactly another whole.
    for one, other in product(range(_OF_ONE_HASH), repeat=2):
        there = (counts[pairs[0]] > one) & (counts[pairs[1]] > other)
        if there.any():
            ends = np.stack([starts[pairs[0, there]] + one, starts[pairs[1, there]] + other])
            found.append(_confirmed(entries, ends, search))
    return np.concatenate(found, axis=1)


def _runs(ordered: Hashes) -> tuple[Hashes, Positions, Positions]:
    """Different values of a sorted array, where each begins, and how many there are of it."""
    new = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    return ordered[starts], starts, np.diff(starts, append=len(ordered))


def _entries(hashes: Hashes, pictures: Positions, block: Duplicates) -> _Entries:
    """The wholes of some pictures, and the views among which copies of them are looked for."""
    columns = [(hashes[pictures, 0] | np.uint64(1), 0, False)]
    for view in range(len(VIEWS) if block.cropped else 1):
        columns += [(hashes[pictures, view], view, False)] if view else []
        columns += [(mirrored(hashes[pictures, view]), view, True)] if block.mirrored else []
    keys = np.concatenate([column for column, _, _ in columns])
    order = np.argsort(keys, kind="stable")
    kinds = (order // max(1, len(pictures))).astype(np.int8)
    views, flips = np.array([view for _, view, _ in columns], np.int8), np.array([flip for _, _, flip in columns])
    return _Entries(keys[order], pictures[order % max(1, len(pictures))], views[kinds], flips[kinds])


def _confirmed(entries: _Entries, ends: NDArray[np.int64], search: Search) -> Edges:
    """Pairs of entries, of which one is a whole, whose thumbnails look alike."""
    whole = entries.keys[ends] & np.uint64(1) > 0
    ends = np.where(whole[0], ends, ends[::-1])
    pictures = entries.pictures[ends]
    ends, pictures = (pairs[:, pictures[0] != pictures[1]] for pairs in (ends, pictures))
    views, flips = entries.views[ends[1]], entries.flips[ends[1]]
    alike = np.zeros(pictures.shape[1], bool)
    for number, name in enumerate(VIEWS):
        for flipped in (False, True):
            chosen = np.flatnonzero((views == number) & (flips == flipped))
            if chosen.size:
                alike[chosen] = search.alike(pictures[:, chosen], name, flipped)
    return pictures[:, alike]
