"""Overlays: something half or wholly opaque that lies over a picture, and the exact share of it at every pixel.

A family of overlays draws a layer; this module lays it over the picture, the same way for all, so that what `alpha`
says is what happened. Only the rectangle that the layer fills is touched: a caption costs what a caption is large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pipelines.damage.base import Drawn, Mask, Parameters, Picture


class Layer(NamedTuple):
    """What lies over a picture, in the rectangle that it fills.

    Attributes:
        x, y: of the rectangle's upper left corner; it lies wholly within the picture.
        colour: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8, 0 where the picture shows, 255 where only the colour does.
    """

    x: int
    y: int
    colour: Picture
    alpha: Mask


@dataclass(frozen=True)
class Overlay(Parameters):
    """Parameters that draw a layer.

    Attributes:
        margin: pixels by which the mask is wider than what is covered, so that no trace of the rim stays outside.
    """

    margin: int = 0

    def layer(self, image: Picture) -> Layer:
        """Draws the layer for a picture, (H, W, 3), which is not changed."""
        raise NotImplementedError

    def draw(self, image: Picture) -> Drawn:
        return lay_over(image, self.layer(image), self.margin)


def lay_over(image: Picture, layer: Layer, margin: int = 0) -> Drawn:
    """A picture under a layer; what is covered at all is missing, and `margin` pixels around it.

    Args:
        image: (H, W, 3) uint8, not changed.
    """
    height, width = layer.alpha.shape
    place = slice(layer.y, layer.y + height), slice(layer.x, layer.x + width)
    damaged, alpha = image.copy(), np.zeros(image.shape[:2], np.uint8)
    damaged[place] = blend(image[place], layer.colour, layer.alpha)
    alpha[place] = layer.alpha
    return Drawn(damaged, widened(alpha, margin), alpha)


def blend(under: Picture, over: Picture, alpha: Mask) -> Picture:
    """Alpha compositing in whole numbers: where alpha is 0 the result is `under` to the bit.

    Args:
        under, over: (h, w, 3) uint8.
        alpha: (h, w) uint8.
    """
    share = cv2.merge((alpha, alpha, alpha))
    # 255 * 255 fits, and whole numbers are the same on every machine; twice as fast as floats, too.
    total = np.multiply(over, share, dtype=np.uint16)
    total += np.multiply(under, cv2.bitwise_not(share), dtype=np.uint16)
    return cv2.convertScaleAbs(total, alpha=1 / 255)  # type: ignore[return-value]  # rounds; 255 is odd: no ties


def widened(alpha: Mask, margin: int) -> Mask:
    """The mask of what alpha covers, (H, W), 255 or 0, grown by a disc of `margin` pixels."""
    mask = cv2.threshold(alpha, 0, 255, cv2.THRESH_BINARY)[1]
    if margin:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
        mask = cv2.dilate(mask, disc)
    return mask  # type: ignore[return-value]
