"""What every face engine gives: faces with their numbers, whatever models found them.

Curation judges these numbers, damage draws over these points; neither knows which engine ran. What an engine cannot
know is None, never a guess: a rule over it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.imaging.colour import Picture

Points = NDArray[np.float32]
"""(N, 2): x to the right, y down, in pixels of the picture, which reaches from 0 to its width."""

FLOOR = 0.3
"""Engines give every face down to this score, so that `min_score` can be changed without looking again."""


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face, in pixels of the picture that was given.

    Attributes:
        box: x, y, width, height; may reach beyond the picture where the face is cut by its edge.
        score: how sure the detector is, 0 to 1. Scores of different engines are different scales.
        five: (5, 2) as `landmarks.five_points`: eyes, tip of the nose, corners of the mouth, each pair first the one
            on an upright picture's left.
        pose: yaw, pitch, roll in degrees; yaw > 0 turns the nose to the picture's right, pitch > 0 looks up,
            roll > 0 is tilted clockwise as seen in the picture. From the dense points where there are any, else an
            estimate from five points, some ten degrees off.
        sharpness: see `measures.sharpness`.
        inside: share of the dense points, or of the box where there are none, that lies within the picture.
        scheme, points: dense landmarks and their numbering in `landmarks.SCHEMES`; "" and None where there are none.
        landmark_score: how sure the model of the dense points is, 0 to 1, that it saw a face that they fit. Near 0 on
            profiles and on faces mostly covered; covered in part, as by a mask or sunglasses, it stays near 1. None
            where the engine has no such number.
        eyes_open: of the left and right eye in the picture, height of the opening by its width; about 0.1 when
            closed, 0.2 to 0.45 when open. None where the engine cannot tell.
        eyes_visible: both eyes in the picture, not turned away, and not known to be closed. An eye behind dark
            glasses or hair counts as visible: no model here can tell.
        embedding: (D,) float32 of unit length, near for pictures of the same person; None unless asked for.
    """

    box: tuple[float, float, float, float]
    score: float
    five: Points
    pose: tuple[float, float, float]
    sharpness: float
    inside: float
    scheme: str = ""
    points: Points | None = None
    landmark_score: float | None = None
    eyes_open: tuple[float, float] | None = None
    eyes_visible: bool = True
    embedding: NDArray[np.float32] | None = None


class FaceEngine(Protocol):
    """Finds faces in pictures. One per process: models are loaded once and used by one thread.

    Attributes:
        name: as the recipe has it.
        version: changes whenever the same picture may give other numbers: digests of the models, and the settings.
    """

    name: str
    version: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def find(self, pictures: Sequence[Picture]) -> list[list[FoundFace]]:
        """Faces of each picture, (H, W, 3) uint8 RGB, the surest first.

        What is found in a picture does not depend on the others of the batch.
        """
        ...
