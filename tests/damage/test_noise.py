from __future__ import annotations

import numpy as np
import pytest

from pipelines.damage import noise
from pipelines.seeds import generator


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (33, 70), (512, 300)])
@pytest.mark.parametrize("cell", [0.5, 5, 200])
def test_noise_has_the_size_of_the_picture(height: int, width: int, cell: float) -> None:
    field = noise.fractal(generator(1), height, width, cell)
    assert field.shape == (height, width)
    assert field.dtype == np.int16


def test_noise_is_smooth_up_to_its_finest_features() -> None:
    coarse = noise.fractal(generator(1), 256, 256, 64, finest=64).astype(int)
    fine = noise.fractal(generator(1), 256, 256, 64).astype(int)
    assert abs(np.diff(coarse)).max() < 0.05 * np.ptp(coarse)
    assert abs(np.diff(fine)).max() > 3 * abs(np.diff(coarse)).max()


def test_noise_lies_on_both_sides_of_zero() -> None:
    means = [noise.fractal(generator(seed), 64, 64, 16).mean() for seed in range(100)]
    assert abs(np.mean(means)) < 4 * np.std(means) / 10


def test_the_share_asked_for_lies_above_the_threshold() -> None:
    field = noise.fractal(generator(2), 200, 200, 50)
    for share in (0.001, 0.25, 0.5, 0.999):
        assert abs((field > noise.threshold(field, share)).mean() - share) < 0.002


@pytest.mark.parametrize("share", [0.0, 1e-9])
def test_something_lies_above_any_threshold(share: float) -> None:
    field = noise.fractal(generator(2), 32, 32, 8)
    assert (field > noise.threshold(field, share)).any()


def test_levels_begin_above_their_base() -> None:
    field = np.array([[-5, 0, 1, 4, 5, 1020, 30000]], np.int16)
    assert noise.levels(field, 0, 2).tolist() == [[0, 0, 1, 1, 2, 255, 255]]


def test_two_layers_let_through_what_both_do() -> None:
    one, other = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    share = 1 - (1 - one / 255) * (1 - other / 255)
    assert abs(noise.screened(one, other) - 255 * share).max() <= 0.5 + 1e-9


def test_a_jagged_line_keeps_its_ends() -> None:
    line = noise.jagged(generator(1), (1, 2), (30, 40), 4, 0.1)
    assert line.shape == (17, 2)
    assert line[[0, -1]].tolist() == [[1, 2], [30, 40]]


def test_a_line_that_never_turns_is_straight() -> None:
    line = noise.wander((0, 0), 0, 10, np.zeros(5))
    assert np.allclose(line, [[x, 0] for x in (0, 2, 4, 6, 8, 10)])


def test_thin_lines_are_faint_and_thick_ones_are_not() -> None:
    sums = []
    for width in (8, 16, 64):
        mask = np.zeros((40, 40), np.uint8)
        noise.stroke(mask, (((80, 320), (560, 320)), (width,), 255))
        sums.append(int(mask[:, 20].sum()))
    assert sums[0] < 0.7 * sums[1] < 0.3 * sums[2]


def test_a_line_is_drawn_alike_in_its_bounds() -> None:
    line = (((80, 320), (480, 240), (560, 560)), (40, 20), 200)
    whole, (x, y, width, height) = np.zeros((40, 40), np.uint8), noise.bounds([line], 0, 40, 40)
    part = np.zeros((height, width), np.uint8)
    noise.stroke(whole, line)
    noise.stroke(part, line, x, y)
    assert np.array_equal(whole[y : y + height, x : x + width], part)
    assert whole.sum() == part.sum()


def test_bounds_of_a_line_outside_are_a_pixel_inside() -> None:
    assert noise.bounds([(((-900, -900), (-500, -500)), (16,), 255)], 1, 20, 30) == (0, 0, 1, 1)
