"""What discriminators and generators say of each other."""

from __future__ import annotations

import pytest
import torch

from trainers.losses.adversarial import feature_matching, gradient_penalty, least_squares, non_saturating


def test_least_squares_is_zero_at_its_target() -> None:
    assert least_squares(torch.ones(2, 1, 3, 3), 1.0) == 0
    assert least_squares(torch.zeros(2, 1, 3, 3), 1.0) == 1


def test_non_saturating_falls_as_scores_rise() -> None:
    values = non_saturating(torch.tensor([-3.0, 0.0, 3.0]))
    assert values[0] > values[1] > values[2] > 0
    assert values[1] == pytest.approx(0.6931, abs=1e-4)


def test_the_penalty_of_a_linear_discriminator_is_the_square_of_its_weights() -> None:
    weights = torch.tensor([1.0, -2.0, 3.0])
    pictures = torch.randn(5, 3, requires_grad=True)
    assert gradient_penalty(pictures @ weights, pictures) == pytest.approx(14.0)


def test_the_penalty_has_a_gradient_of_its_own() -> None:
    weights = torch.tensor([1.0, 2.0], requires_grad=True)
    pictures = torch.randn(4, 2, requires_grad=True)
    gradient_penalty((pictures @ weights).square(), pictures).backward()
    assert weights.grad is not None and weights.grad.abs().sum() > 0


def test_matching_is_zero_for_equal_features_and_moves_only_the_inpainted() -> None:
    real, fake = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    assert feature_matching([real, real], [real, real]) == 0
    feature_matching([real], [fake]).backward()
    assert real.grad is None and fake.grad is not None


def test_matching_is_a_mean_over_layers() -> None:
    zero = torch.zeros(2, 3)
    assert feature_matching([zero, zero], [zero + 1, zero + 3]) == 5
