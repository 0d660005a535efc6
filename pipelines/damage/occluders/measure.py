"""What an occluder is matched to: skin and hair of the person, light, noise and sharpness of the picture.

All of it is measured once, while parameters are drawn, and kept there, so that drawing does not depend on the picture.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Picture
from pipelines.damage.facewear.light import blur_of, noise_of
from pipelines.damage.holes import Color
from pipelines.damage.occluders.head import Head, Outline

SKINS: tuple[Color, ...] = ((224, 182, 158), (198, 150, 122), (160, 110, 82), (112, 74, 54))
HAIRS: tuple[Color, ...] = ((34, 28, 27), (58, 42, 34), (96, 68, 46), (150, 112, 70), (120, 116, 112))
CLOTHS: tuple[Color, ...] = (
    (236, 234, 228),
    (38, 44, 62),
    (52, 52, 56),
    (120, 128, 136),
    (92, 36, 44),
    (60, 84, 66),
    (150, 170, 200),
    (196, 164, 130),
)
"""Where the picture shows too little of one."""

_CHEEKS = np.array(
    [(-0.5, 0.7), (0.5, 0.7), (-0.6, 0.5), (0.6, 0.5), (0.0, -0.55), (-0.3, -0.6), (0.3, -0.6), (0.0, 0.3)]
)
_CROWN = np.array(
    [(0.0, -1.25), (0.0, -1.45), (-0.4, -1.2), (0.4, -1.2), (-0.4, -1.4), (0.4, -1.4), (-0.8, -1.1), (0.8, -1.1)]
)
_SHOULDER = np.array([(1.3, 2.9), (1.6, 3.0), (1.5, 3.3), (1.2, 3.3), (1.8, 3.4)])
_UNLIKE = 26.0
"""Distance in CIELAB (bytes) at which hair is not skin."""


def skin_of(image: Picture, head: Head) -> Color:
    """The usual colour of cheeks and forehead where they are lit: their shadows are no colour of skin."""
    found = _seen(image, head.at(_CHEEKS[:, 0], _CHEEKS[:, 1], 0.1), head)
    if not len(found):
        return SKINS[0]
    lighter = found[np.argsort(found.sum(axis=1))][len(found) // 3 :]
    return _color(np.median(lighter, axis=0))


def hair_of(image: Picture, head: Head, skin: Color, fallback: Color) -> Color:
    """The usual colour above the forehead where it is not skin."""
    found = _seen(image, head.at(_CROWN[:, 0], _CROWN[:, 1], -0.3), head)
    if len(found):
        far = np.linalg.norm(_lab(found) - _lab(np.array([skin], np.float64)), axis=1)
        lab = _lab(found)
        # Hair is never green, blue only where it is dark, and seldom lighter than the face.
        coldest = np.where(lab[:, 0] < 100, -14, -5)
        likely = (lab[:, 1] > -3) & (lab[:, 2] > coldest) & (found.mean(axis=1) < np.mean(skin) + 20)
        hairs = found[(far > _UNLIKE / 2) & likely]
        if len(hairs) >= 2:
            red, green, blue = np.median(hairs, axis=0)
            # What is colder than grey in hair is the sky's or a wall's light on its gloss.
            return _color(np.array((max(red, green, blue), max(green, min(red, blue)), min(blue, red))))
    return fallback


def cloth_of(image: Picture, head: Head, side: int, fallback: Color) -> Color:
    """The usual colour of the shoulder on one side: what is worn there, or skin."""
    found = _seen(image, head.at(side * _SHOULDER[:, 0], _SHOULDER[:, 1], -0.5), head)
    return _color(np.median(found, axis=0)) if len(found) else fallback


def bare(image: Picture, path: Outline, skin: Color, head: Head) -> float:
    """How much of a path runs over skin before it meets something else, 0 to 1."""
    lab, like = _lab(_patches(image, path, head)), _lab(np.array([skin], np.float64))
    # Hair beside a face may be as light as a face in its own shade; colour tells more than light does.
    far = np.linalg.norm((lab - like) * (0.55, 1, 1), axis=1) > _UNLIKE
    for number in range(1, len(far) - 1):
        if far[number] and far[number + 1]:
            return number / (len(far) - 1)
    return 1.0


DETAIL, LEAST_DETAIL = 96, 16
"""Pixels of the squares in which sharpness and noise are measured."""


class Surroundings(NamedTuple):
    """Numbers of the picture around a face.

    Attributes:
        mean, spread: of L*, a*, b* (0 to 100, and about -100 to 100).
        blur: sigma of the picture's own blur in pixels.
        noise: standard deviation of the picture's noise in levels.
        light: how much brighter the right of the face is than the left, -1 to 1.
    """

    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    blur: float
    noise: float
    light: float


def surroundings(image: Picture, head: Head) -> Surroundings:
    """What is measured around a face; sharpness and noise at the eyes and the mouth."""
    region = _region(image, head.middle, 2.6 * head.unit / noise.PIXEL)
    details = [_patch(image, point) for point in head.at(np.array([-0.5, 0.5, 0.0]), np.array([0.0, 0.0, 1.1]), 0.0)]
    details = [detail for detail in details if min(detail.shape[:2]) >= LEAST_DETAIL]
    mean, spread = stats_of(region)
    return Surroundings(
        mean,
        spread,
        blur=round(min(map(blur_of, details), default=0.0), 2),
        noise=round(min(map(noise_of, details), default=0.0), 2),
        light=round(_uneven(image, head), 2),
    )


def stats_of(region: Picture) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of L*, a* and b* of a part of a picture."""
    small = cv2.resize(region, (min(128, region.shape[1]), min(128, region.shape[0])), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2LAB)
    mean, spread = cv2.meanStdDev(lab)
    return _rounded(np.ravel(mean)), _rounded(np.ravel(spread))


