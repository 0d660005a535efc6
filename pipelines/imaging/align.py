"""Faces to a common place: the similarity that brings a face's five points where a template has them.

One warp from the decoded picture to the crop, after an exact shrink where the picture is much larger: warping alone
reads a few pixels around each target, so it would alias where many source pixels meet in one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.colour import Picture
from pipelines.imaging.fit import MILD_SHRINK, Matrix

Points = NDArray[np.float64]
"""(5, 2): the eye on the picture's left, the one on its right, tip of the nose, left and right corner of the mouth."""

ARCFACE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
"""Five points in a crop of 112 pixels, as recognition networks expect them (insightface, utils/face_align.py)."""

ARCFACE_SIDE = 112


def ffhq(five: Points, size: int) -> Matrix:
    """The crop of FFHQ: centred a little below the eyes, upright along eyes and mouth, wide enough for the hair.

    Source: Karras et al., "Progressive Growing of GANs", appendix C: with e the vector between the eyes and m the one
    from their middle to the middle of the mouth, the crop's half side is max(2.0 |e|, 1.8 |m|), its x axis runs along
    e less m turned by 90 degrees, and its centre is the middle of the eyes plus 0.1 m.

    Returns:
        From the picture to a crop of `size` pixels.
    """
    eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
    across, down = five[1] - five[0], mouth - eyes
    axis = across + np.array([down[1], -down[0]])
    half = max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down))
    return _similarity(axis, size / (2 * half), eyes + 0.1 * down, size / 2)


def arcface(five: Points, size: int) -> Matrix:
    """The crop that face recognition uses: least squares of the five points onto `ARCFACE`, scaled to `size` pixels.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991; without
    reflections, which a face has not.
    """
    target = ARCFACE * (size / ARCFACE_SIDE)
    source_centre, target_centre = five.mean(axis=0), target.mean(axis=0)
    # Points as complex numbers: a similarity is one complex factor, and least squares one division.
    source, wanted = (_complex(points) for points in (five - source_centre, target - target_centre))
    factor = np.vdot(source, wanted) / max(float(np.vdot(source, source).real), 1e-12)
    return _matrix(float(factor.real), float(factor.imag), source_centre, target_centre)


TEMPLATES: dict[str, Callable[[Points, int], Matrix]] = {"arcface": arcface, "ffhq": ffhq}
"""How faces may be aligned, by name."""


def usable(five: Points) -> bool:
    """Whether five points make a face: finite, and not all in one place."""
    return bool(np.isfinite(five).all()) and float(np.ptp(five, axis=0).max(initial=0)) > 1.0


def outside(matrix: Matrix, size: int, width: int, height: int) -> float:
    """Share of a crop that lies beyond its picture.

    Args:
        matrix: from a picture of width x height to a crop of `size` pixels.
    """
    back = np.linalg.inv(np.array([matrix[:3], matrix[3:], (0, 0, 1)]))
    corners = np.array([(0, 0, 1), (size, 0, 1), (size, size, 1), (0, size, 1)]) @ back.T
    crop = corners[:, :2].astype(np.float32)
    picture = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    area, _ = cv2.intersectConvexConvex(crop, picture)
    return float(1 - area / cv2.contourArea(crop))


def warp(picture: Picture, scale: float, matrix: Matrix, size: int) -> Picture:
    """A crop by any matrix; what lies beyond the picture is its mirror image.

    Args:
        picture: (H, W, 3) uint8, not changed.
        scale: decoded pixels per original pixel, from `decode`.
        matrix: from the original picture to the crop.

    Returns:
        (size, size, 3) uint8, C-contiguous.
    """
    factor = math.hypot(matrix[0], matrix[3]) / scale
    if factor < 1 / MILD_SHRINK:
        height, width = (max(1, math.ceil(side * factor)) for side in picture.shape[:2])
        shrunk = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        across, down = scale * width / picture.shape[1], scale * height / picture.shape[0]
        picture = cast(Picture, shrunk)
    else:
        across = down = scale
    forward = _centred(_from_scaled(matrix, across, down))
    warped = cv2.warpAffine(picture, forward, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return cast(Picture, warped)


def warp_labels(labels: NDArray[np.uint8], matrix: Matrix, size: int, fill: int = 0) -> NDArray[np.uint8]:
    """A label map by the same matrix: nearest, because there is nothing between two classes.

    Args:
        labels: (H, W) uint8, of the original picture's size.
        fill: class of what lies beyond the picture.

    Returns:
        (size, size) uint8.
    """
    warped = cv2.warpAffine(
        labels, _centred(np.reshape(matrix, (2, 3))), (size, size), flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=fill,
    )  # fmt: skip
    return cast(NDArray[np.uint8], warped)


def moved(points: Sequence[Sequence[float]] | NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Points (N, 2) of the picture, in the crop."""
    forward = np.reshape(matrix, (2, 3))
    return cast(NDArray[np.float64], np.asarray(points, np.float64).reshape(-1, 2) @ forward[:, :2].T + forward[:, 2])


def _similarity(axis: NDArray[np.float64], scale: float, centre: NDArray[np.float64], middle: float) -> Matrix:
    """Turns `axis` to the right, scales, and brings `centre` to the middle of the crop."""
    cosine, sine = axis / max(float(np.hypot(*axis)), 1e-12)
    return _matrix(scale * cosine, -scale * sine, centre, np.array([middle, middle]))


def _matrix(a: float, d: float, source: NDArray[np.float64], target: NDArray[np.float64]) -> Matrix:
    """The similarity of factor a + d i that brings `source` to `target`."""
    x, y = source
    return (
        float(a), float(-d), float(target[0] - a * x + d * y),
        float(d), float(a), float(target[1] - d * x - a * y),
    )  # fmt: skip


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return cast(NDArray[np.complex128], points[:, 0] + 1j * points[:, 1])


def _from_scaled(matrix: Matrix, across: float, down: float) -> NDArray[np.float64]:
    """The matrix for a picture that has `across` and `down` pixels for one of the original's."""
    return np.array(
        [(matrix[0] / across, matrix[1] / down, matrix[2]), (matrix[3] / across, matrix[4] / down, matrix[5])]
    )


def _centred(forward: NDArray[np.float64]) -> NDArray[np.float64]:
    """From coordinates in which a picture begins at 0 to OpenCV's, where its first pixel has its centre at 0."""
    shift = 0.5 * forward[:, :2].sum(axis=1) - 0.5
    return np.column_stack([forward[:, :2], forward[:, 2] + shift])
