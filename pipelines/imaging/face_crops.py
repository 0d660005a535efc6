"""Which faces of a picture become crops, and by which matrices, told from numbers alone.

No pixel is needed for it, so a changed limit is judged anew without reading a picture.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.imaging.align import TEMPLATES, Points, outside, usable
from pipelines.imaging.fit import Fit, Matrix


@dataclass(frozen=True)
class FaceCrops:
    """Crops of one picture's faces, largest face first.

    Attributes:
        matrices: from the upright original to each crop.
        reason: why there are none, "" if there are.
    """

    matrices: tuple[Matrix, ...] = ()
    reason: str = ""


def face_crops(faces: str, width: int, height: int, options: Fit) -> FaceCrops:
    """Crops that a recipe wants of a picture's faces.

    Args:
        faces: JSON list of faces with `five` (5, 2), in pixels of the upright original.
        width, height: of the upright original.
        options: whose size, template, max_enlarge, max_outside and crops_per_image count here.
    """
    fives = [five for face in json.loads(faces) if (five := _five(face)) is not None]
    if not fives:
        return FaceCrops(reason="no_face")
    matrices = [TEMPLATES[options.template](five, options.size) for five in fives]
    sharp = [matrix for matrix in matrices if _enlarges(matrix) <= options.max_enlarge]
    if not sharp:
        return FaceCrops(reason="face_too_small")
    inside = [matrix for matrix in sharp if outside(matrix, options.size, width, height) <= options.max_outside]
    if not inside:
        return FaceCrops(reason="face_cut")
    return FaceCrops(tuple(sorted(inside, key=lambda matrix: (_enlarges(matrix), matrix))[: options.crops_per_image]))


def decode_side_for(crops: FaceCrops, width: int, height: int) -> int:
    """Pixels that the decoded picture's shorter side needs so that no crop is enlarged needlessly."""
    return math.ceil(min(width, height) * max(map(_enlarges, crops.matrices)))


def _five(face: dict[str, Any]) -> Points | None:
    five = np.array(face.get("five", []), np.float64)
    return five if five.shape == (5, 2) and usable(five) else None


def _enlarges(matrix: Matrix) -> float:
    """Pixels of the crop for one of the picture."""
    return math.hypot(matrix[0], matrix[3])
