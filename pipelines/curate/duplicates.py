"""Duplicates: of equal pictures one is kept.

Keys are made of the source bytes' digest, so equal bytes must never enter a dataset twice; this rule
has no switch.
"""

from __future__ import annotations

from collections.abc import Iterable


def exact(digests: Iterable[str]) -> list[int]:
    """For each digest the position of the first that equals it; its own where it is the first."""
    first: dict[str, int] = {}
    return [first.setdefault(digest, position) for position, digest in enumerate(digests)]
