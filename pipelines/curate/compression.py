"""What JPEG has done to a picture: as its file says, and as its pixels show whatever the file is now.

A JPEG of low quality that was saved again, at a high one or as PNG, has fine tables and coarse blocks. Blocks are
looked for on a grid of 8 pixels that may begin anywhere, as after cropping. The trade-off: a picture that was shrunk
or enlarged afterwards has blocks of another size, and those are not found.
"""

from __future__ import annotations

import io
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from pipelines.curate.detail import JPEG_BLOCK, TILE, Tiles, middle, steps

_LARGEST_STEP = 12
"""Steps count for no more than this, in levels: the edges of things are higher than those of blocks."""

_LEAST_STEP = 0.5
"""Added to the steps inside blocks, so that a picture without any has a finite number."""


@lru_cache(maxsize=1024)
def jpeg_quality(table_sum: int) -> float:
    """Quality setting of libjpeg whose luma table is as coarse, on the whole, as that of a JPEG.

    Exact for what libjpeg and its relatives wrote; for tables of cameras and Photoshop the nearest. It says nothing of
    qualities that the picture had before, see `blockiness`.

    Args:
        table_sum: sum of its luma table, as its header has it; 0 for other formats.

    Returns:
        1 to 100; NaN where there is no table.
    """
    return float(1 + np.abs(_coarseness() - table_sum).argmin()) if table_sum else np.nan


def blockiness(tiles: Tiles) -> float:
    """How much higher steps between neighbouring pixels are on the edges of a grid of 8 x 8 than inside it.

    Of the eight grids that there may be along each axis the one with the highest steps is taken, and compared to the
    median of the others; the mean of both axes.

    Args:
        tiles: of the picture at its native resolution, corners on multiples of 8.

    Returns:
        0 or more, in parts of the steps inside blocks: 1 means twice as high. NaN under 64 pixels.

    Source: after Wang, Sheikh and Bovik, No-reference perceptual quality assessment of JPEG compressed images (ICIP
    2002), whose B and A are the two kinds of steps. We search for the grid, and cut high steps.
    """
    if not len(tiles):
        return np.nan
    return (_excess(tiles, 1) + _excess(tiles, TILE)) / 2


def _excess(tiles: Tiles, apart: int) -> float:
    _, cut = cv2.threshold(steps(tiles, apart), _LARGEST_STEP, 0, cv2.THRESH_TRUNC)
    means = np.zeros((1, TILE * TILE), np.float32)
    means[:, :-apart] = cv2.reduce(cut, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    profile = cv2.reduce(means.reshape(TILE, TILE), 0 if apart == 1 else 1, cv2.REDUCE_AVG).ravel()
    grids = cv2.reduce(profile[: TILE - JPEG_BLOCK].reshape(-1, JPEG_BLOCK), 0, cv2.REDUCE_AVG)[0].tolist()
    return float((max(grids) + _LEAST_STEP) / (middle(grids) + _LEAST_STEP) - 1)


@lru_cache(maxsize=1)
def _coarseness() -> NDArray[np.int64]:
    """Sum of the luma table that libjpeg writes at each quality from 1 to 100."""
    return np.array([_sum_at(quality) for quality in range(1, 101)])


def _sum_at(quality: int) -> int:
    file = io.BytesIO()
    Image.new("L", (JPEG_BLOCK, JPEG_BLOCK)).save(file, "JPEG", quality=quality)
    file.seek(0)
    return sum(JpegImagePlugin.JpegImageFile(file).quantization[0])
