"""Splits: which pictures go to train, val and test.

Pictures are ranked by a seeded hash and cut at exact shares, so a split of 5 % holds 5 % also when
there are forty pictures. What belongs together goes together: the unit is a group of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines import seeds


def by_share(groups: Sequence[str], shares: Mapping[Any, float], seed: int) -> dict[str, str]:
    """Split of every group.

    Args:
        groups: names of groups; repeated ones count as often as they stand there.
        shares: split to its share, summing to 1.

    Returns:
        Group to split. Every split with a share gets a group, as long as there are enough.
    """
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    ranked = sorted(sizes, key=lambda group: (seeds.digest(seed, group, "split"), group))
    quotas = _quotas(len(groups), len(ranked), shares)
    assigned: dict[str, str] = {}
    taken = dict.fromkeys(shares, 0)
    # Small splits first: a big group must not land in the smallest split only because it came last.
    for name in sorted(shares, key=lambda name: (shares[name], name)):
        for group in ranked:
            if group not in assigned and taken[name] < quotas[name]:
                assigned[group] = name
                taken[name] += sizes[group]
    largest = max(shares, key=lambda name: (shares[name], name))
    return {group: assigned.get(group, largest) for group in ranked}


def together(pictures: Sequence[tuple[str, str]]) -> list[str]:
    """Group of every picture, given its SHA-256 and its identity, which is "" where none is declared.

    All pictures of one identity are one group. It is named by the smallest of their digests and not by the identity,
    whose own digest is salted anew for every output.
    """
    smallest: dict[str, str] = {}
    for digest, identity in pictures:
        if identity:
            smallest[identity] = min(digest, smallest.get(identity, digest))
    return [smallest.get(identity, digest) for digest, identity in pictures]


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
