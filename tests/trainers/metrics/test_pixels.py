from __future__ import annotations

import math

import numpy as np
import pytest

from trainers.metrics.pixels import CEILING, mae, mse, psnr

GREY = np.full((8, 8, 3), 100, np.uint8)


def spoilt() -> tuple[np.ndarray, np.ndarray]:
    other, mask = GREY.copy(), np.zeros((8, 8), np.uint8)
    other[:2], mask[:2] = 151, 255
    return other, mask


def test_errors_by_hand() -> None:
    other, mask = spoilt()
    assert mae(GREY, other) == pytest.approx(0.2 / 4)
    assert mse(GREY, other) == pytest.approx(0.04 / 4)
    assert mae(GREY, other, mask) == pytest.approx(0.2)
    assert psnr(GREY, other, mask) == pytest.approx(-10 * math.log10(0.04))


def test_darker_and_lighter_count_alike() -> None:
    assert mae(GREY, GREY + 30) == mae(GREY + 30, GREY) == pytest.approx(30 / 255)


def test_equal_pictures_have_the_ceiling_and_not_infinity() -> None:
    assert psnr(GREY, GREY) == CEILING


def test_a_mask_without_a_hole_gives_no_number() -> None:
    assert all(math.isnan(measure(GREY, GREY, np.zeros((8, 8), np.uint8))) for measure in (mae, mse, psnr))


def test_a_smaller_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        mae(GREY, GREY[:4])
