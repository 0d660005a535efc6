"""What an inpainted face has lost of the person: identity, places of features, tone of skin.

All three compare two pictures of one sample, the image and what a method made of it, by the same face engine, which is
itself less sure of some groups than of others. So evaluation puts beside the identity what the engine says of the image
and its own mirror image: that much is the engine's doing. None of these numbers is stored with a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import FaceEngine, FoundFace
from pipelines.mesh_parts import MESH, OUTLINES
from trainers.metrics.windows import Picture

NOT_SKIN = tuple(part for part in OUTLINES if part not in ("skin", "nose"))

LEAST_SKIN = 20
"""Pixels of skin in the hole under which its tone is not told."""


@dataclass(frozen=True)
class Kept:
    """Of one face; NaN where it cannot be told.

    Attributes:
        identity: cosine similarity of the embeddings of the image and of the inpainted picture, -1 to 1.
        identity_clean: the same of the image and its mirror image, which shows the same person and has no hole.
        landmark_error: mean distance of the points that lie in the hole, by the distance of the eyes.
        tone_shift: by how much the skin in the hole is lighter than it was, in degrees of the individual typology
            angle.
        hue_shift: by how much its hue has turned, in degrees in CIELAB.
        lost: whether no face was found any more where the image has one.
    """

    identity: float = math.nan
    identity_clean: float = math.nan
    landmark_error: float = math.nan
    tone_shift: float = math.nan
    hue_shift: float = math.nan
    lost: bool = False


def compare(
    engine: FaceEngine, images: Sequence[Picture], inpainted: Sequence[Picture], masks: Sequence[NDArray[np.uint8]]
) -> list[Kept | None]:
    """Compares the main face of each picture; None where the image has none that the hole touches.

    Args:
        images, inpainted: (H, W, 3) uint8 RGB.
        masks: (H, W), 0 where known.
    """
    found = engine.find(list(images))
    again = engine.find(list(inpainted))
    mirrored = engine.find([np.ascontiguousarray(image[:, ::-1]) for image in images])
    return [_compared(*of_one) for of_one in zip(found, again, mirrored, images, inpainted, masks, strict=True)]


def _compared(
    found: list[FoundFace],
    again: list[FoundFace],
    mirrored: list[FoundFace],
    image: Picture,
    inpainted: Picture,
    mask: NDArray[np.uint8],
) -> Kept | None:
    touched = [face for face in found if _inside(face.five, mask).any() or _covers(face, mask)]
    if not touched:
        return None
    face = max(touched, key=lambda one: one.box[2] * one.box[3])
    other, mirror = _same(face, again), _same(_mirrored(face, image.shape[1]), mirrored)
    if other is None:
        return Kept(lost=True)
    tone, hue = _shifts(face, image, inpainted, mask)
    return Kept(
        identity=_cosine(face, other),
        identity_clean=math.nan if mirror is None else _cosine(face, mirror),
        landmark_error=_landmark_error(face, other, mask),
        tone_shift=tone,
        hue_shift=hue,
    )


def _same(face: FoundFace, faces: Sequence[FoundFace]) -> FoundFace | None:
    """The face at the same place, which overlaps it by at least a third of their union."""
    best = max(faces, key=lambda other: _overlap(face.box, other.box), default=None)
    return best if best is not None and _overlap(face.box, best.box) > 1 / 3 else None


def _mirrored(face: FoundFace, width: int) -> FoundFace:
    x, y, across, down = face.box
    return FoundFace(
        (width - x - across, y, across, down), face.score, face.five, face.pose, face.sharpness, face.inside
    )


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    across, down = (
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis]) for axis in (0, 1)
    )
    shared = max(across, 0) * max(down, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def _cosine(one: FoundFace, other: FoundFace) -> float:
    if one.embedding is None or other.embedding is None:
        return math.nan
    return float(one.embedding @ other.embedding)


def _landmark_error(face: FoundFace, other: FoundFace, mask: NDArray[np.uint8]) -> float:
    if face.points is None or other.points is None or face.scheme != other.scheme:
        return math.nan
    inside = _inside(face.points, mask)
    if not inside.any():
        return math.nan
    eyes = float(np.hypot(*(face.five[1] - face.five[0])))
    return float(np.hypot(*(face.points - other.points)[inside].T).mean()) / max(eyes, 1e-6)


def _shifts(face: FoundFace, image: Picture, inpainted: Picture, mask: NDArray[np.uint8]) -> tuple[float, float]:
    """Change of tone and hue of the skin in the hole, both in degrees."""
    if face.scheme != MESH or face.points is None:
        return math.nan, math.nan
    skin = (_skin(face.points, image.shape[:2]) > 0) & (mask > 0)
    if np.count_nonzero(skin) < LEAST_SKIN:
        return math.nan, math.nan
    before, after = (_lab(picture)[skin].mean(axis=0) for picture in (image, inpainted))
    turned = (_hue(after) - _hue(before) + 180) % 360 - 180
    return _typology(after) - _typology(before), turned


def _typology(lab: NDArray[np.floating]) -> float:
    """Individual typology angle in degrees: above 55 very light, below -30 dark.

    Source: Chardon, Cretois and Hourseau, Skin colour typology and suntanning pathways, 1991.
    """
    return math.degrees(math.atan2(float(lab[0]) - 50, float(lab[2])))


def _hue(lab: NDArray[np.floating]) -> float:
    return math.degrees(math.atan2(float(lab[2]), float(lab[1])))


def _lab(picture: Picture) -> NDArray[np.float32]:
    return cast(NDArray[np.float32], cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def _skin(points: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Skin of a face from its mesh: the face without brows, eyes, lips and mouth."""
    skin = np.zeros(shape, np.uint8)
    places = np.round((points - 0.5) * 16).astype(np.int32)
    for part, value in (("skin", 255), *((part, 0) for part in NOT_SKIN)):
        cv2.fillPoly(skin, [places[list(OUTLINES[part])]], value, cv2.LINE_8, 4)
    return skin


def _inside(points: NDArray[np.floating], mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which points lie in the hole; those beyond the picture do not."""
    height, width = mask.shape
    columns, rows = np.floor(points).astype(int).T
    within = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    found = np.zeros(len(points), bool)
    found[within] = mask[rows[within], columns[within]] > 0
    return found


def _covers(face: FoundFace, mask: NDArray[np.uint8]) -> bool:
    """Whether the hole covers at least a hundredth of the face's box."""
    height, width = mask.shape
    x, y, across, down = face.box
    left, top = max(0, int(x)), max(0, int(y))
    part = mask[top : min(height, int(y + down)), left : min(width, int(x + across))]
    return bool(part.size) and float((part > 0).mean()) > 0.01
