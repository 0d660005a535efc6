"""Masks as runs of pixels in text: what the parameters of a shape hold.

The encoding is the compressed run lengths of COCO, so that `counts` of a sample's json can be read with COCO's tools
too. A shape of a 512-pixel picture takes about a kilobyte; nothing in it depends on a library's version, as the output
of a compressor would.

Source: the published API of COCO (Lin et al., ECCV 2014), `maskApi.c`: lengths of alternating runs, column by column,
the first of zeros; from the fourth on as differences to the length before the last; each in groups of five bits, the
lowest first, a sixth bit saying that more follow, plus 48.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Mask

Counts = NDArray[np.int64]
"""(N,) lengths of runs of zeros and ones by turns, column by column."""

_BITS, _MORE, _SIGN, _OFFSET = 5, 0x20, 0x10, 48


def encode(mask: Mask) -> str:
    """Runs of what is not zero in (H, W)."""
    flat = np.ascontiguousarray(mask.T).ravel() != 0
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    begins = [0, 0] if flat.size and flat[0] else [0]
    return to_text(np.diff(np.concatenate([begins, changes, [flat.size]])))


def decode(text: str, height: int, width: int) -> Mask:
    """(height, width) uint8 of 0 and 255.

    Raises:
        ValueError: these are no runs, or not those of such a mask.
    """
    return fill(from_text(text), height, width)


def fill(counts: Counts, height: int, width: int) -> Mask:
    """(height, width) uint8 of 0 and 255.

    Raises:
        ValueError: the lengths are not those of such a mask.
    """
    if (counts < 0).any() or counts.sum() != height * width:
        raise ValueError(f"runs of {int(counts.sum())} pixels cannot fill {width} x {height}")
    values = np.zeros(len(counts), np.uint8)
    values[1::2] = 255
    return np.ascontiguousarray(np.repeat(values, counts).reshape(width, height).T)


def to_text(counts: Counts) -> str:
    rest = counts.astype(np.int64)
    rest[3:] -= counts[1:-2]
    groups, told = [], []
    more = np.ones(len(rest), bool)
    while more.any():
        low = rest & 0x1F
        rest >>= _BITS
        told.append(more)
        more = more & (rest != np.where(low & _SIGN, -1, 0))
        groups.append(low + _OFFSET + np.where(more, _MORE, 0))
    codes: bytes = np.stack(groups, 1)[np.stack(told, 1)].astype(np.uint8).tobytes()
    return codes.decode("ascii")


def from_text(text: str) -> Counts:
    """Lengths of the runs.

    Raises:
        ValueError: the text holds none.
    """
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - _OFFSET
    if not len(codes) or codes.min() < 0 or codes.max() > 0x3F or codes[-1] & _MORE:
        raise ValueError("not the run lengths of a mask")
    ends = np.flatnonzero(codes & _MORE == 0)
    begins = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(codes)) - np.repeat(begins, ends - begins + 1)
    if place.max() > 8:
        raise ValueError("a run length of more than 45 bits")
    counts = np.add.reduceat((codes & 0x1F) << (_BITS * place), begins)
    counts -= np.where(codes[ends] & _SIGN, np.int64(1) << (_BITS * (place[ends] + 1)), 0)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts
