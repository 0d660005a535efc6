"""LPIPS by its formula, with random weights: they show the wiring and nothing else."""

from __future__ import annotations

import pytest
import torch

from trainers.metrics.lpips import Judgement, Lpips
from trainers.networks.alexnet import AlexNet


@pytest.fixture(scope="module")
def distance() -> Lpips:
    torch.manual_seed(0)
    judgement = Judgement()
    for parameter in judgement.parameters():
        parameter.data.abs_()  # as the published ones are
    return Lpips(AlexNet(), judgement).eval().requires_grad_(False)


def pictures(seed: int) -> torch.Tensor:
    return torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_equal_pictures_have_no_distance(distance: Lpips) -> None:
    assert distance(pictures(1), pictures(1)).abs().max() == 0


def test_distance_is_symmetric_and_positive(distance: Lpips) -> None:
    one, other = distance(pictures(1), pictures(2)), distance(pictures(2), pictures(1))
    assert torch.allclose(one, other)
    assert (one > 0).all()


def test_is_the_weighted_mean_of_squared_differences_of_unit_vectors(distance: Lpips) -> None:
    one, other = pictures(1), pictures(2)
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    total = torch.zeros(2)
    for number, (x, y) in enumerate(
        zip(distance.trunk((one - shift) / scale), distance.trunk((other - shift) / scale), strict=True)
    ):
        weights = distance.judgement.state_dict()[f"lin{number}.model.1.weight"]
        difference = (torch.nn.functional.normalize(x, dim=1) - torch.nn.functional.normalize(y, dim=1)) ** 2
        total += (weights * difference).sum(1).mean((1, 2))
    assert torch.allclose(distance(one, other), total, atol=1e-6)


def test_weights_have_the_published_names() -> None:
    assert list(Judgement().state_dict()) == [f"lin{number}.model.1.weight" for number in range(5)]
    assert list(AlexNet().state_dict())[:2] == ["features.0.weight", "features.0.bias"]
