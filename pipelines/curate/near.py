"""Near-duplicates: copies of a picture in another size, encoding, brightness, cropped a little, mirrored.

Hashes propose, exhaustively up to the asked distance; thumbnails confirm, so that pictures which only share a hash stay
apart. Whoever is near to whom is a graph, and its connected parts are the groups: transitive, and the same whatever the
order of the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipelines.curate import hamming
from pipelines.curate.embeddings import Embeddings
from pipelines.curate.fingerprints import VIEWS, Hashes, Thumbnails, likeness, mirrored
from pipelines.curate.identities import alike

LIKE = 0.85
"""Correlation of thumbnails from which a pair counts. Source: `python -m benchmarks.duplicates`."""

SAME_HASH = 64
"""So many different pictures of one hash are told apart; of more, the rest are compared with these only."""

_OF_ONE_HASH = 8
_AT_A_TIME = 1 << 15

Positions = NDArray[np.int64]
Edges = NDArray[np.int64]
"""(2, E): positions of pictures that are near-duplicates."""

ReadThumbnails = Callable[[Positions], Thumbnails]
"""Thumbnails of pictures by position, which rise."""


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
    read: ReadThumbnails,
    embeddings: NDArray[np.float32] | None = None,
) -> Edges:
    """Pairs of near-duplicates that tie every group together.

    Args:
        hashes: (N, V) of every picture and view, as fingerprints have them.
        pixels: (N,) digests of pixels; equal ones are near-duplicates whatever they look like.
        read: gives thumbnails.
        embeddings: (N, D) of unit length, where the block asks for them.
    """
    exact = _of_equal(pixels)
    firsts, same = _of_one_hash(hashes[:, 0], read)
    found = _of_near_hashes(hashes[firsts], block, lambda places: read(firsts[places]))
    seen = [] if embeddings is None or block.embeddings is None else [alike(embeddings, block.embeddings.threshold)]
    return np.concatenate([exact, same, firsts[found], *seen], axis=1)


def _of_equal(values: NDArray[np.void]) -> Edges:
    """Ties every value to the first one that equals it."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    leaders = first[inverse]
    again = np.flatnonzero(leaders != np.arange(len(values)))
    return np.stack([leaders[again], again])


def _of_one_hash(hashes: Hashes, read: ReadThumbnails) -> tuple[Positions, Edges]:
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
        alike = (pairs[0] == pairs[1]) | _alike(pairs, "whole", False, read)
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


def _of_near_hashes(hashes: Hashes, block: Duplicates, read: ReadThumbnails) -> Edges:
    entries = _entries(hashes, block)
    keys, starts, counts = np.unique(entries.keys, return_index=True, return_counts=True)
    pairs = hamming.near(keys, block.near)
    found = [np.empty((2, 0), np.int64)]
    # Equal hashes of different kinds lie next to each other: a view that is exactly another whole.
    for one, other in product(range(_OF_ONE_HASH), repeat=2):
        there = (counts[pairs[0]] > one) & (counts[pairs[1]] > other)
        if there.any():
            ends = np.stack([starts[pairs[0, there]] + one, starts[pairs[1, there]] + other])
            found.append(_confirmed(entries, ends, read))
    return np.concatenate(found, axis=1)


def _entries(hashes: Hashes, block: Duplicates) -> _Entries:
    """The wholes, and the views among which copies of them are looked for."""
    number = len(hashes)
    columns = [(hashes[:, 0] | np.uint64(1), 0, False)]
    for view in range(len(VIEWS) if block.cropped else 1):
        columns += [(hashes[:, view], view, False)] if view else []
        columns += [(mirrored(hashes[:, view]), view, True)] if block.mirrored else []
    keys = np.concatenate([column for column, _, _ in columns])
    order = np.argsort(keys, kind="stable")
    views = np.repeat(np.array([view for _, view, _ in columns], np.int8), number)
    flips = np.repeat(np.array([flip for _, _, flip in columns]), number)
    return _Entries(keys[order], np.tile(np.arange(number), len(columns))[order], views[order], flips[order])


def _confirmed(entries: _Entries, ends: NDArray[np.int64], read: ReadThumbnails) -> Edges:
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
            alike[chosen] = _alike(pictures[:, chosen], name, flipped, read)
    return pictures[:, alike]


def _alike(pairs: Edges, view: str, flipped: bool, read: ReadThumbnails) -> NDArray[np.bool_]:
    found = np.zeros(pairs.shape[1], bool)
    for start in range(0, pairs.shape[1], _AT_A_TIME):
        some = pairs[:, start : start + _AT_A_TIME]
        wanted, places = np.unique(some, return_inverse=True)
        thumbnails = read(wanted)
        whole, other = thumbnails[places.reshape(2, -1)]
        found[start : start + some.shape[1]] = likeness(whole, other, view, flipped) >= LIKE
    return found
