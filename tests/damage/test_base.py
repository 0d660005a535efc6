"""How hard a hole is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage.base import difficulty


def square(side: int, size: int, at: int) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[at : at + side, at : at + side] = 255
    return mask


def test_nothing_missing_is_0_and_everything_is_1() -> None:
    assert difficulty(np.zeros((64, 64), np.uint8)) == 0
    assert difficulty(np.full((64, 64), 255, np.uint8)) == 1


def test_a_box_is_as_hard_as_it_is_deep() -> None:
    assert difficulty(square(32, 128, 48)) == pytest.approx(16 / 64, abs=0.01)


def test_a_hole_at_the_edge_is_harder_because_nothing_is_known_beyond() -> None:
    assert difficulty(square(32, 128, 0)) > 1.3 * difficulty(square(32, 128, 48))


def test_thin_lines_are_easier_than_a_box_of_the_same_ratio() -> None:
    lines = np.zeros((128, 128), np.uint8)
    lines[:, ::4] = 255
    assert difficulty(lines) < 0.1 < difficulty(square(64, 128, 32))


def test_a_large_mask_is_as_hard_as_the_same_hole_in_a_small_one() -> None:
    assert difficulty(square(512, 2048, 768)) == pytest.approx(difficulty(square(32, 128, 48)), abs=0.02)


def test_a_mask_of_one_row_does_not_fail() -> None:
    assert difficulty(np.full((1, 999), 255, np.uint8)) == 1
