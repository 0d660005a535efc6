"""What a face says about its photograph: where the light comes from, its colour, how sharp it is, how grainy.

All of it is measured once, when parameters are drawn, and held by them as a few numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Picture
from pipelines.damage.facewear.head import Head
from pipelines.damage.facewear.surface import Place
from pipelines.damage.holes import Color

Array = NDArray[np.float64]

_HALF = (
    *((3.5, 7.5, 3.8), (5.3, 1.0, 2.9), (3.3, 0.3, 4.0), (4.8, -0.7, 3.5), (6.3, -0.5, 1.9), (6.2, -1.9, 1.7)),
    *((3.8, -1.5, 4.1), (4.5, -4.0, 3.0), (2.4, -7.3, 4.4)),
)
_MIDDLE = ((0, 8.0, 4.6), (0, 6.5, 5.0), (0, 1.7, 6.3), (0, -0.4, 7.6), (0, -7.9, 5.2), (0, 3.3, 5.2))
_SKIN = np.array([*_MIDDLE, *_HALF, *((-x, y, z) for x, y, z in _HALF)])
"""Places on the neutral head's skin, in cm."""
_HEAD_MIDDLE, _HEAD_RADII = np.array((0, -0.5, -3.0)), np.array((7.8, 11.0, 9.5))

_TYPICAL = np.array((1.33, 1.0, 0.80))
"""Red, green and blue of skin in white light, relative to green: between those of light and of dark skin."""
_WHITEST = 234.0
"""Level of white cloth in the brightest light: folds in it are lighter still."""
_LEAST_SIDE = 24
"""Pixels of a face of which less tells nothing."""
_ENOUGH = 160
"""Pixels of a face, each way, that noise and blocks are measured on."""
_BLOCKY = 1.25
_SOFTEST = 0.7
"""Pixels that an edge of a sharp photograph seems blurred by."""


@dataclass(frozen=True, eq=False)
class Lighting:
    """Light on a head.

    Attributes:
        slope: (3,) how light grows with the normal's x, y and z, relative to the mean.
        white: what is white under it, RGB.
        saturation: of the photograph's colours in percent, 0 for a grey one.
    """

    slope: Array
    white: Color
    saturation: int

    def on(self, normals: Array) -> Array:
        """Light on surfaces, (...), by their normals (..., 3), 1 being the mean of a face."""
        shade: Array = 1 + normals @ self.slope
        return np.clip(shade, 0.45, 1.35)


PLAIN = Lighting(np.array((0, 0.12, 0.1)), (235, 235, 235), 100)
"""Where no picture is known."""


def lighting(image: Picture, head: Head) -> Lighting:
    """The light that a face stands in."""
    places = head.placed(_SKIN)
    normals = outward(_SKIN)
    height, width = image.shape[:2]
    seen = (places >= 0).all(axis=1) & (places[:, 0] < width) & (places[:, 1] < height)
    seen &= normals @ head.rotation[2] > 0.2
    if seen.sum() < 5:  # four numbers are fitted
        return PLAIN
    skin = np.array([colour_at(image, place, 0.4 * head.scale) for place in places[seen]])
    level = skin @ (0.299, 0.587, 0.114) + 1
    # Beards, hair and lips are no skin: what is far darker than the rest tells nothing.
    trusted = level > 0.55 * np.median(level)
    return Lighting(_slope(level[trusted], normals[seen][trusted]), *_white(image, skin[trusted], level[trusted]))


def in_light(colour: Color, white: Color, saturation: int) -> Color:
    """A colour as a photograph shows it.

    Args:
        white: what is white there.
        saturation: of its colours, in percent.
    """
    grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    kept = (grey + (level - grey) * saturation / 100 for level in colour)
    red, green, blue = (round(level * most / 255) for level, most in zip(kept, white, strict=True))
    return red, green, blue


def colour_at(image: Picture, place: Array, reach: float) -> Array:
    """Mean colour (3,) of the square around a place, whose sides are `reach` pixels away; of the nearest one inside."""
    height, width = image.shape[:2]
    x, y = (int(min(max(at, 0), side - 1)) for at, side in zip(place, (width, height), strict=True))
    step = max(1, round(reach))
    return np.array(cv2.mean(image[max(0, y - step) : y + step + 1, max(0, x - step) : x + step + 1])[:3])


def outward(points: Array) -> Array:
    """Normals (N, 3) of a smooth head at points on it."""
    normals = (points - _HEAD_MIDDLE) / _HEAD_RADII**2
    found: Array = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return found


def _slope(level: Array, normals: Array) -> Array:
    """Least squares of level by normal; drawn towards no slope, since a few points are no measurement."""
    level = level / level.mean()
    centred = normals - normals.mean(axis=0)
    found = np.linalg.solve(centred.T @ centred + np.diag((0.5, 0.8, 1.2)), centred.T @ (level - 1))
    length = float(np.linalg.norm(found))
    slope: Array = found * min(1.0, 0.9 / max(length, 1e-9)) * 0.8
    return slope


