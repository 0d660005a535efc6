"""Found faces as tables keep them: JSON in pixels of the original, without embeddings.

The keys `box`, `five`, `scheme` and `points` are those of faces that corpora annotate, so that whatever reads one reads
the other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.engines.base import FoundFace

_DECIMALS = 2


def to_json(faces: Sequence[FoundFace], engine: str) -> str:
    """Text of found faces.

    Args:
        engine: who found them.
    """
    return json.dumps([_plain(face) | {"by": engine} for face in faces], separators=(",", ":"))


def from_json(text: str) -> list[FoundFace]:
    """Gives back what `to_json` wrote, to the second decimal."""
    return [_face(plain) for plain in json.loads(text)]


def _plain(face: FoundFace) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "box": _rounded(face.box),
        "five": _rounded(face.five),
        "score": round(face.score, 4),
        "pose": _rounded(face.pose),
        "sharpness": round(face.sharpness, 4),
        "inside": round(face.inside, 4),
        "eyes_visible": bool(face.eyes_visible),
    }
    if face.points is not None:
        plain |= {"scheme": face.scheme, "points": _rounded(face.points)}
    if face.landmark_score is not None:
        plain["landmark_score"] = round(face.landmark_score, 4)
    if face.eyes_open is not None:
        plain["eyes_open"] = _rounded(face.eyes_open)
    return plain


def _rounded(numbers: Any) -> Any:
    return np.round(np.asarray(numbers, np.float64), _DECIMALS).tolist()


def _face(plain: dict[str, Any]) -> FoundFace:
    points, eyes = plain.get("points"), plain.get("eyes_open")
    return FoundFace(
        box=tuple(plain["box"]),
        score=plain["score"],
        five=np.array(plain["five"], np.float32),
        pose=tuple(plain["pose"]),
        sharpness=plain["sharpness"],
        inside=plain["inside"],
        scheme=plain.get("scheme", ""),
        points=None if points is None else np.array(points, np.float32),
        landmark_score=plain.get("landmark_score"),
        eyes_open=None if eyes is None else tuple(eyes),
        eyes_visible=plain["eyes_visible"],
    )
