"""Parts of a face drawn from a face mesh, for pictures whose corpus has no parsing.

Outlines through the mesh's points, filled: skin to the edge of the mesh, brows, eyes, nose, lips and the mouth between
them. What a mesh does not know is not there: hair, ears, neck, glasses, and whatever lies over the face. It is a guide
for where parts are, not ground truth: `guides` in `json` says `mesh-parts` wherever a map is drawn like this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.classes import SCHEMES
from pipelines.imaging.align import moved
from pipelines.imaging.fit import Matrix

SCHEME = "mesh-parts"
MESH = "mediapipe-468"

_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
_UPPER_INSIDE = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_INSIDE = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)

OUTLINES: dict[str, tuple[int, ...]] = {
    "skin": (
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
        *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ),
    "nose": (
        *(168, 193, 245, 188, 174, 217, 126, 142, 129, 102, 64, 98, 97),
        *(2, 326, 327, 294, 331, 358, 371, 355, 437, 399, 412, 465, 417),
    ),
    "left eyebrow": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "right eyebrow": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    "left eye": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "right eye": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "upper lip": (*_UPPER, *reversed(_UPPER_INSIDE)),
    "lower lip": (*_LOWER, *reversed(_LOWER_INSIDE)),
    "inner mouth": (*_UPPER_INSIDE, *reversed(_LOWER_INSIDE[1:-1])),
}
"""Points around each part, in the order in which parts are drawn over each other.

Source: mediapipe, face_mesh_connections.py, for skin, brows, eyes and lips. MediaPipe has no outline of the nose; this
one runs from between the eyes along its sides, around the wings and under the nostrils.
"""

_SHIFT = 4
"""Binary digits of a pixel's fraction that OpenCV takes."""


def has_mesh(face: dict[str, Any]) -> bool:
    """Whether the parts of a face can be drawn."""
    return face.get("scheme") == MESH and bool(face.get("points"))


def drawn(found: str, matrix: Sequence[float], size: int) -> NDArray[np.uint8]:
    """A label map of the faces in a crop, the largest over the others.

    Args:
        found: JSON list of faces, in pixels of the picture; those without a mesh are left out.
        matrix: from the picture to the crop.

    Returns:
        (size, size) uint8, class numbers of `mesh-parts`.
    """
    meshes = [moved(face["points"], cast(Matrix, tuple(matrix))) for face in json.loads(found) if has_mesh(face)]
    labels = np.zeros((size, size), np.uint8)
    for mesh in sorted(meshes, key=lambda mesh: float(np.ptp(mesh, axis=0).prod())):
        draw_parts(labels, mesh)
    return labels


def draw_parts(labels: NDArray[np.uint8], mesh: NDArray[np.float64]) -> None:
    """Draws the parts of one face into a label map.

    Args:
        labels: (H, W), changed.
        mesh: (468, 2), in its pixels.
    """
    numbers = {name: number for number, name in SCHEMES[SCHEME].names.items()}
    # OpenCV counts from the middle of the first pixel, we from its corner.
    places = np.round((mesh - 0.5) * (1 << _SHIFT)).astype(np.int32)
    for part, points in OUTLINES.items():
        cv2.fillPoly(labels, [places[list(points)]], numbers[part], cv2.LINE_8, _SHIFT)