def _uneven(image: Picture, head: Head) -> float:
    """Light from one side: what differs between both cheeks, and both halves of the forehead."""
    x, y = np.array([0.5, 0.62, 0.3]), np.array([0.7, 0.45, -0.6])
    left, right = (_seen(image, head.at(side * x, y, 0.05), head) for side in (-1, 1))
    if not len(left) or not len(right):
        return 0.0
    dark, bright = float(left.mean()), float(right.mean())
    return max(-1.0, min(1.0, 2.5 * (bright - dark) / max(bright + dark, 1.0)))


def _region(image: Picture, middle: tuple[int, int], reach: float) -> Picture:
    height, width = image.shape[:2]
    x, y = (value / noise.PIXEL for value in middle)
    top, bottom = (int(min(max(edge, 0), height)) for edge in (y - reach, y + reach))
    left, right = (int(min(max(edge, 0), width)) for edge in (x - reach, x + reach))
    found = image[top:bottom, left:right]
    if min(found.shape[:2]) < 8:
        return image
    return found


def _patch(image: Picture, place: Outline) -> Picture:
    """A square of `DETAIL` pixels around a place, cut to the picture."""
    x, y = np.clip(place / noise.PIXEL, -DETAIL, 1e6).astype(int).tolist()
    half = DETAIL // 2
    return image[max(0, y - half) : max(0, y + half), max(0, x - half) : max(0, x + half)]


def _seen(image: Picture, places: Outline, head: Head) -> NDArray[np.float64]:
    """Colours at those places that lie in the picture, (N, 3)."""
    pixels = places / noise.PIXEL
    inside = ((pixels >= 1) & (pixels < (image.shape[1] - 1, image.shape[0] - 1))).all(axis=1)
    return _patches(image, places[inside], head)


def _patches(image: Picture, places: Outline, head: Head) -> NDArray[np.float64]:
    """Mean colour of a small square around each place, (N, 3)."""
    reach = max(1, int(0.05 * head.unit / noise.PIXEL))
    height, width = image.shape[:2]
    found = []
    for x, y in np.floor(places / noise.PIXEL).astype(int).tolist():
        column, row = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        patch = image[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        found.append(patch.reshape(-1, 3).mean(axis=0))
    return np.array(found, np.float64).reshape(-1, 3)


def _lab(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of some colours, (N, 3), its lightness stretched to bytes."""
    lab = cv2.cvtColor((colors[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    stretched: NDArray[np.float64] = lab * np.array((2.55, 1, 1))
    return stretched


def _color(values: NDArray[np.floating]) -> Color:
    red, green, blue = (round(float(value)) for value in values)
    return red, green, blue


def _rounded(values: NDArray[Any]) -> tuple[float, float, float]:
    one, two, three = (round(float(value), 2) for value in values)
    return one, two, three
