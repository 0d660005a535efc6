"""Faces in a crop: as its sample tells them, and as its damage sees them, moved there from the source picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipelines.damage.base import Face
from pipelines.imaging.align import moved
from pipelines.imaging.fit import Matrix

DECIMALS = 2


def faces_in_crop(faces: str, matrix: Sequence[float], size: int) -> str:
    """JSON list of the faces that a crop shows at least in part.

    Args:
        faces: JSON list as the catalog has it, in pixels of the source picture.
        matrix: (6,) x' = a x + b y + c, y' = d x + e y + f.
        size: side of the crop in pixels.

    Returns:
        JSON list of objects with `box` (x, y, width, height), `boxes` (the same, by what they hold) and `five` (5, 2),
        each where it is known; all may reach beyond the crop. `by` names the engine that found it, and is absent where
        the corpus annotates the face. Landmarks are guides, and not told here.
    """
    if faces == "[]":
        return faces
    moved = [_moved(face, matrix) for face in json.loads(faces)]
    return json.dumps([face for face in moved if _shows(face, size)], separators=(",", ":"))


def seen_faces(faces: str, matrix: Sequence[float], size: int) -> tuple[Face, ...]:
    """Faces with five points that a crop shows, the nearest to its middle first.

    Args:
        faces: JSON list in pixels of the source picture.
    """
    if faces == "[]":
        return ()
    seen = [_seen(face, matrix) for face in json.loads(faces) if "five" in face]
    shown = [face for face in seen if ((face.five >= 0) & (face.five <= size)).all(axis=1).any()]
    return tuple(sorted(shown, key=lambda face: float(np.hypot(*(face.five.mean(axis=0) - size / 2)))))


def _seen(face: dict[str, Any], matrix: Sequence[float]) -> Face:
    points, pose = face.get("points"), face.get("pose") or (None, None)
    return Face(
        five=_all_moved(face["five"], matrix),
        scheme=face.get("scheme", "") if points else "",
        points=_all_moved(points, matrix) if points else None,
        yaw=pose[0],
        pitch=pose[1],
        score=face.get("landmark_score"),
    )


def _all_moved(points: Any, matrix: Sequence[float]) -> NDArray[np.float64]:
    return moved(np.asarray(points, np.float64), cast(Matrix, tuple(matrix)))


def _moved(face: dict[str, Any], matrix: Sequence[float]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "box" in face:
        found["box"] = _moved_box(face["box"], matrix)
    if "boxes" in face:
        found["boxes"] = {name: _moved_box(box, matrix) for name, box in face["boxes"].items()}
    if "five" in face:
        found["five"] = [[_round(number) for number in _point(matrix, x, y)] for x, y in face["five"]]
    for name in ("labels", "by"):
        if name in face:
            found[name] = face[name]
    return found


def _moved_box(box: Sequence[float], matrix: Sequence[float]) -> list[float]:
    x, y, width, height = box
    corners = [_point(matrix, *corner) for corner in ((x, y), (x + width, y), (x, y + height), (x + width, y + height))]
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) for axis in (0, 1))
    return [_round(number) for number in (left, top, right - left, bottom - top)]


def _point(matrix: Sequence[float], x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + b * y + c, d * x + e * y + f


def _round(number: float) -> float:
    return round(number, DECIMALS) + 0.0  # never -0.0


def _shows(face: dict[str, Any], size: int) -> bool:
    points = list(face.get("five", []))
    if "box" in face:
        x, y, width, height = face["box"]
        points += [
            [min(max(size / 2, x), x + width), min(max(size / 2, y), y + height)]
        ]  # the box's nearest to the middle
    return any(0 <= x <= size and 0 <= y <= size for x, y in points)


def with_five(declared: str, found: str) -> str:
    """Faces to crop by: those that the corpus annotates with five points, else those that an engine found.

    Args:
        declared, found: JSON lists.
    """
    return declared if found == "[]" or any("five" in face for face in json.loads(declared)) else found


def all_faces(declared: str, found: str) -> str:
    """Faces to take landmarks from, those of the corpus first."""
    return json.dumps(json.loads(declared) + json.loads(found)) if found != "[]" else declared
