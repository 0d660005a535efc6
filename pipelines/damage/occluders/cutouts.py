"""Cut-outs of a pool over a face: RGBA pictures, turned and foreshortened with the head."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import DamageFailed, Mask, Picture
from pipelines.damage.occluders import Cut
from pipelines.damage.occluders.head import Head
from pipelines.damage.occluders.matched import Matched, softened, stats_of, toning
from pipelines.damage.occluders.parts import Window, blurred
from pipelines.damage.overlay import Layer
from pipelines.damage.pools import Item

ONE = 1 << 14
"""Of a picture's pixel, in the units in which places in a cut-out are counted."""

SHADOW, REACH = 0.4, 0.07
"""Strength of the contact shadow, and how far it falls in units of a head."""

VISIBLE = 16
"""Alpha from which on something counts as seen when a cut-out is measured."""


def extent(item: Item) -> Window:
    """x, y, width and height of what is not transparent.

    Raises:
        DamageFailed: nothing is, or all of it is.
    """
    if not item.has_alpha:
        raise DamageFailed(f"cut-out {item.name!r} has no transparency: an occluder must be cut out")
    x, y, width, height = cv2.boundingRect(cv2.threshold(item.rgba[..., 3], VISIBLE - 1, 255, cv2.THRESH_BINARY)[1])
    if not width:
        raise DamageFailed(f"cut-out {item.name!r} is transparent everywhere")
    return x, y, width, height


def placed(
    item: Item, head: Head, spot: tuple[float, float], cut: Cut, turn: float, *, mirrored: bool
) -> NDArray[np.float64]:
    """The matrix (2, 3) from a cut-out's pixels to the picture's sixteenths.

    Args:
        item: the cut-out.
        head: before which it is placed.
        spot: the point of the face, in units.
        cut: how.
        turn: degrees.
        mirrored: whether left and right are exchanged.
    """
    x, y, width, height = extent(item)
    right, down = np.array(head.right, np.float64), np.array(head.down, np.float64)
    # Things keep their shape; they are foreshortened as the head is turned, and no more.
    down *= math.sqrt(abs(head.unit**2 / max(float(down @ down), 1.0)))
    scale = cut.width / (math.sqrt(width * height) if cut.square else width)
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    across = (right * cos + down * sin) * scale * (-1 if mirrored else 1)
    along = (down * cos - right * sin) * scale
    (target,) = head.at(*spot, cut.out)
    anchor = x + width * cut.anchor[0], y + height * cut.anchor[1]
    start = target - across * anchor[0] - along * anchor[1]
    return np.array([[across[0], along[0], start[0]], [across[1], along[1], start[1]]])


def layer(item: Item, matrix: NDArray[np.float64], head: Head, matched: Matched, size: tuple[int, int]) -> Layer | None:
    """A cut-out as it lies over a picture, with its contact shadow; None where it lies beyond it.

    Args:
        matrix: from its pixels to the picture's sixteenths.
        size: height and width of the picture.
    """
    pixels = matrix / noise.PIXEL
    reach = REACH * head.unit / noise.PIXEL
    window = _window(item, pixels, 3 * reach + 2, size)
    if window is None:
        return None
    colour, alpha = _warped(item, pixels, window)
    tone = toning(matched, stats_of(colour, alpha)) if cv2.countNonZero(alpha) else None
    colour, alpha = softened(tone(colour) if tone else colour, alpha, matched.blur)
    shade = _shadow(alpha, reach, matched)
    united = noise.screened(alpha, shade)
    share: Mask = cv2.divide(alpha, united, scale=255)  # type: ignore[assignment]
    lit: Picture = cv2.multiply(colour, cv2.merge((share, share, share)), scale=1 / 255)  # type: ignore[assignment]
    return Layer(window[0], window[1], lit, united)


def _shadow(alpha: Mask, reach: float, matched: Matched) -> Mask:
    x, y = (round(-reach * axis) for axis in matched.direction[:2])
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    moved: Mask = cv2.warpAffine(alpha, matrix, (alpha.shape[1], alpha.shape[0]), flags=cv2.INTER_NEAREST)  # type: ignore[assignment]
    return noise.faint_removed(noise.scaled(blurred(moved, reach * 0.6 * noise.PIXEL), SHADOW))


def _window(item: Item, matrix: NDArray[np.float64], reach: float, size: tuple[int, int]) -> Window | None:
    height, width = item.rgba.shape[:2]
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)]) @ matrix.T
    low = np.clip(np.floor(corners.min(axis=0) - reach), 0, (size[1], size[0])).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + reach), 0, (size[1], size[0])).astype(int)
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None


def _warped(item: Item, matrix: NDArray[np.float64], window: Window) -> tuple[Picture, Mask]:
    """Colour and alpha in a rectangle of the picture, from whole numbers only."""
    picture = item.rgba
    scale = max(abs(np.linalg.det(matrix[:, :2])) ** 0.5, 1e-6)
    halved = 0
    while scale * 2**halved < 0.6 and min(picture.shape[:2]) > 1:  # more than that shows steps
        picture = _half(picture)
        halved += 1
    inverse = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
    inverse /= 2**halved
    # Places of pixels' middles; OpenCV counts from the middle of the first one.
    inverse[:, 2] += inverse[:, 0] * 0.5 + inverse[:, 1] * 0.5 - 0.5
    a, b, c, d, e, f = np.rint(inverse * ONE).astype(np.int64).ravel().tolist()
    x, y, width, height = window
    across, down = np.arange(x, x + width, dtype=np.int64), np.arange(y, y + height, dtype=np.int64)[:, None]
    u, v = a * across + b * down + c, d * across + e * down + f
    premultiplied = _premultiplied(picture)
    sampled = _between(premultiplied, u, v)
    alpha = np.ascontiguousarray(sampled[..., 3])
    shares = cv2.merge((alpha, alpha, alpha))
    return cv2.divide(np.ascontiguousarray(sampled[..., :3]), shares, scale=255), alpha  # type: ignore[return-value]


def _half(picture: Picture) -> Picture:
    """Half the size, from a premultiplied mean, with straight alpha again."""
    height, width = picture.shape[:2]
    whole = _premultiplied(picture)[: height - height % 2 or 1, : width - width % 2 or 1]
    small = cv2.resize(whole, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    alpha = small[..., 3]
    colour = cv2.divide(np.ascontiguousarray(small[..., :3]), cv2.merge((alpha, alpha, alpha)), scale=255)
    return np.dstack([colour, alpha])


def _premultiplied(picture: Picture) -> Picture:
    alpha = picture[..., 3]
    opaque = np.full_like(alpha, 255)
    return cv2.multiply(picture, cv2.merge((alpha, alpha, alpha, opaque)), scale=1 / 255)  # type: ignore[return-value]


def _between(picture: Picture, u: NDArray[np.int64], v: NDArray[np.int64]) -> Picture:
    """Values between pixels, (h, w, 4); nothing beyond the picture.

    Args:
        u, v: places in 1 / ONE of a pixel.
    """
    # Five binary digits of a fraction, as many as OpenCV's fixed-point interpolation has.
    fine_u, fine_v = u >> 9, v >> 9
    whole = np.clip(np.stack([fine_u >> 5, fine_v >> 5], axis=-1), -(2**15), 2**15 - 1).astype(np.int16)
    part = ((fine_u & 31) + 32 * (fine_v & 31)).astype(np.uint16)
    return cv2.remap(picture, whole, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)  # type: ignore[return-value]
