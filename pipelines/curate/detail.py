"""How much detail a picture really holds: whether it was blown up, and whether anything in it is sharp.

Two questions that one number cannot answer. `detail_share` looks at single pixels and finds pictures that hold less
than their width and height say; `sharpness` looks at a fixed scale and finds those that are out of focus or shaken
however large they are. Both look only at the most detailed parts, since a portrait before a soft background is sharp.
The trade-off: a picture of fog, or one with shallow focus at full size, cannot be told from a picture blown up.
"""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import cast

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""(H, W)."""

Tiles = NDArray[np.uint8]
"""(N, TILE, TILE): luma around a grid of places."""

Blocks = NDArray[np.float32]
"""(_BLOCKS, _BLOCKS)."""

TILE = 64
GRID = 6
"""At most so many tiles along each side: the cost is that of a picture of 384 x 384, whatever the size."""

JPEG_BLOCK = 8

_DETAILED = 1 / 4
"""Share of the tiles, or blocks, that count: the most detailed ones."""

_FALL = 10**-0.9
"""9 dB. Of real photographs shrunk to a half 5 % fall as far; 8 or 10 dB separate a little worse."""

_REFERENCE = slice(1, 9)
"""Bins that a picture blown up four times still has."""

_FLOOR = 10**-0.9
"""Whitened power of 8-bit rounding is about 0.02 (-17 dB); references within 8 dB of it are noise, not detail."""

_FREQUENCIES = np.arange(TILE // 2 + 1) / (TILE // 2)
"""In parts of Nyquist's."""

_WHITENING = np.maximum(_FREQUENCIES, 2 / TILE) ** 2 / TILE
_WINDOW = np.hanning(TILE + 1)[:TILE].astype(np.float32)


