"""MediaPipe's face mesh: 468 points of one face, and how far its eyes are open.

The mesh is fitted twice, the second time where the first put the face, because it was trained on faces cut by its own
outline. Whether an eye is open is left to MediaPipe's model of the iris: the mesh draws open eyes under closed lids
(`benchmarks/faces.py --draw`).

Source: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019;
Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Points
from pipelines.imaging.colour import Picture
from pipelines.landmarks import SCHEMES

Array = NDArray[np.float32]

_MARGIN = 1.5  # of the square around a face, by its longer side: face_landmark_front_cpu.pbtxt
_EYE_MARGIN = 2.3  # of the square around an eye, by its width: iris_landmark_landmarks_to_roi.pbtxt
_CORNERS = ((33, 133, False), (362, 263, True))
"""Corners of the eyes on the picture's left and right, and whether the model wants it mirrored."""
_OPENING = ((3, 11), (4, 12), (5, 13))
"""Points of the iris model on the lower and the upper lid, above each other; 0 and 8 are the corners."""

SURE = 0.9
"""Score from which a mesh is believed: 1.00 on the faces of our test pictures that face the camera at all, under 0.8
on profiles, where it lies beside the face."""
_COVERS = 0.4
"""Part of box and mesh together that both must share."""


@dataclass(frozen=True)
class Square:
    """A square turned by an angle, clockwise as seen in the picture.

    Attributes:
        x, y: its centre. side: its length. angle: in radians.
    """

    x: float
    y: float
    side: float
    angle: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """What the network made of a face.

    Attributes:
        points: (468, 3), z away from the viewer, in pixels.
        score: that it saw a face which they fit, 0 to 1.
    """

    points: Array
    score: float


class Mesh:
    """The models of mesh and iris, each given as the bytes of its file."""

    def __init__(self, face: bytes, iris: bytes) -> None:
        self._face, self._iris = _Network(face), _Network(iris)

    def fit(self, picture: Picture, box: Array, five: Array) -> tuple[Array | None, float]:
        """The mesh of the face in a box, None where it is not believed, and its score.

        Args:
            box: (4,) of the detector.
            five: (5, 2) of the detector; tell the roll. On faces on their side or upside down it can be wrong: then
                the other quarter turns are tried.
        """
        x, y, width, height = (float(number) for number in box)
        scores = []
        for turn in (0, 2, 1, 3):
            angle = _roll(five) + turn * np.pi / 2
            found = self._twice(picture, Square(x + width / 2, y + height / 2, _MARGIN * max(width, height), angle))
            if found.score >= SURE and _shared(box, found.points) >= _COVERS:
                return found.points, found.score
            scores.append(found.score)
        return None, scores[0]

    def _twice(self, picture: Picture, square: Square) -> Fitted:
        first = self._once(picture, square)
        second = self._once(picture, _around(first.points, square.angle))
        return Fitted(second.points, min(first.score, second.score))

    def _once(self, picture: Picture, square: Square) -> Fitted:
        cut, back = cut_out(picture, square, 192)
        points, score = self._face(cut)
        points = points.reshape(468, 3)
        flat = points[:, :2] @ back[:, :2].T + back[:, 2]
        depth = points[:, 2:] * (square.side / 192)
        return Fitted(np.hstack([flat, depth]).astype(np.float32), _sigmoid(float(score.ravel()[0])))

    def eyes_open(self, picture: Picture, mesh: Array) -> tuple[float, float]:
        """Height of the opening by its width, of the left and the right eye in the picture."""
        left, right = (self._opening(picture, mesh[a, :2], mesh[b, :2], mirror) for a, b, mirror in _CORNERS)
        return left, right

    def _opening(self, picture: Picture, start: Array, end: Array, mirror: bool) -> float:
        across, centre = end - start, (start + end) / 2
        side = max(_EYE_MARGIN * float(np.hypot(*across)), 1e-3)
        square = Square(float(centre[0]), float(centre[1]), side, float(np.arctan2(across[1], across[0])))
        cut, _ = cut_out(picture, square, 64)
        contour, _ = self._iris(cut[:, ::-1] if mirror else cut)
        points = contour.reshape(71, 3)[:, :2]
        height = np.mean([np.hypot(*(points[low] - points[high])) for low, high in _OPENING])
        return float(height / max(float(np.hypot(*(points[0] - points[8]))), 1e-3))


