"""Faces of a dataset, a handful, so that one can see whether they were found where they are.

Each as the sample shows it, with box and points; aligned by its five points, where rings mark the places at which eyes,
nose and mouth should lie; and its parts, where samples have them. Taken from samples alone, as everything in a report.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.damage.base import Picture
from pipelines.imaging.align import ARCFACE, ARCFACE_SIDE, arcface, usable, warp
from pipelines.imaging.encode import decode_png
from pipelines.publish.charts import LIGHT_HUE, data_uri

NUM_FACES = 12
SIDE = 160
QUALITY = 78

_POINT, _DENSE = (255, 255, 255), (90, 230, 120)
_SHIFT = 4
"""Binary digits of a pixel's fraction that OpenCV takes."""
_PARTS = np.array(
    [
        (0, 0, 0), (230, 190, 160), (110, 60, 20), (170, 110, 40), (30, 100, 220), (110, 210, 255), (255, 220, 60),
        (220, 40, 80), (60, 0, 30), (255, 120, 150), (120, 120, 120),
    ],
    np.uint8,
)  # fmt: skip
"""Colours of label maps: those of LaPa's parts in the order of their numbers, then again."""


@dataclass(frozen=True)
class FaceView:
    """One face as the page shows it.

    Attributes:
        pictures: what each shows to its data URI.
        by: who found it.
    """

    pictures: dict[str, str]
    by: str


def view(image: Picture, metadata: Mapping[str, Any], members: Mapping[str, bytes]) -> FaceView | None:
    """The face nearest to the middle of a sample's image; None where no face with five points is in it.

    Args:
        members: of the sample, of which `landmarks.npy` and `parsing.png` are shown too.
    """
    faces = [face for face in json.loads(metadata["faces"]) if usable(np.array(face.get("five", [[0, 0]]), float))]
    if not faces:
        return None
    face = min(faces, key=lambda face: float(np.hypot(*(np.mean(face["five"], axis=0) - len(image) / 2))))
    five = np.array(face["five"], np.float64)
    pictures = {
        "box and points": _marked(image, face, five, _dense(members)),
        "aligned": _aligned(image, five),
    }
    if "parsing.png" in members:
        pictures["parts"] = _coloured(image, decode_png(members["parsing.png"]))
    uris = {name: data_uri("jpeg", Image.fromarray(pixels), quality=QUALITY) for name, pixels in pictures.items()}
    engine = face.get("by", "").rpartition("-")[0]
    return FaceView(uris, f"found by the {engine} engine" if engine else "annotated by the corpus")


def _marked(image: Picture, face: Mapping[str, Any], five: NDArray[Any], dense: NDArray[Any]) -> Picture:
    scale = SIDE / len(image)
    small = _small(image)
    if "box" in face:
        x, y, width, height = np.array(face["box"]) * scale
        cv2.rectangle(small, _place((x, y)), _place((x + width, y + height)), LIGHT_HUE, 1, cv2.LINE_AA, _SHIFT)
    for point in dense * scale:
        cv2.circle(small, _place(point), 1 << (_SHIFT - 1), _DENSE, -1, cv2.LINE_AA, _SHIFT)
    for point in five * scale:
        cv2.circle(small, _place(point), 5 << (_SHIFT - 1), LIGHT_HUE, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(small, _place(point), 3 << (_SHIFT - 1), _POINT, -1, cv2.LINE_AA, _SHIFT)
    return small


def _aligned(image: Picture, five: NDArray[np.float64]) -> Picture:
    aligned = warp(image, 1.0, arcface(five, SIDE), SIDE)
    for point in ARCFACE * (SIDE / ARCFACE_SIDE):
        cv2.circle(aligned, _place(point), 5 << _SHIFT, _POINT, 1, cv2.LINE_AA, _SHIFT)
    return aligned


def _coloured(image: Picture, labels: NDArray[np.uint8]) -> Picture:
    """The image under the colours of its parts; background as it is."""
    there = (labels > 0)[..., None]
    mixed = np.where(there, image // 2 + _PARTS[labels % len(_PARTS)] // 2, image)
    return _small(mixed.astype(np.uint8))


def _dense(members: Mapping[str, bytes]) -> NDArray[np.float32]:
    if "landmarks.npy" not in members:
        return np.empty((0, 2), np.float32)
    points: NDArray[np.float32] = np.load(io.BytesIO(members["landmarks.npy"]), allow_pickle=False)
    return points


def _small(image: Picture) -> Picture:
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _place(point: Any) -> tuple[int, int]:
    """A point as OpenCV takes it: it counts from the middle of the first pixel, we from its corner."""
    x, y = (np.clip(float(number), -SIDE, 2 * SIDE) - 0.5 for number in point)
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
