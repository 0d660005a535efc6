"""Which way a face looks: the rotation between its points and those of a neutral head.

The dense points have a depth that their network predicts, so the rotation is a closed form, not a search. On
photographs taken at known angles it is nearer than solving the projection from two dimensions (PnP), which needs the
camera's focal length and has none (`benchmarks/faces.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pose = tuple[float, float, float]

_PAIRS = np.array(
    # Left and right point; y, z and the left's x (the right's is its opposite), in cm; the weight of each.
    [
        (33, 263, 2.664, 3.173, -4.446, 0.0587),
        (54, 284, 6.615, 1.426, -6.279, 0.0077),
        (67, 297, 8.006, 3.729, -3.524, 0.0091),
        (117, 346, 0.946, 2.974, -5.259, 0.0098),
        (119, 348, 0.862, 3.873, -3.301, 0.0146),
        (121, 350, 1.468, 4.224, -1.821, 0.0186),
        (127, 356, 2.365, -2.005, -7.743, 0.0052),
        (129, 358, -0.978, 4.850, -1.786, 0.1206),
        (132, 361, -2.891, -2.252, -7.271, 0.0056),
        (133, 362, 2.585, 3.758, -1.856, 0.0533),
        (136, 365, -7.179, 0.715, -5.085, 0.0669),
        (143, 372, 2.236, 1.561, -6.408, 0.0148),
        (147, 376, -1.944, 1.664, -6.235, 0.0143),
        (198, 420, 0.230, 5.681, -1.247, 0.0255),
        (205, 425, -1.537, 4.138, -3.833, 0.0473),
    ]
)
_MIDDLE = np.array([(4, -0.463, 7.587, 0.0, 0.0709), (6, 2.473, 5.789, 0.0, 0.0321), (10, 8.262, 4.482, 0.0, 0.0084)])
_NUMBERS = np.concatenate([_PAIRS[:, 0], _PAIRS[:, 1], _MIDDLE[:, 0]]).astype(int)
_WEIGHTS = np.concatenate([_PAIRS[:, 5], _PAIRS[:, 5], _MIDDLE[:, 4]])
_HEAD = np.concatenate([_PAIRS[:, [4, 2, 3]], _PAIRS[:, [4, 2, 3]] * (-1, 1, 1), _MIDDLE[:, [3, 1, 2]]]) * (1, -1, 1)
"""(33, 3): x to the picture's right, y down, z toward the viewer."""

_FIVE = np.array(
    [(-3.160, 2.643, 3.626), (3.160, 2.643, 3.626), (0, -0.463, 7.587), (-2.456, -4.343, 4.284), (2.456, -4.343, 4.284)]
) * (1, -1, 1)


def from_mesh(points: NDArray[np.floating]) -> Pose:
    """Yaw, pitch, roll in degrees, as `FoundFace.pose`, from mediapipe's mesh.

    Args:
        points: (468, 3) x to the right, y down, z away from the viewer, all in the same unit.

    Source: mediapipe, face_geometry (Apache 2.0): its canonical face, and its 33 points and weights for a weighted
    Procrustes fit (geometry_pipeline_metadata_landmarks.pbtxt). It removes the perspective of an assumed camera
    first; we do not, since photographs come from any camera.
    """
    found = points[_NUMBERS] * (1, 1, -1)
    weights = (_WEIGHTS / _WEIGHTS.sum())[:, None]
    head, face = _HEAD - (weights * _HEAD).sum(axis=0), found - (weights * found).sum(axis=0)
    return _angles(_nearest_rotation((weights * face).T @ head))


def from_five(five: NDArray[np.floating]) -> Pose:
    """An estimate from five points alone: a plane has no depth, so it takes them for an orthographic picture.

    Source: DeMenthon and Davis, IJCV 1995 (POS, the first step of POSIT).
    """
    head, face = _FIVE - _FIVE.mean(axis=0), five - five.mean(axis=0)
    rows = np.linalg.lstsq(head, face, rcond=None)[0].T
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return _angles(_nearest_rotation(np.vstack([rows, np.cross(*rows)])))


def _nearest_rotation(matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    left, _, right = np.linalg.svd(matrix)
    sign = np.sign(np.linalg.det(left @ right)) or 1.0
    rotation: NDArray[np.floating] = left @ np.diag([1, 1, sign]) @ right
    return rotation


def _angles(rotation: NDArray[np.floating]) -> Pose:
    """Of roll after yaw after pitch, as insightface takes it apart."""
    yaw = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
