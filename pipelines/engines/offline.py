"""The engine without downloads: CenterFace finds, MediaPipe's mesh measures, dlib tells who is who if asked.

All three ship inside packages (`models.py`). The price: identities are weak, and profiles get five points only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from pipelines.engines import measures, pose
from pipelines.engines.base import FoundFace, Points
from pipelines.engines.centerface import CenterFace
from pipelines.engines.identity import DlibIdentity
from pipelines.engines.mesh import Array, Mesh, five_of
from pipelines.engines.models import CENTERFACE, DLIB_IDENTITY, FACE_MESH, IRIS
from pipelines.engines.providers import providers_of
from pipelines.engines.rules import Faces
from pipelines.errors import RecipeError
from pipelines.imaging.colour import Picture
from pipelines.landmarks import ibug_68
from pipelines.seeds import digest

_REVISION = 1
"""Raised with every change of this file that changes numbers."""

_UPRIGHT = 45.0
"""Degrees of roll up to which a face counts as upright."""


class OfflineEngine:
    """See `FaceEngine`.

    Faces at any roll are found, upside down too, but fewer of them: the detector knows mostly upright ones. With
    `rotations`, a picture without an upright face is looked at in all four quarter turns, and the turn with the
    highest sum of scores counts; coordinates are those of the picture as it was given.
    """

    name = "offline"

    def __init__(self, block: Faces) -> None:
        _require("onnx", "onnxruntime", "ai_edge_litert")
        self._detector = CenterFace(CENTERFACE.read(), block.detect_side, providers_of(block.providers))
        self._mesh = Mesh(FACE_MESH.read(), IRIS.read())
        self._identity = DlibIdentity() if block.embeddings else None
        self._rotations = block.rotations
        self.version = _version(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def find(self, pictures: Sequence[Picture]) -> list[list[FoundFace]]:
        return [self._find(picture) for picture in pictures]

    def _find(self, picture: Picture) -> list[FoundFace]:
        faces = self._look(picture, 0)
        if not self._rotations or any(abs(face.pose[2]) <= _UPRIGHT for face in faces):
            return faces
        turned = [self._look(picture, turns) for turns in (1, 2, 3)]
        return max((faces, *turned), key=lambda found: sum(face.score for face in found if face.points is not None))

    def _look(self, picture: Picture, turns: int) -> list[FoundFace]:
        """Faces that show when the picture is turned to the left by quarters, in its own coordinates."""
        boxes, scores, five = self._detector.find(np.ascontiguousarray(np.rot90(picture, turns)))
        if turns:
            height, width = picture.shape[:2]
            five = turned_back(five, turns, width, height)
            corners = turned_back(np.stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1), turns, width, height)
            low, high = corners.min(axis=1), corners.max(axis=1)
            boxes = np.hstack([low, high - low])
        return [self._face(picture, *found) for found in zip(boxes, scores, five, strict=True)]

    def _face(self, picture: Picture, box: Array, score: np.float32, five: Points) -> FoundFace:
        height, width = picture.shape[:2]
        mesh, landmark_score = self._mesh.fit(picture, box, five)
        outline = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        points, eyes, angles = None, None, pose.from_five(five)
        if mesh is not None:
            points, eyes, angles = mesh[:, :2].copy(), self._mesh.eyes_open(picture, mesh), pose.from_mesh(mesh)
            five = five_of(mesh)
        return FoundFace(
            box=outline,
            score=float(score),
            five=five,
            pose=angles,
            sharpness=measures.sharpness(picture, outline),
            inside=measures.inside(outline, points, width, height),
            scheme="" if points is None else "mediapipe-468",
            points=points,
            landmark_score=landmark_score,
            eyes_open=eyes,
            eyes_visible=measures.eyes_visible(five, angles, eyes, width, height),
            embedding=self._embedding(picture, points),
        )

    def _embedding(self, picture: Picture, points: Points | None) -> Array | None:
        """None for profiles: cutting them by five points is not what the network was trained on."""
        if self._identity is None or points is None:
            return None
        marks = ibug_68("mediapipe-468", points)
        assert marks is not None
        return self._identity.embed(picture, marks.astype(np.float32))


def turned_back(points: Array, turns: int, width: int, height: int) -> Array:
    """Points (..., 2) of a picture that `numpy.rot90` turned so often, in the picture of this size."""
    x, y = points[..., 0], points[..., 1]
    if turns == 1:
        return np.stack([width - y, x], axis=-1)
    if turns == 2:
        return np.stack([width - x, height - y], axis=-1)
    return np.stack([y, height - x], axis=-1)


def _version(block: Faces) -> str:
    models = [CENTERFACE, FACE_MESH, IRIS, *([DLIB_IDENTITY] if block.embeddings else [])]
    parts = [model.sha256 for model in models]
    return f"offline-{digest(_REVISION, *parts, block.detect_side, block.rotations):032x}"[:24]


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise RecipeError(f"faces: the offline engine needs {', '.join(missing)}: pip install 'mendery[faces]'")
