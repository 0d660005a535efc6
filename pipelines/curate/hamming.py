"""All pairs of hashes within a Hamming distance, found without comparing each with each.

The bits are cut into blocks. Hashes that differ in at most d bits are equal in all blocks but d, so for every choice of
the blocks that are equal, sorting brings them together: exhaustive, whatever the hashes. More blocks make more sorts
with fewer false partners in each; how many are best follows from the number of hashes. The price: hashes that gather in
few values are dear, so equal ones should be taken out before.

Source: Manku, Jain and Das Sarma, Detecting near-duplicates for web crawling (2007), with the tables made one after
another, each by one sort, instead of kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

BITS = 63
"""The lowest bit of the 64 says which side a hash is on, and does not count as a difference."""

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]
"""(2, E): positions."""

_ONE = np.uint64(1)
_SORT, _COMPARE = 70.0, 4.0
"""Nanoseconds for a hash in a sort, and for two hashes that are compared; only their ratio matters."""

_PIECE = 1 << 16
"""Hashes that are worked on at a time: they stay in the processor's own memory."""


def near(hashes: Hashes, distance: int) -> Pairs:
    """All pairs within a distance of which at least one hash is odd.

    Whoever compares all with all gives odd hashes; whoever looks for copies of one set in another marks only that one.

    Args:
        hashes: (N,) all different, `BITS` bits above the lowest.
        distance: bits that may differ, 0 or more.

    Returns:
        Each pair once, the position of the smaller hash first.
    """
    found = [in_table(hashes, table, distance) for table in tables(len(hashes), distance)]
    return positions(hashes, np.concatenate(found, axis=1))


def positions(hashes: Hashes, pairs: Hashes) -> Pairs:
    """Pairs of hashes as pairs of their positions."""
    order = np.argsort(hashes)
    places: Pairs = order[np.searchsorted(hashes, np.sort(pairs, axis=0), sorter=order)]
    return places


def blocks_for(number: int, distance: int) -> int:
    """Number of blocks with the least work."""

    def work(blocks: int) -> float:
        bits = BITS * (blocks - distance) // blocks
        return math.comb(blocks, distance) * (_SORT + _COMPARE * number / 2.0 ** (bits + 1))

    return min(range(distance + 1, distance + 7), key=work)


Block = tuple[int, int]
"""(lowest bit, number of bits), the flag below not counted."""


@dataclass(frozen=True)
class Table:
    """One choice of the blocks that are equal.

    Attributes:
        move: blocks in their order from the highest bits down: the equal ones first.
        key_bits: bits of those.
        others: where in the moved hashes the blocks lie that are not chosen, but stand before the last chosen one.
    """

    move: list[Block]
    key_bits: int
    others: list[Block]


def tables(number: int, distance: int) -> list[Table]:
    """The choices of blocks that together find every pair among so many hashes."""
    blocks = blocks_for(number, distance)
    edges = [BITS * place // blocks for place in range(blocks + 1)]
    spans = [(low, high - low) for low, high in pairwise(edges)]
    return [_table(spans, chosen) for chosen in combinations(range(blocks), blocks - distance)]


def _table(spans: list[Block], chosen: tuple[int, ...]) -> Table:
    order = [*chosen, *(number for number in range(len(spans)) if number not in chosen)]
    ends = BITS - np.cumsum([spans[number][1] for number in order])
    places = {number: (int(end), spans[number][1]) for number, end in zip(order, ends, strict=True)}
    others = [places[number] for number in order[len(chosen) :] if number < chosen[-1]]
    return Table([spans[number] for number in order], sum(spans[number][1] for number in chosen), others)


def in_table(hashes: Hashes, table: Table, distance: int, share: tuple[int, int] = (0, 1)) -> Hashes:
    """(2, E) pairs of hashes that one table finds, and none before it.

    Args:
        hashes: as for `near`; read piece by piece, so they may be a map of a file.
        share: which of how many equal ranges of the key is looked at; their number is a power of 2.
    """
    number, shares = share
    bits = np.uint64(BITS + 1 - (shares.bit_length() - 1))
    pieces = []
    for start in range(0, len(hashes), _PIECE):
        moved = _moved(hashes[start : start + _PIECE], table.move)
        pieces.append(moved if shares == 1 else moved[moved >> bits == number])
    together = np.concatenate([np.empty(0, np.uint64), *pieces])
    together.sort()
    return _restored(_neighbours(together, table, distance), table)


def _moved(hashes: Hashes, move: list[Block]) -> Hashes:
    moved = np.zeros(len(hashes), np.uint64)
    for low, size in move:
        moved <<= np.uint64(size)
        moved |= _block(hashes, (low, size))
    return moved << _ONE | hashes & _ONE


def _restored(moved: Hashes, table: Table) -> Hashes:
    hashes, end = moved & _ONE, BITS
    for low, size in table.move:
        end -= size
        hashes |= _block(moved, (end, size)) << np.uint64(low + 1)
    return hashes


def _block(hashes: Hashes, block: Block) -> Hashes:
    low, size = block
    return (hashes >> np.uint64(low + 1)) & np.uint64((1 << size) - 1)


def _neighbours(ordered: Hashes, table: Table, distance: int) -> Hashes:
    """(2, E) pairs of sorted hashes whose keys, their highest bits, are equal; those that no earlier table gives."""
    found = [np.empty((2, 0), np.uint64)]
    for start in range(0, len(ordered), _PIECE):
        found += _neighbours_of(ordered, start, min(start + _PIECE, len(ordered)), table, distance)
    return np.concatenate(found, axis=1)


def _neighbours_of(ordered: Hashes, start: int, stop: int, table: Table, distance: int) -> Iterator[Hashes]:
    """Pairs of which the smaller hash stands in a piece."""
    outside = np.uint64(BITS + 1 - table.key_bits)
    left, step = np.arange(start, stop), 1
    while left.size:
        left = left[: int(np.searchsorted(left, len(ordered) - step))]
        pairs = np.stack([ordered[left], ordered[left + step]])
        differ = pairs[0] ^ pairs[1]
        same = differ >> outside == 0
        near_ones = np.flatnonzero(same & (np.bitwise_count(differ & ~_ONE) <= distance))
        if near_ones.size:
            pairs = pairs[:, near_ones]
            yield pairs[:, _is_new(pairs, table)]
        left, step = left[same], step + 1


def _is_new(pairs: Hashes, table: Table) -> NDArray[np.bool_]:
    """Pairs with an odd one that no earlier table has found."""
    differ = pairs[0] ^ pairs[1]
    found: NDArray[np.bool_] = (pairs[0] | pairs[1]) & _ONE > 0
    # Tables come in rising order of their blocks: an earlier one has found a pair that is equal in an earlier block.
    for block in table.others:
        found &= _block(differ, block) != 0
    return found
