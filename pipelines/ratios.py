"""Bins of mask ratios: a bin is above its lower edge and up to its upper one."""

from __future__ import annotations

from itertools import pairwise

from pipelines.damage.base import Damage


def bin_of(ratio: float, edges: list[float]) -> str:
    """Name of the bin a ratio lies in; a ratio of 0 lies in the first."""
    for low, high in pairwise(edges):
        if ratio <= high:
            return bin_name(low, high)
    raise AssertionError(f"ratio {ratio} above the last edge {edges[-1]}")


def bin_name(low: float, high: float) -> str:
    return f"{low:g}-{high:g}"


def asked_ranges(damage: Damage, edges: list[float]) -> list[tuple[float, float]]:
    """The bins a damage's ratio range falls into, cut to it; empty when it has no range."""
    if damage.ratio_range is None:
        return []
    start, end = damage.ratio_range
    cut = [(max(start, low), min(end, high)) for low, high in pairwise(edges)]
    return [(low, high) for low, high in cut if low < high]
