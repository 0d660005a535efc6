"""AOT-GAN: sizes, and which way its discriminator is asked."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tiny_methods import random_batch
from torch import Tensor, nn

from trainers.methods.aot_gan import AotGan, AotGanSettings, blurred, spread
from trainers.methods.base import Batch

TINY = AotGanSettings(4, 1, (1, 2), (4, 8), blur_sigma=1.0, perceptual=False)


class Says(nn.Module):
    """A discriminator that always says the same."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.score = score

    def forward(self, image: Tensor) -> Tensor:
        return torch.full((len(image), 1, 4, 4), self.score)


def test_numbers_of_parameters() -> None:
    method = AotGan(AotGanSettings(perceptual=False))
    sizes = {name: sum(p.numel() for p in network.parameters()) for name, network in method.networks.items()}
    assert sizes["generator"] == pytest.approx(15.2e6, rel=0.01)
    assert sizes["discriminator"] == pytest.approx(2.76e6, rel=0.01)


def test_the_generator_wants_to_be_called_real(batch: Batch) -> None:
    """The released code asks for the opposite: its generator's target is what it calls fake."""
    method, losses = AotGan(TINY), []
    prediction = method.forward(batch)
    for score in (0.0, 0.25, 0.5, 0.75, 1.0):
        method.networks["discriminator"] = Says(score)
        losses.append(float(method.losses("generator", batch, prediction)["adversarial"]))
    assert losses == sorted(losses, reverse=True) and len(set(losses)) == 5
    assert losses[-1] == 0


def test_the_discriminator_is_right_when_it_says_where_the_hole_is() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 20:44, 20:44] = 1
    batch = Batch(torch.zeros(1, 3, 64, 64), mask)
    method = AotGan(dataclasses.replace(TINY, blur_sigma=2.0))
    prediction = method.forward(batch)

    class Knows(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return torch.cat([torch.ones_like(mask), 1 - blurred(mask, 2.0)])

    method.networks["discriminator"] = Knows()
    assert float(method.losses("discriminator", batch, prediction)["adversarial"]) == pytest.approx(0, abs=1e-6)


def test_only_the_hole_counts_for_the_generator(batch: Batch) -> None:
    method = AotGan(TINY)
    prediction = method.forward(batch)
    holes = batch.mask.sum((1, 2, 3))

    class Places(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return 1 - batch.mask  # real outside, fake inside

    method.networks["discriminator"] = Places()
    assert (holes > 0).all()
    assert float(method.losses("generator", batch, prediction)["adversarial"]) == pytest.approx(0.01)


def test_a_discriminator_runs_twice_a_step(batch: Batch) -> None:
    """Once in its turn, real and inpainted together, and once in the generator's."""
    method, calls = AotGan(TINY), []
    method.networks["discriminator"].register_forward_hook(lambda *_: calls.append(1))
    prediction = method.forward(batch)
    for turn in method.turns(0):
        method.losses(turn, batch, prediction)
    assert len(calls) == 2


def test_the_hole_is_white_before_it_is_filled() -> None:
    method, seen = AotGan(TINY), []
    method.networks["generator"].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = random_batch()
    method.forward(batch)
    assert (seen[0][:, :3][batch.mask.expand(-1, 3, -1, -1) == 1] == 1).all()
    assert (seen[0][:, 3:] == batch.mask).all()


def test_gates_lean_towards_the_input() -> None:
    gate = torch.sigmoid(spread(torch.randn(2, 3, 32, 32)))
    assert spread(torch.randn(2, 3, 32, 32)).mean() == pytest.approx(-5, abs=0.01)
    assert gate.mean() < 0.4


def test_blurring_keeps_what_is_far_inside_and_is_zero_far_outside() -> None:
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., :64] = 1
    soft = blurred(mask, 3.0)[0, 0, 64]
    assert soft[40] == pytest.approx(1, abs=1e-3) and soft[90] == pytest.approx(0, abs=1e-3)
    assert 0.4 < soft[63] < 0.6
    assert blurred(mask, 3.0)[0, 0, 64, 0] == pytest.approx(0.567, abs=0.02)  # outside of the picture it is 0