def _white(image: Picture, skin: Array, level: Array) -> tuple[Color, int]:
    """What is white under this light, and how colourful the picture is.

    Skin alone tells light from dark skin as little as bright from dim light, so the picture's lights count too.
    """
    thin = image[:: max(1, image.shape[0] // 64), :: max(1, image.shape[1] // 64)].reshape(-1, 3).astype(np.float64)
    lights = float(np.percentile(thin @ (0.299, 0.587, 0.114), 96))
    bright = float(np.percentile(level, 75))
    white = min(_WHITEST, max(0.8 * min(1.35 * bright, 250.0) + 0.2 * lights, 0.78 * lights, 40.0))
    mean = skin.mean(axis=0) + 1
    spread = float((mean.max() - mean.min()) / mean.max())
    saturation = min(1.0, spread / 0.15)
    cast = np.clip((mean / mean[1]) / _TYPICAL, 0.75, 1.35) ** (0.5 * saturation)
    cast /= cast @ (0.299, 0.587, 0.114)
    red, green, blue = (int(number) for number in np.clip(np.rint(white * cast), 20, 252))
    return (red, green, blue), round(100 * saturation)


class Quality(NamedTuple):
    """How a photograph was taken and kept.

    Attributes:
        blur: standard deviation in pixels.
        grain: standard deviation in levels.
        jpeg: quality at which it was encoded in blocks that still lie where they did, 0 where none are seen.
    """

    blur: float = 0.6
    grain: float = 0.0
    jpeg: int = 0


def quality(image: Picture | None, place: Place) -> Quality:
    """What the quality of a face is.

    Args:
        place: of its lower half.
    """
    if image is None:
        return Quality()
    # Upwards: eyes and brows have edges.
    top = max(0, place.y - place.height // 2)
    face = image[top : place.y + place.height, place.x : place.x + place.width]
    if min(face.shape[:2]) < _LEAST_SIDE:
        return Quality()
    # The middle of a large face is enough for what is the same everywhere.
    y, x = (max(0, (side - _ENOUGH) // 2) for side in face.shape[:2])
    part = face[y : y + _ENOUGH, x : x + _ENOUGH]
    return Quality(blur_of(face), min(25.0, noise_of(part)), jpeg_of(part, place.x + x, top + y))


def jpeg_of(face: Picture, x: int, y: int) -> int:
    """Quality of JPEG by how much stronger jumps are at the borders of its blocks, 0 where they are not.

    Args:
        x, y: where the face lies in its picture.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.int16)
    jumps = np.mean([_blockiness(grey, x), _blockiness(grey.T, y)])
    return 0 if jumps < _BLOCKY else int(np.clip(100 - 30 * (jumps - 1), 25, 92))


def _blockiness(grey: NDArray[np.int16], start: int) -> float:
    """Mean jump from column to column beyond the slope around it: at borders of blocks, relative to between them."""
    steps = np.diff(grey, axis=1)
    jumps = np.abs(2 * steps[:, 1:-1] - steps[:, :-2] - steps[:, 2:]).mean(axis=0)
    number = (np.arange(len(jumps)) + 2 + start) % 8
    return float(jumps[number == 0].mean() / max(jumps[(number >= 3) & (number <= 5)].mean(), 1e-3))


def blur_of(face: Picture) -> float:
    """Standard deviation in pixels of the blur that a face's edges show; about half a pixel where it is sharp.

    Source: Zhuo and Sim, Defocus map estimation from a single image (2011): an edge blurred once more by a known
    amount tells how far it was blurred before. We take the sharper ones of the strong edges.
    """
    ratio = min(1.0, 176 / max(face.shape[:2]))
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    if ratio < 1:
        grey = cv2.resize(grey, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    steep, flatter = _steepness(grey), _steepness(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0))
    if float(steep.max()) < 4:  # a grey wall
        return 0.5
    strong = steep >= np.percentile(steep, 97)
    quotient = float(np.percentile(steep[strong] / np.maximum(flatter[strong], 1e-3), 70))
    sigma = 1 / math.sqrt(max(quotient**2 - 1, 0.01))
    # What is sharp in a photograph is no step: the edges of eyes and brows are as wide as this.
    return float(np.clip(math.sqrt(max(sigma**2 - _SOFTEST**2, 0.16)) / ratio, 0.4, 40))


def _steepness(grey: cv2.typing.MatLike) -> NDArray[np.float32]:
    across, down = (cv2.Sobel(grey, cv2.CV_32F, x, 1 - x, ksize=3) for x in (1, 0))
    return cv2.magnitude(across, down)  # type: ignore[return-value]


def noise_of(face: Picture) -> float:
    """Standard deviation of the noise in a face's smoother parts, in levels.

    Source: Immerkaer, Fast noise variance estimation (1996); here over blocks, of which the quieter count.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel))
    height, width = (max(1, side // 12) for side in face.shape[:2])
    blocks = cv2.resize(rough, (width, height), interpolation=cv2.INTER_AREA)
    return float(np.percentile(blocks, 25)) * math.sqrt(math.pi / 2) / 6
