"""Distances between pixels."""

from __future__ import annotations

import torch

from trainers.losses.pixels import l1, per_sample, weighted_l1


def test_l1() -> None:
    image = torch.rand(2, 3, 4, 4)
    assert l1(image, image) == 0
    assert torch.isclose(l1(image + 0.5, image), torch.tensor(0.5))


def test_weights_leave_out_pixels() -> None:
    image, weight = torch.rand(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    assert weighted_l1(image + 1, image, weight) == 0
    weight[..., :2] = 1
    assert torch.isclose(weighted_l1(image + 1, image, weight), torch.tensor(0.5))


def test_a_sample_counts_alike_however_large_its_hole_is() -> None:
    values, weight = torch.ones(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    values[1] = 3
    weight[0], weight[1, 0, 0, 0] = 1, 1
    assert per_sample(values, weight) == 2


def test_a_sample_without_a_hole_counts_nothing() -> None:
    assert per_sample(torch.ones(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)) == 0
