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
_SORT, _COMPARE = 60.0, 4.0
"""Nanoseconds for a hash in a sort, and for two hashes that are compared; only their ratio matters."""


def near(hashes: Hashes, distance: int) -> Pairs:
    """All pairs within a distance of which at least one hash is odd.

    Whoever compares all with all gives odd hashes; whoever looks for copies of one set in another marks only that one.

    Args:
        hashes: (N,) all different, `BITS` bits above the lowest.
        distance: bits that may differ, 0 or more.

    Returns:
        Each pair once, the position of the smaller hash first.
    """
    tables = _tables(blocks_for(len(hashes), distance), distance)
    pairs = np.concatenate([_in_table(hashes, table, distance) for table in tables], axis=1)
    pairs.sort(axis=0)
    order = np.argsort(hashes)
    places: Pairs = order[np.searchsorted(hashes, pairs, sorter=order)]
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
class _Table:
    """One choice of the blocks that are equal.

    Attributes:
        move: blocks in their order from the highest bits down: the equal ones first.
        key_bits: bits of those.
        others: where in the moved hashes the blocks lie that are not chosen, but stand before the last chosen one.
    """

    move: list[Block]
    key_bits: int
    others: list[Block]


def _tables(blocks: int, distance: int) -> Iterator[_Table]:
    edges = [BITS * number // blocks for number in range(blocks + 1)]
    spans = [(low, high - low) for low, high in pairwise(edges)]
    for chosen in combinations(range(blocks), blocks - distance):
        order = [*chosen, *(number for number in range(blocks) if number not in chosen)]
        ends = BITS - np.cumsum([spans[number][1] for number in order])
        places = {number: (int(end), spans[number][1]) for number, end in zip(order, ends, strict=True)}
        others = [places[number] for number in order[len(chosen) :] if number < chosen[-1]]
        yield _Table([spans[number] for number in order], sum(spans[number][1] for number in chosen), others)


def _in_table(hashes: Hashes, table: _Table, distance: int) -> Hashes:
    return _restored(_neighbours(np.sort(_moved(hashes, table.move)), table, distance), table)


def _moved(hashes: Hashes, move: list[Block]) -> Hashes:
    moved = np.zeros_like(hashes)
    for low, size in move:
        moved <<= np.uint64(size)
        moved |= _block(hashes, (low, size))
    return moved << _ONE | hashes & _ONE


def _restored(moved: Hashes, table: _Table) -> Hashes:
    hashes, end = moved & _ONE, BITS
    for low, size in table.move:
        end -= size
        hashes |= _block(moved, (end, size)) << np.uint64(low + 1)
    return hashes


def _block(hashes: Hashes, block: Block) -> Hashes:
    low, size = block
    return (hashes >> np.uint64(low + 1)) & np.uint64((1 << size) - 1)


def _neighbours(ordered: Hashes, table: _Table, distance: int) -> Hashes:
    """(2, E) pairs of sorted hashes whose keys, their highest bits, are equal; those that no earlier table gives."""
    keys = ordered >> np.uint64(BITS + 1 - table.key_bits)
    left, found = np.arange(len(ordered)), [np.empty((2, 0), np.uint64)]
    step = 1
    while left.size:
        left = left[left + step < len(ordered)]
        left = left[keys[left] == keys[left + step]]
        pairs = np.stack([ordered[left], ordered[left + step]])
        found.append(pairs[:, _is_found(pairs, table, distance)])
        step += 1
    return np.concatenate(found, axis=1)


def _is_found(pairs: Hashes, table: _Table, distance: int) -> NDArray[np.bool_]:
    differ = pairs[0] ^ pairs[1]
    found: NDArray[np.bool_] = (np.bitwise_count(differ & ~_ONE) <= distance) & ((pairs[0] | pairs[1]) & _ONE > 0)
    # Tables come in rising order of their blocks: an earlier one has found a pair that is equal in an earlier block.
    for block in table.others:
        found &= _block(differ, block) != 0
    return found
