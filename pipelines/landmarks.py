"""Landmark schemes: which numbering a corpus uses, and how five points follow from it.

The five points are those of face alignment: the eye on the picture's left, the eye on its right, the tip of the
nose, the corner of the mouth on the left, the one on the right. An eye is the mean of the points around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scheme:
    """A numbering of landmarks.

    Attributes:
        size: number of points.
        five: point numbers, from 0, whose mean is each of the five points; empty when they cannot be derived.
        source: where the numbering is published.
    """

    size: int
    five: tuple[tuple[int, ...], ...] = ()
    source: str = ""


# Around the eyes, from the outer corner along the lower lid and back along the upper one.
_MESH_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)

SCHEMES: dict[str, Scheme] = {
    # Both eyes and nothing else, in the order of the file.
    "eyes": Scheme(2, (), "MAFA, readme-train.txt; CAS-PEAL, FaceFP_2.txt"),
    # Left eye, right eye, nose, left and right corner of the mouth, left and right as seen in the picture.
    "five": Scheme(5, ((0,), (1,), (2,), (3,), (4,)), "CelebA, list_landmarks_align_celeba.txt; also insightface"),
    # Jaw 0-40, nose 41-57, lips 58-113, eyes 114-153, brows 154-193. The nose is a contour around the nostrils: its
    # tip is no point of it, so there are no five points.
    "helen-194": Scheme(194, (), "Helen, annotation.zip, after the PUT face database"),
    # Jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67.
    "ibug-68": Scheme(68, (tuple(range(36, 42)), tuple(range(42, 48)), (30,), (48,), (54,)), "iBUG 300-W; dlib"),
    # Jaw 0-32, brows 33-50, nose 51-65, eyes 66-73 and 75-82, mouth 84-103, pupils 74, 83, 104 and 105.
    "lapa-106": Scheme(106, (tuple(range(66, 74)), tuple(range(75, 83)), (54,), (84,), (90,)), "LaPa; JD-landmark"),
    # Head 0-21, brows 22-41, eyes 42-57, pupils 58 and 59, nose 60-72, mouth 73-85. No point is the tip of the nose.
    "scut-86": Scheme(86, (), "SCUT-FBP5500, figure of the 86 landmarks in its repository"),
    # Tip of the nose, eyes, corners of the mouth, ears, of each pair first the one on a frontal picture's left.
    "kface-7": Scheme(7, ((1,), (2,), (0,), (3,), (4,)), "k-face/k-face_2019, README and image/Feature_index.png"),
    # Jaw 0-32, eyes 33-42 and 87-96, brows 43-51 and 97-105, mouth 52-71, nose 72-86; not the order of LaPa. 38 and 88
    # are the pupils.
    "insightface-106": Scheme(106, ((38,), (88,), (86,), (52,), (61,)), "insightface, alignment/coordinate_reg"),
    # A mesh without parts in a row. 468 to 477 of newer models, the irises, are not in it.
    "mediapipe-468": Scheme(468, (*_MESH_EYES, (4,), (61,), (291,)), "mediapipe, canonical_face_model.obj"),
}

IBUG_68_OF_MESH = (
    *(127, 234, 132, 58, 172, 150, 149, 148, 152, 377, 378, 379, 397, 288, 361, 454, 356),  # jaw
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91),  # lips, outside
    *(78, 82, 13, 312, 308, 317, 14, 87),  # lips, inside
)
"""Which point of the mesh stands for each of iBUG's 68.

Such lists are published in many hands and differ; this one mirrors onto itself (some do not: their right jaw is in
disorder) and comes to dlib's 68 points within 5 % of the outer distance of the eyes on our test photographs
(`benchmarks/faces.py`). The jaw is the loosest, 8 %: the mesh follows the cheek where iBUG follows the outline.
"""


def five_points(scheme: str, points: Sequence[tuple[float, float]]) -> list[list[float]] | None:
    """Five points (5, 2) from landmarks, or None where the scheme has none.

    Raises:
        ValueError: the number of points is not the scheme's.
    """
    known = SCHEMES[scheme]
    if len(points) != known.size:
        raise ValueError(f"scheme {scheme} has {known.size} points, found {len(points)}")
    if not known.five:
        return None
    return [[sum(points[number][axis] for number in group) / len(group) for axis in (0, 1)] for group in known.five]


def ibug_68(scheme: str, points: NDArray[np.floating]) -> NDArray[np.floating] | None:
    """The 68 points of iBUG, (68, 2), from landmarks (N, 2) of another scheme; None where they cannot be derived."""
    if scheme == "ibug-68":
        return points
    return points[list(IBUG_68_OF_MESH)] if scheme == "mediapipe-468" else None
