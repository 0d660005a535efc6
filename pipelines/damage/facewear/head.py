"""The head under a face's points: what is drawn in centimetres of a head is put where this face has it.

An affine camera is fitted between a neutral head and the points, so the turn comes from the points themselves, and ears
and neck, of which no mesh knows, have a place. What this face has otherwise than the neutral one (a longer chin, an
open mouth) moves what lies near it along. The price: perspective and a twisted jaw are met by that move only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import DamageFailed, Face
from pipelines.landmarks import IBUG_68_OF_MESH

Array = NDArray[np.float64]

_PAIRS = np.array(
    # Left and right point of the mesh; x of the right one (the left's is its opposite), y up, z to the viewer, in cm.
    [
        *((33, 263, 4.45, 2.66, 3.17), (133, 362, 1.86, 2.59, 3.76), (160, 387, 3.67, 2.93, 3.72)),
        *((158, 385, 2.72, 2.96, 3.87), (153, 380, 2.72, 2.32, 3.78), (144, 373, 3.67, 2.36, 3.64)),
        *((70, 300, 5.72, 4.25, 2.83), (63, 293, 4.99, 4.80, 3.75), (105, 334, 3.99, 5.11, 4.47)),
        *((66, 296, 2.76, 5.10, 5.02), (107, 336, 1.40, 5.01, 5.32), (127, 356, 7.74, 2.36, -2.01)),
        *((234, 454, 7.66, 0.67, -2.44), (93, 323, 7.54, -1.05, -2.43), (132, 361, 7.27, -2.89, -2.25)),
        *((58, 288, 6.72, -4.79, -1.75), (172, 397, 5.94, -6.22, -0.63), (136, 365, 5.09, -7.18, 0.71)),
        *((150, 379, 4.07, -7.99, 1.93), (149, 378, 3.21, -8.53, 2.80), (176, 400, 2.31, -8.97, 3.61)),
        *((148, 377, 1.29, -9.30, 4.09), (116, 345, 6.47, 0.94, 1.69), (123, 352, 6.34, -0.53, 1.88)),
        *((147, 376, 6.23, -1.94, 1.66), (213, 433, 6.09, -3.21, 1.47), (192, 416, 5.44, -4.03, 2.11)),
        *((117, 346, 5.26, 0.95, 2.97), (118, 347, 4.43, 0.72, 3.52), (119, 348, 3.30, 0.86, 3.87)),
        *((50, 280, 4.77, -0.70, 3.53), (205, 425, 3.83, -1.54, 4.14), (129, 358, 1.79, -0.98, 4.85)),
        *((98, 327, 1.41, -1.71, 5.24), (97, 326, 0.60, -2.01, 5.87), (61, 291, 2.46, -4.34, 4.28)),
        *((37, 267, 0.71, -3.33, 5.88), (84, 314, 0.70, -5.29, 5.45), (67, 297, 3.52, 8.01, 3.73)),
        *((109, 338, 1.89, 8.24, 4.27),),
    ]
)
_MIDDLE = np.array(
    [
        *((10, 8.26, 4.48), (151, 6.55, 5.03), (168, 3.27, 5.24), (6, 2.47, 5.79), (197, 1.73, 6.32)),
        *((195, 1.06, 6.77), (5, 0.37, 7.24), (4, -0.46, 7.59), (2, -2.09, 6.06), (0, -3.41, 5.98)),
        *((17, -5.37, 5.54), (200, -6.99, 5.15), (199, -7.94, 5.18), (175, -8.77, 4.89), (152, -9.40, 4.26)),
    ]
)
"""The neutral head. Source: mediapipe, canonical_face_model.obj (Apache 2.0, The MediaPipe Authors), rounded."""

_NUMBERS = np.concatenate([_PAIRS[:, 0], _PAIRS[:, 1], _MIDDLE[:, 0]]).astype(int)
HEAD = np.concatenate([_PAIRS[:, 2:] * (-1, 1, 1), _PAIRS[:, 2:], np.insert(_MIDDLE[:, 1:], 0, 0, axis=1)])
"""(95, 3): x to the picture's right, y up, z toward the viewer, in cm."""

TALL = 17.66
"""From the top of the forehead to the chin, in cm of the neutral head."""

