"""Randomness as an argument: every stage derives its own generator from what it works on.

A generator depends on the recipe's seed, the thing's key and the stage's name only, so a result
does not change with the order of work, the number of workers or a restart.
"""

from __future__ import annotations

import hashlib

import numpy as np


def digest(*parts: object) -> int:
    """128-bit number that depends on every part and on their boundaries."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = str(part).encode()
        state.update(len(encoded).to_bytes(4, "little") + encoded)
    return int.from_bytes(state.digest(), "little")


def generator(*parts: object) -> np.random.Generator:
    """Generator seeded by (recipe seed, key, stage name, ...)."""
    return np.random.Generator(np.random.PCG64(digest(*parts)))


def uniform(*parts: object) -> float:
    """One number in [0, 1) without the price of a generator."""
    return (digest(*parts) >> 75) / (1 << 53)
