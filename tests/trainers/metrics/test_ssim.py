"""SSIM against scikit-image, which has both the reference form and its own."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from trainers.metrics.ssim import ssim

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[60:188, 150:290])


def spoilt(image: np.ndarray, kind: str) -> np.ndarray:
    other = image.copy()
    if kind == "noise":
        return np.clip(image + np.random.default_rng(1).normal(0, 15, image.shape), 0, 255).astype(np.uint8)
    other[30:90, 40:100] = 0 if kind == "black" else image.mean(axis=(0, 1)).astype(np.uint8)
    return other


@pytest.mark.parametrize("kind", ["noise", "hole", "black"])
def test_reference_form_is_scikit_images_with_gaussian_weights(image, kind) -> None:
    other = spoilt(image, kind)
    assert ssim(image, other) == pytest.approx(
        structural_similarity(image, other, channel_axis=2, **GAUSSIAN), abs=1e-5
    )


@pytest.mark.parametrize("kind", ["noise", "hole", "black"])
def test_skimage_form_is_scikit_images_default(image, kind) -> None:
    other = spoilt(image, kind)
    assert ssim(image, other, form="skimage") == pytest.approx(
        structural_similarity(image, other, channel_axis=2), abs=1e-6
    )


def test_torchmetrics_form_is_what_torchmetrics_gives() -> None:
    """0.563533 is torchmetrics 1.9.0's figure of this pair, with `data_range=1.0`."""
    one = np.ascontiguousarray(data.astronaut()[60:156, 150:250])
    other = np.clip(one + np.random.default_rng(1).normal(0, 20, one.shape), 0, 255).astype(np.uint8)
    one[20:40, 30:60] = other[20:40, 30:60] = 77
    assert ssim(one, other, form="torchmetrics") == pytest.approx(0.563533, abs=1e-4)


@pytest.mark.parametrize("form", ["reference", "skimage", "torchmetrics"])
def test_equal_pictures_are_1(image, form) -> None:
    assert ssim(image, image, form=form) == pytest.approx(1, abs=1e-7)


def test_of_the_hole_is_lower_than_of_the_whole(image) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[30:90, 40:100] = 255
    assert ssim(image, spoilt(image, "hole"), mask) < ssim(image, spoilt(image, "hole")) - 0.2


def test_without_a_missing_pixel_there_is_no_figure_of_the_hole(image) -> None:
    assert np.isnan(ssim(image, image, np.zeros(image.shape[:2], np.uint8)))