_LEAST = 20
"""Points that a camera is fitted to at least."""
_FURTHEST = 1e6
_NEAR = 1.0
"""Distance in cm within which a point moves all that lies there by its own difference."""


@dataclass(frozen=True, eq=False)
class Head:
    """A head as a picture shows it.

    Attributes:
        camera: (2, 4) from (x, y, z, 1) of the neutral head in cm to pixels.
        points: (N, 3) those of the neutral head that this face has.
        moved: (N, 2) where this face has them otherwise than the camera says, in pixels.
        seen: (N, 2) where this face has them.
    """

    camera: Array
    points: Array
    moved: Array
    seen: Array

    def placed(self, points: Array) -> Array:
        """Pixels (N, 2) of points (N, 3) of the neutral head."""
        squared = (points**2).sum(axis=1)[:, None] + (self.points**2).sum(axis=1) - 2 * points @ self.points.T
        weights = 1 / (squared + _NEAR**2) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        found: Array = points @ self.camera[:, :3].T + self.camera[:, 3] + weights @ self.moved
        return found

    @cached_property
    def _scales(self) -> Array:
        return np.asarray(np.linalg.svd(self.camera[:, :3], compute_uv=False), np.float64)

    @property
    def scale(self) -> float:
        """Pixels of a centimetre."""
        return float(self._scales.mean())

    @property
    def squeezed(self) -> float:
        """The smaller of both scales by the larger: 1 for the proportions of the neutral head."""
        return float(self._scales[1] / self._scales[0])

    @cached_property
    def rotation(self) -> Array:
        """(3, 3) from the head to the picture with its y up: x right, y up, z toward the viewer."""
        rows = self.camera[:, :3] * [[1], [-1]]
        left, _, right = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True), full_matrices=False)
        across, up = left @ right
        return np.array([across, up, np.cross(across, up)])

    @property
    def yaw(self) -> float:
        """Degrees; above 0 the nose turns to the picture's right."""
        return float(np.degrees(np.arctan2(-self.rotation[2, 0], np.hypot(self.rotation[0, 0], self.rotation[1, 0]))))

    @property
    def pitch(self) -> float:
        """Degrees; above 0 the face looks up."""
        return float(np.degrees(np.arctan2(-self.rotation[2, 1], self.rotation[2, 2])))

    @property
    def misfit(self) -> float:
        """How far a point lies from where the camera sees it, in cm: the root of the mean square."""
        return float(np.sqrt((self.moved**2).sum(axis=1).mean())) / self.scale


def fitted(face: Face) -> Head:
    """The head of a face with dense points.

    Raises:
        DamageFailed: too few of the points are numbers, or they show no face from the front.
    """
    found, head = _matched(face)
    known = np.all(np.isfinite(found) & (np.abs(found) < _FURTHEST), axis=1)
    if known.sum() < max(_LEAST, 0.9 * len(known)):
        raise DamageFailed(f"landmarks_missing: {len(known) - known.sum()} of {len(known)} points are not numbers")
    found, head = found[known], head[known]
    # The jaw moves as a person speaks: it tells less about the turn.
    weights = np.where(head[:, 1] < -3, 0.3, 1.0)[:, None]  # below the nose, in cm
    known_head = np.hstack([head, np.ones((len(head), 1))])
    solved, _, rank, _ = np.linalg.lstsq(known_head * weights, found * weights, rcond=None)
    camera = solved.T
    if rank < known_head.shape[1] or camera[0, 0] * camera[1, 1] - camera[0, 1] * camera[1, 0] >= 0:
        raise DamageFailed("landmarks_mirrored: left and right are exchanged, or the face is seen from behind")
    return Head(camera, head, found - known_head @ camera.T, found)


def _matched(face: Face) -> tuple[Array, Array]:
    """Points (N, 2) of a face and those (N, 3) of the neutral head."""
    assert face.points is not None
    if face.scheme == "mediapipe-468":
        return face.points[_NUMBERS], HEAD
    places = {number: place for place, number in enumerate(_NUMBERS.tolist())}
    common = [(number, places[of]) for number, of in enumerate(IBUG_68_OF_MESH) if of in places]
    mine, theirs = zip(*common, strict=True)
    return face.points[list(mine)], HEAD[list(theirs)]
