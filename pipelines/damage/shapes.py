"""A hole of any shape, kept as runs of pixels: what objects and parts of faces leave when they are taken out.

Such shapes come from maps and pictures that nobody has who only has the dataset, so the parameters hold the shape
itself, and can be drawn again everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import runs
from pipelines.damage.base import ClassMap, Mask, Parameters
from pipelines.damage.holes import COLORS, Color, Rectangle, filled


@dataclass(frozen=True)
class Shape(Parameters):
    """A hole of any shape.

    Attributes:
        of: what was taken out, for people: classes, items of a pool, parts of a face.
        box: rectangle that the shape fills.
        counts: its pixels in the box, as COCO's compressed run lengths.
        fill: the colour of the hole.
    """

    of: tuple[str, ...]
    box: Rectangle
    counts: str
    fill: Color = COLORS["grey"]

    @classmethod
    def around(cls, mask: Mask, of: tuple[str, ...]) -> Shape:
        """The shape that a mask, (H, W), holds; it must not be empty."""
        x, y, width, height = cv2.boundingRect(mask)
        return cls(of, (x, y, width, height), runs.encode(mask[y : y + height, x : x + width]))

    def filled_with(self, fill: Color) -> Shape:
        return replace(self, fill=fill)

    def rasterise(self, height: int, width: int) -> Mask:
        mask = np.zeros((height, width), np.uint8)
        x, y, across, down = self.box
        mask[y : y + down, x : x + across] = runs.decode(self.counts, down, across)
        return mask

    draw = filled


def only(labels: NDArray[np.integer], *numbers: int) -> Mask:
    """(H, W) 255 where a label map has one of these numbers."""
    if labels.dtype == np.uint8:
        table = np.zeros(256, np.uint8)
        table[list(numbers)] = 255
        return cv2.LUT(labels, table)  # type: ignore[return-value]
    return np.isin(labels, numbers).view(np.uint8) * np.uint8(255)


def fitted(known: ClassMap, height: int, width: int) -> ClassMap:
    """A label map as large as the picture, (height, width): whoever draws in a notebook may bring one that is not."""
    if known.labels.shape == (height, width):
        return known
    return ClassMap(cv2.resize(known.labels, (width, height), interpolation=cv2.INTER_NEAREST), known.scheme)  # type: ignore[arg-type]


def widen(mask: Mask, pixels: int) -> Mask:
    """A mask widened in every direction: by an octagon, which is made of exact steps.

    Args:
        pixels: 0 or more.
    """
    if pixels == 0:
        return mask
    # A square and a diamond together; these shares make the eight sides equal.
    square = round(pixels * 0.4142)
    wider = cv2.dilate(mask, np.ones((2 * square + 1, 2 * square + 1), np.uint8)) if square else mask
    if pixels > square:
        wider = cv2.dilate(wider, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), iterations=pixels - square)
    return wider  # type: ignore[return-value]