def _folding() -> NDArray[np.float32]:
    """What turns the squares of OpenCV's packed spectrum of real lines into a whitened and smoothed one.

    (TILE, TILE / 2 + 1); the packed numbers of one frequency, but for the first and the last, are two.
    """
    packed = np.eye(len(_FREQUENCIES))[np.r_[0, np.arange(2, TILE + 1) // 2]] * _WHITENING
    padded = np.pad(packed, ((0, 0), (1, 1)), mode="edge")
    return ((padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4).astype(np.float32)


_FOLDING = _folding()

_BLUR = 9
_ROWS_APART = 3
"""Odd, so that all rows of a JPEG's blocks are looked at alike."""
_BLOCKS = 8
_LEAST_STEP = 0.5
"""Mean step between neighbouring pixels, in levels, under which blocks hold nothing to judge."""


def tiles(luma: Luma) -> Tiles:
    """Tiles evenly over a picture, none where it is smaller than one; corners lie on multiples of `JPEG_BLOCK`."""
    rows, columns = (_places(side) for side in luma.shape)
    if [len(rows) * TILE, len(columns) * TILE] == list(luma.shape):  # they lie side by side
        side_by_side = luma.reshape(len(rows), TILE, len(columns), TILE).swapaxes(1, 2)
        return np.ascontiguousarray(side_by_side).reshape(-1, TILE, TILE)
    cut = np.empty((len(rows), len(columns), TILE, TILE), np.uint8)
    for number, row in enumerate(rows):
        band = luma[row : row + TILE]
        for place, column in enumerate(columns):
            cut[number, place] = band[:, column : column + TILE]
    return cut.reshape(-1, TILE, TILE)


def detail_share(tiles: Tiles) -> float:
    """The resolution that a picture really has, as a share of its nominal one.

    Natural pictures have power in proportion to about 1 / frequency squared; multiplied by frequency squared, their
    spectrum is level. Enlarging adds no detail: the level ends at 1 / factor. The share is the frequency, in parts
    of Nyquist's, at which it has fallen by 9 dB from the median of the lowest quarter; the mean of both axes.

    Args:
        tiles: of the picture at its native resolution.

    Returns:
        Above 0, up to 1; about 1 / factor for a picture enlarged by interpolation. NaN under 64 pixels and where
        there is no detail at all, such as in fog.

    Source: Field, Relations between the statistics of natural images (1987) for the spectrum; the rest is ours.
    """
    if not len(tiles):
        return np.nan
    best = tiles[_detailed(tiles)]
    # Every fourth line: neighbours say much the same.
    both = np.stack([best[:, ::4], best.transpose(0, 2, 1)[:, ::4]])
    return sum(_share(spectrum) for spectrum in _spectra(both)) / 2


def sharpness(luma: Luma) -> float:
    """How much of the steps between neighbouring pixels one more blur takes away: little where all is blurred.

    Crété's measure, turned round so that more is sharper. Two departures: it is taken over the most detailed quarter
    of 8 x 8 blocks, not over all; and the picture comes at a fixed scale, so that the number says how sharp it looks
    at one size of the screen and does not depend on resolution (by less than 0.06 from 384 pixels upwards).

    Args:
        luma: shrunk to a shorter side of 256; a smaller picture as it is.

    Returns:
        0 to 1; sharp photographs have 0.6 to 0.9. NaN where nothing is to be judged: constant, or under 32 pixels.

    Source: Crété et al., The blur effect: perception and estimation with a new no-reference perceptual blur metric
    (SPIE 2007).
    """
    if min(luma.shape) < 4 * _BLOCKS:
        return np.nan
    (down, down_lost), (across, across_lost) = _steps(luma), _steps(cast(Luma, cv2.transpose(luma)))
    steps, lost = (down + across.T).ravel(), (down_lost + across_lost.T).ravel()
    best = np.argsort(-lost, kind="stable")[: round(_DETAILED * _BLOCKS**2)]
    in_best = float(steps[best].sum())
    if in_best < 2 * _LEAST_STEP * len(best):
        return np.nan
    return float(lost[best].sum()) / in_best


@lru_cache(maxsize=1024)
def _places(side: int) -> list[int]:
    count = min(GRID, side // TILE)
    return [(side - TILE) * place // max(1, count - 1) // JPEG_BLOCK * JPEG_BLOCK for place in range(count)]


def middle(values: list[float]) -> float:
    """Median of an even number of values; the statistics module takes five times as long."""
    ordered, half = sorted(values), len(values) // 2
    return (ordered[half - 1] + ordered[half]) / 2


def steps(tiles: Tiles, apart: int) -> Tiles:
    """Steps between neighbouring pixels of every tile, (N, TILE * TILE - apart).

    Args:
        apart: 1 for neighbours in a row, of which every TILE-th is none; TILE in a column, TILE + 1 in a diagonal.
    """
    flat = tiles.reshape(len(tiles), -1)
    return cast(Tiles, cv2.absdiff(flat[:, apart:], flat[:, :-apart]))


def _detailed(tiles: Tiles) -> NDArray[np.int64]:
    """The most detailed tiles: diagonal steps tell of both axes at once."""
    means = cv2.reduce(steps(tiles, TILE + 1), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
    return np.argsort(-means, kind="stable")[: max(1, round(_DETAILED * len(tiles)))]


def _spectra(tiles: NDArray[np.uint8]) -> list[list[float]]:
    """Mean power of lines by frequency, whitened and smoothed; 2 of TILE / 2 + 1, of (2, N, lines, TILE)."""
    lines = tiles.reshape(-1, TILE).astype(np.float32)
    lines -= cv2.reduce(lines, 1, cv2.REDUCE_AVG)
    lines *= _WINDOW
    packed = cv2.dft(lines, flags=cv2.DFT_ROWS)
    squares = np.square(packed, out=packed).reshape(2, -1, TILE)
    powers = [cv2.reduce(half, 0, cv2.REDUCE_AVG) for half in squares]
    return cast(list[list[float]], (np.concatenate(powers) @ _FOLDING).tolist())


def _share(spectrum: list[float]) -> float:
    """Where a whitened spectrum falls under its reference for the first time, in parts of Nyquist's frequency."""
    reference = middle(spectrum[_REFERENCE])
    if reference < _FLOOR:
        return np.nan
    least, start = reference * _FALL, _REFERENCE.stop // 2
    fallen = next((place for place in range(start, len(spectrum)) if spectrum[place] < least), None)
    if fallen is None or fallen == start:
        return float(_FREQUENCIES[-1 if fallen is None else start])
    before, after = log(spectrum[fallen - 1]), log(spectrum[fallen])
    part = (before - log(least)) / (before - after)
    return float((fallen - 1 + part) * _FREQUENCIES[1])


def _steps(luma: Luma) -> tuple[Blocks, Blocks]:
    """Steps from row to row in each block, and how much of them a blur takes away, both in parts of a level.

    A step of the mean over `_BLUR` rows is that from one row to the one so many further, by their number: nothing
    need be blurred. Every so-manieth row is looked at, as many in each block; what is left over at the end is not.
    """
    each = (len(luma) - _BLUR) // (_BLOCKS * _ROWS_APART)
    width = luma.shape[1] // _BLOCKS * _BLOCKS
    above, below = _BLUR // 2, _BLUR // 2 + 1
    first, before, after, last = (
        luma[row : row + each * _BLOCKS * _ROWS_APART : _ROWS_APART, :width] for row in (0, above, below, _BLUR)
    )
    sharp = np.multiply(cv2.absdiff(before, after), _BLUR, dtype=np.uint16)
    # OpenCV cuts at 0.
    lost = cv2.subtract(sharp, cv2.absdiff(first, last).astype(np.uint16))
    return _in_blocks(sharp, each), _in_blocks(lost, each)


def _in_blocks(values: MatLike, rows: int) -> Blocks:
    """Means of blocks of so many rows, and an eighth of the width."""
    sums = cv2.reduce(values.reshape(len(values) * _BLOCKS, -1), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    width = values.shape[1] // _BLOCKS
    return cast(Blocks, sums.reshape(_BLOCKS, rows, _BLOCKS).sum(axis=1) / np.float32(_BLUR * rows * width))
