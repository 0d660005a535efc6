"""Light and colour, by hand-made pictures and real photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from edited import PHOTOGRAPHS, clean, grey, recompressed

from pipelines.curate.tone import chroma, tones


def luma(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def test_half_black_half_white() -> None:
    picture = np.zeros((100, 100), np.uint8)
    picture[:, 50:] = 255
    expected = {"brightness": 0.5, "crushed": 0.5, "blown": 0.5, "contrast": 1.0, "one_tone": 0.5}
    assert tones(picture) == pytest.approx(expected)


@pytest.mark.parametrize(("level", "crushed", "blown"), [(0, 1, 0), (4, 1, 0), (5, 0, 0), (250, 0, 0), (251, 0, 1)])
def test_constants(level: int, crushed: int, blown: int) -> None:
    found = tones(np.full((9, 9), level, np.uint8))
    assert found == pytest.approx(
        {"brightness": level / 255, "crushed": crushed, "blown": blown, "contrast": 0, "one_tone": 1}
    )


def test_a_ramp_has_no_tone_of_its_own() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    found = tones(ramp)
    assert found["one_tone"] == pytest.approx(9 / 256)
    assert found["contrast"] == pytest.approx(0.9, abs=0.01)


def test_darker_photographs_are_darker() -> None:
    for one in PHOTOGRAPHS:
        bright, dark = (tones(luma((clean(one) * factor).astype(np.uint8))) for factor in (1, 0.2))
        assert dark["brightness"] == pytest.approx(0.2 * bright["brightness"], abs=0.01)
        assert dark["contrast"] < bright["contrast"]
        assert dark["crushed"] >= bright["crushed"]


def test_grey_photographs_have_no_colour() -> None:
    for one in PHOTOGRAPHS:
        assert chroma(grey(clean(one))) == 0
        assert chroma(recompressed(grey(clean(one)), 80)) < 0.03


def test_photographs_in_colour_have_some() -> None:
    greys = {"brick.png", "camera.png", "grass.png", "gravel.png", "BWPictureHuman.jpg"}
    for _, path in PHOTOGRAPHS:
        found = chroma(clean(next(one for one in PHOTOGRAPHS if one[1] == path)))
        assert (found > 0.05) == (path.rpartition("/")[2] not in greys), path


def test_some_colour_in_a_grey_picture_counts_from_a_twentieth() -> None:
    picture = np.full((100, 100, 3), 128, np.uint8)
    picture[:4] = (255, 0, 0)
    assert chroma(picture) == 0
    picture[:8] = (255, 0, 0)
    assert chroma(picture) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (20, 4000)])
def test_any_shape_has_tones(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 100, np.uint8)
    assert tones(luma(picture))["one_tone"] == 1
    assert chroma(picture) == 0
