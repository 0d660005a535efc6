"""UQI against its definition, computed window by window, and against what packages make of it."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from trainers.metrics.uqi import uqi


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[60:156, 150:250])


def noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(image + np.random.default_rng(1).normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


def by_definition(one: np.ndarray, other: np.ndarray, window: int = 8) -> float:
    scores = []
    for row in range(one.shape[0] - window + 1):
        for column in range(one.shape[1] - window + 1):
            for channel in range(3):
                place = slice(row, row + window), slice(column, column + window), channel
                x, y = one[place].astype(float).ravel(), other[place].astype(float).ravel()
                spread, level = x.var() + y.var(), x.mean() ** 2 + y.mean() ** 2
                if spread and level:
                    covariance = ((x - x.mean()) * (y - y.mean())).mean()
                    scores.append(4 * covariance * x.mean() * y.mean() / (spread * level))
                else:
                    scores.append(2 * x.mean() * y.mean() / level if level else 1.0)
    return float(np.mean(scores))


def test_is_the_definition(image: np.ndarray) -> None:
    one, other = image[:24, :20].copy(), noisy(image, 20)[:24, :20].copy()
    one[:10, :10], other[:10, :10] = 9, 30  # flat in both
    one[12:, 12:] = other[12:, 12:] = 0  # black in both
    assert uqi(one, other) == pytest.approx(by_definition(one, other), abs=1e-6)


@pytest.mark.parametrize("kind", ["uniform", "legacy_sewar"])
def test_equal_pictures_are_1_also_where_they_are_flat(image: np.ndarray, kind) -> None:
    flat = image.copy()
    flat[:40] = 77
    assert uqi(flat, flat, kind=kind) == pytest.approx(1, abs=1e-9)


def test_unrelated_pictures_are_near_0_but_not_for_sewar(image: np.ndarray) -> None:
    shuffled = np.random.default_rng(1).permutation(image.reshape(-1, 3)).reshape(image.shape)
    assert abs(uqi(image, shuffled)) < 0.05
    assert uqi(image, shuffled, kind="legacy_sewar") > 0.5


def test_torchmetrics_gives_a_flat_picture_less_than_1() -> None:
    flat = np.full((32, 32, 3), 60, np.uint8)
    assert uqi(flat, flat, kind="gaussian") < 0.5


def test_gaussian_kind_is_what_torchmetrics_gives(image: np.ndarray) -> None:
    """0.435048 is torchmetrics 1.9.0's figure of this pair; where both are flat its own rounding decides."""
    other = noisy(image, 20)
    other[20:40, 30:60] = 77
    assert uqi(image, other, kind="gaussian") == pytest.approx(0.435048, abs=1e-4)


def test_more_noise_is_worse(image: np.ndarray) -> None:
    assert uqi(image, noisy(image, 5)) > uqi(image, noisy(image, 20)) > uqi(image, noisy(image, 60))


def test_of_the_hole_counts_windows_around_missing_pixels_only(image: np.ndarray) -> None:
    other, mask = image.copy(), np.zeros(image.shape[:2], np.uint8)
    mask[30:60, 30:60] = 255
    other[30:60, 30:60] = noisy(image, 40)[30:60, 30:60]
    assert uqi(image, other, mask) < uqi(image, other) - 0.2
    assert uqi(image, image, mask) == 1


def test_pictures_of_different_sizes_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="one size"):
        uqi(image, image[:-1])


def test_a_picture_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no window"):
        uqi(np.zeros((7, 30, 3), np.uint8), np.zeros((7, 30, 3), np.uint8))
