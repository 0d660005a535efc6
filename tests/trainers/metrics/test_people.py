"""What is left of a face, on a real photograph with the offline engine."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from pipelines.engines import Faces, open_engine
from pipelines.engines.base import FaceEngine
from tests.photographs import ASTRONAUT, photograph
from trainers.metrics.people import compare


@pytest.fixture(scope="module")
def engine() -> Iterator[FaceEngine]:
    with open_engine(Faces(embeddings=True)) as opened:
        yield opened


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.ascontiguousarray(photograph(ASTRONAUT)[0:256, 100:356])


@pytest.fixture(scope="module")
def mask(engine: FaceEngine, image: np.ndarray) -> np.ndarray:
    """The lower half of the face."""
    ((face, *_),) = engine.find([image])
    nose, mouth = face.five[2], face.five[3:].mean(axis=0)
    drawn = np.zeros(image.shape[:2], np.uint8)
    centre = tuple(np.round((nose + mouth) / 2).astype(int).tolist())
    return cv2.circle(drawn, centre, int(np.hypot(*(face.five[1] - face.five[0]))) // 2, 255, cv2.FILLED)


def test_a_perfect_result_keeps_everything(engine: FaceEngine, image: np.ndarray, mask: np.ndarray) -> None:
    (kept,) = compare(engine, [image], [image], [mask])
    assert kept.identity == pytest.approx(1, abs=1e-5)
    assert kept.landmark_error == kept.tone_shift == kept.hue_shift == 0
    assert 0.9 < kept.identity_clean < 1


def test_lighter_skin_is_a_positive_shift(engine: FaceEngine, image: np.ndarray, mask: np.ndarray) -> None:
    lighter, darker = (np.clip(image.astype(int) + step, 0, 255).astype(np.uint8) for step in (25, -25))
    up, down = compare(engine, [image, image], [lighter, darker], [mask, mask])
    assert up.tone_shift > 3 > -3 > down.tone_shift


def test_a_blurred_mouth_costs_identity(engine: FaceEngine, image: np.ndarray, mask: np.ndarray) -> None:
    blurred = np.where(mask[..., None] > 0, cv2.GaussianBlur(image, (0, 0), 12), image)
    (kept,) = compare(engine, [image], [blurred], [mask])
    assert kept.identity < 0.999
    assert kept.landmark_error > 0


def test_a_face_that_is_gone_is_lost(engine: FaceEngine, image: np.ndarray) -> None:
    (kept,) = compare(engine, [image], [np.full_like(image, 128)], [np.full(image.shape[:2], 255, np.uint8)])
    assert kept.lost
    assert np.isnan(kept.identity)


def test_a_hole_elsewhere_says_nothing_of_the_face(engine: FaceEngine, image: np.ndarray) -> None:
    corner = np.zeros(image.shape[:2], np.uint8)
    corner[-20:, :20] = 255
    assert compare(engine, [image], [image], [corner]) == [None]