class _Network:
    """A TensorFlow Lite graph of one picture and two outputs."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._graph: Any = Interpreter(model_content=model, num_threads=1)
        self._graph.allocate_tensors()
        self._input = self._graph.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._graph.get_output_details()]

    def __call__(self, pixels: Picture) -> tuple[Array, Array]:
        self._graph.set_tensor(self._input, np.ascontiguousarray(pixels, np.float32)[None] / np.float32(255))
        self._graph.invoke()
        first, second = (self._graph.get_tensor(index) for index in self._outputs)
        return first, second


def cut_out(picture: Picture, square: Square, size: int) -> tuple[Picture, Array]:
    """A turned square of a picture, and the (2, 3) matrix from it back; black beyond the picture.

    A large square is shrunk by area first: warping alone would skip pixels.
    """
    height, width = picture.shape[:2]
    reach = 0.75 * square.side + 2  # half its diagonal and a little
    left, top = max(0, min(width - 1, int(square.x - reach))), max(0, min(height - 1, int(square.y - reach)))
    part = picture[top : max(top + 1, int(square.y + reach)), left : max(left + 1, int(square.x + reach))]
    shrunk, across, down = _shrunk(part, 2 * size / square.side)
    back = _matrix(square, size)
    back = np.array([[across, 0], [0, down]]) @ (back - [[0, 0, left], [0, 0, top]])
    # OpenCV counts from the middle of the first pixel, we from its corner.
    sampled = back + np.hstack([np.zeros((2, 2)), back[:, :2] @ [[0.5], [0.5]] - 0.5])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(shrunk, sampled, (size, size), flags=flags), _matrix(square, size)  # type: ignore[return-value]


def _shrunk(part: Picture, ratio: float) -> tuple[Picture, float, float]:
    if ratio >= 1:
        return part, 1.0, 1.0
    height, width = part.shape[:2]
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA), size[0] / width, size[1] / height  # type: ignore[return-value]


def _matrix(square: Square, size: int) -> Array:
    """From the cut square to the picture."""
    scale = square.side / size
    cos, sin = np.cos(square.angle) * scale, np.sin(square.angle) * scale
    half = size / 2
    return np.array([[cos, -sin, square.x - half * (cos - sin)], [sin, cos, square.y - half * (sin + cos)]])


def _around(points: Array, angle: float) -> Square:
    """The square around a mesh, turned as its own five points say."""
    cos, sin = np.cos(angle), np.sin(angle)
    level = points[:, :2] @ np.array([[cos, -sin], [sin, cos]])
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = np.array([[cos, -sin], [sin, cos]]) @ ((low + high) / 2)
    return Square(float(x), float(y), _MARGIN * float((high - low).max()), _roll(five_of(points)))


def five_of(mesh: Array) -> Points:
    """(5, 2) of a mesh, as `landmarks.SCHEMES` derives them."""
    groups = SCHEMES["mediapipe-468"].five
    return np.array([mesh[list(group), :2].mean(axis=0) for group in groups], np.float32)


def _roll(five: Array) -> float:
    """Angle of the line of the eyes, steadied by the line from eyes to mouth: of profiles the eyes tell nothing."""
    eyes, down = five[1] - five[0], five[3:].mean(axis=0) - five[:2].mean(axis=0)
    return float(np.arctan2(eyes[1] - down[0], eyes[0] + down[1]))


def _shared(box: Array, points: Array) -> float:
    """Overlap by union of a box and the box of a mesh."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    common = np.clip(np.minimum(box[:2] + box[2:], high) - np.maximum(box[:2], low), 0, None).prod()
    return float(common / (box[2] * box[3] + (high - low).prod() - common))


def _sigmoid(number: float) -> float:
    return float(1 / (1 + np.exp(-number)))
