"""Alignment brings five points where the template has them, and the picture with them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from material import photo
from numpy.typing import NDArray

from pipelines.imaging.align import ARCFACE, TEMPLATES, arcface, ffhq, moved, outside, usable, warp, warp_labels
from pipelines.imaging.fit import Fit, Matrix, fit

FRONTAL = np.array([(200.0, 220), (260, 220), (230, 255), (208, 290), (252, 290)])


def turned(
    points: NDArray[np.float64], degrees: float, scale: float, shift: tuple[float, float]
) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    rotation = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return (points @ rotation.T) * scale + shift


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
def test_a_turned_scaled_and_moved_face_comes_to_the_same_place(template: str, degrees: float) -> None:
    align = TEMPLATES[template]
    expected = moved(FRONTAL, align(FRONTAL, 256))
    other = turned(FRONTAL, degrees, 2.7, (40, -90))
    np.testing.assert_allclose(moved(other, align(other, 256)), expected, atol=1e-6)


def test_ffhq_has_the_middle_of_the_eyes_on_the_axis_and_eyes_level() -> None:
    left, right, *_ = moved(turned(FRONTAL, 20, 1.5, (10, 10)), ffhq(turned(FRONTAL, 20, 1.5, (10, 10)), 512))
    assert (left + right)[0] / 2 == pytest.approx(256) and left[1] == pytest.approx(right[1])
    # Half the side is 1.8 times the 70 pixels from eyes to mouth; the centre is a tenth of these below the eyes.
    assert (right - left)[0] == pytest.approx(60 * 512 / (2 * 1.8 * 70))
    assert left[1] == pytest.approx(256 - 0.1 * 70 * 512 / (2 * 1.8 * 70))


def test_arcface_is_exact_for_the_template_itself() -> None:
    face = turned(ARCFACE, 40, 3, (100, 50))
    np.testing.assert_allclose(moved(face, arcface(face, 224)), ARCFACE * 2, atol=1e-6)


def test_arcface_is_the_least_squares_solution() -> None:
    face = FRONTAL + np.random.default_rng(1).normal(0, 4, (5, 2))
    rows = np.concatenate([[(x, -y, 1, 0), (y, x, 0, 1)] for x, y in face])
    a, d, c, f = np.linalg.lstsq(rows, ARCFACE.ravel(), rcond=None)[0]
    np.testing.assert_allclose(arcface(face, 112), (a, -d, c, d, a, f), atol=1e-6)


def test_a_face_is_never_mirrored() -> None:
    matrix = arcface(FRONTAL[[1, 0, 2, 4, 3]], 112)
    assert matrix[0] * matrix[4] - matrix[1] * matrix[3] > 0


@pytest.mark.parametrize("side", [300, 1200])
def test_pixels_land_where_the_matrix_says(side: int) -> None:
    picture = np.zeros((side, side, 3), np.uint8)
    spot = np.array([0.4, 0.6]) * side
    cv2.circle(
        picture, (round(spot[0] * 16), round(spot[1] * 16)), side * 16 // 40, (255, 255, 255), -1, cv2.LINE_AA, 4
    )
    five = turned(FRONTAL, 25, side / 450, (0, 0))
    matrix = ffhq(five, 128)
    grey = warp(picture, 1.0, matrix, 128)[..., 0].astype(float)
    rows, columns = np.mgrid[0:128, 0:128] + 0.5
    centre = (np.array([(grey * columns).sum(), (grey * rows).sum()])) / grey.sum()
    # OpenCV draws around pixel centres, so the disc lies half a pixel further than its coordinates say.
    np.testing.assert_allclose(centre, moved([spot + 0.5], matrix)[0], atol=0.15)


def test_warp_is_fit_where_nothing_turns() -> None:
    picture = photo(1, 400, 400)
    fitted, matrix = fit(picture, 1.0, Fit(size=100), None)
    assert np.abs(warp(picture, 1.0, matrix, 100).astype(int) - fitted).max() <= 1


def test_scaled_decoding_moves_nothing() -> None:
    picture, matrix = photo(2, 640, 640), ffhq(turned(FRONTAL, 10, 1.2, (0, 0)), 64)
    half = cv2.resize(picture, (320, 320), interpolation=cv2.INTER_AREA)
    difference = warp(half, 0.5, matrix, 64).astype(int) - warp(picture, 1.0, matrix, 64)
    assert np.abs(difference).mean() < 2


def test_label_maps_keep_their_values() -> None:
    labels = np.zeros((450, 450), np.uint8)
    labels[200:260, 180:280] = 17
    warped = warp_labels(labels, ffhq(turned(FRONTAL, 33, 1, (0, 0)), 128), 128, fill=9)
    assert set(np.unique(warped)) <= {0, 9, 17}


def test_outside_is_the_share_beyond_the_picture() -> None:
    whole: Matrix = (1, 0, 0, 0, 1, 0)
    assert outside(whole, 100, 100, 100) == pytest.approx(0)
    assert outside((1, 0, 50, 0, 1, 0), 100, 100, 100) == pytest.approx(0.5)
    assert outside((1, 0, 500, 0, 1, 0), 100, 100, 100) == pytest.approx(1)


@pytest.mark.parametrize("five", [np.full((5, 2), np.nan), np.full((5, 2), 7.0), np.zeros((5, 2))])
def test_points_that_make_no_face(five: NDArray[np.float64]) -> None:
    assert not usable(five)
