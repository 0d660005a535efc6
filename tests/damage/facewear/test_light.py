"""What a face says about its photograph."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.damage.facewear import light
from pipelines.seeds import generator
from tests.damage.contexts import context


def test_blur_is_measured() -> None:
    face = context(256, 256).image[60:220, 60:200]
    measured = [light.blur_of(cv2.GaussianBlur(face, (0, 0), sigma)) for sigma in (2, 4, 6)]
    assert measured == pytest.approx([2, 4, 6], rel=0.3)


def test_noise_is_measured() -> None:
    face = context(256, 256).image[60:220, 60:200]
    noisy = np.clip(face + generator(1).normal(0, 12, (160, 140, 1)), 0, 255).astype(np.uint8)
    assert light.noise_of(noisy) == pytest.approx(12, rel=0.25)


def test_jpeg_is_noticed() -> None:
    picture = context(256, 256).image
    rough, fine = (cv2.imdecode(cv2.imencode(".jpg", picture, (1, q))[1], 1)[50:230, 43:203] for q in (30, 98))
    assert 25 <= light.jpeg_of(rough, 43, 50) <= 75
    assert light.jpeg_of(fine, 43, 50) == 0


def test_a_face_of_a_few_pixels_tells_nothing() -> None:
    assert light.quality(context(64, 64).image[:8, :8], light.Place(0, 0, 8, 8)) == light.Quality()
