from __future__ import annotations

import numpy as np
import pytest

from trainers.metrics.sets import fid, inception_scores, kid


def drawn(mean: float, number: int = 2000, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, scale, (number, 12))


def test_fid_of_a_set_with_itself_is_0() -> None:
    assert fid(drawn(0), drawn(0)) == pytest.approx(0, abs=1e-6)


def test_fid_of_shifted_gaussians_is_the_squared_distance() -> None:
    one = drawn(0)
    assert fid(one, one + 0.5) == pytest.approx(12 * 0.25, rel=1e-6)


def test_fid_of_wider_gaussians_is_the_squared_difference_of_widths() -> None:
    one = drawn(0, 20_000)
    assert fid(one, 2 * (one - one.mean(0)) + one.mean(0)) == pytest.approx(12, rel=0.05)


def test_fid_of_fewer_pictures_than_features_is_finite() -> None:
    assert np.isfinite(fid(drawn(0, 6), drawn(0, 6, seed=1)))


def test_kid_has_no_bias() -> None:
    assert abs(kid(drawn(0, 1000), drawn(0, 1000, seed=1))) < 0.01 < kid(drawn(0, 1000), drawn(0.5, 1000, seed=1))


def test_kid_of_subsets_is_the_same_for_the_same_seed() -> None:
    sets = drawn(0, 1500), drawn(0.2, 1500, seed=1)
    assert kid(*sets, num_subsets=3) == kid(*sets, num_subsets=3) != kid(*sets, num_subsets=3, seed=1)


def test_fakes_that_equal_their_originals_are_told_apart_by_chance_only() -> None:
    one = drawn(0, 400)
    paired, unpaired = inception_scores(one, one)
    assert paired == 0  # no fake scores above its equal
    assert unpaired == pytest.approx(0.5)


def test_fakes_that_are_all_different_do_not_pass() -> None:
    assert inception_scores(drawn(0, 400), drawn(4, 400, seed=1)) == (0, 0)
