"""LaMa: sizes, and what its losses look at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainers.methods import METHODS
from trainers.methods.base import Batch
from trainers.methods.lama import Lama, LamaSettings

TINY = LamaSettings(2, 1, discriminator_width=4, discriminator_layers=2, perceptual=False)


@pytest.mark.parametrize(("blocks", "millions"), [(9, 27.0), (18, 51.0)])
def test_numbers_of_parameters(blocks: int, millions: float) -> None:
    method = Lama(LamaSettings(num_blocks=blocks, perceptual=False))
    sizes = {name: sum(p.numel() for p in network.parameters()) / 1e6 for name, network in method.networks.items()}
    assert sizes["generator"] == pytest.approx(millions, rel=0.01)
    assert sizes["discriminator"] == pytest.approx(6.96, rel=0.01)


def test_big_lama_is_a_setting() -> None:
    assert METHODS["big_lama"].defaults["method.num_blocks"] == 18


def test_l1_is_over_known_pixels_alone(batch: Batch) -> None:
    method = Lama(TINY)
    prediction = method.forward(batch)
    other = Batch(torch.where(batch.mask > 0, -batch.image, batch.image), batch.mask)
    assert method.losses("generator", batch, prediction)["l1"] == method.losses("generator", other, prediction)["l1"]


def test_the_hole_is_black_before_it_is_filled(batch: Batch) -> None:
    method, seen = Lama(TINY), []
    method.networks["generator"].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    method.forward(batch)
    assert (seen[0][:, :3] * batch.mask == 0).all()
    assert seen[0].min() >= 0 and seen[0].max() <= 1


def test_known_parts_of_predictions_are_real_to_the_discriminator(batch: Batch) -> None:
    method = Lama(TINY)
    prediction = method.forward(batch)

    class Knows(nn.Module):
        """Sure of all that is real, and that the hole is not."""

        def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
            sure = torch.full_like(batch.mask, 50.0)
            told = sure if image.requires_grad else torch.where(batch.mask > 0, -sure, sure)
            return told + 0 * image.sum(), []

    method.networks["discriminator"] = Knows()
    loss = method.losses("discriminator", batch, prediction)["adversarial"]
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)


def test_the_generator_wants_to_be_called_real(batch: Batch) -> None:
    method, losses = Lama(TINY), []
    prediction = method.forward(batch)
    for score in (-2.0, 0.0, 2.0):

        class Says(nn.Module):
            def forward(self, image: Tensor, score: float = score) -> tuple[Tensor, list[Tensor]]:
                return torch.full((len(image), 1, 2, 2), score), [image]

        method.networks["discriminator"] = Says()
        losses.append(float(method.losses("generator", batch, prediction)["adversarial"]))
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


def test_one_pixel_is_felt_everywhere() -> None:
    """Even with one block: that is what the Fourier units are for."""
    torch.manual_seed(0)
    generator = Lama(TINY).networks["generator"].eval()
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.bias.data.fill_(1.0)  # so that no ReLU is closed
    given = torch.rand(1, 4, 128, 128, requires_grad=True)
    generator(given)[0, 0, 64, 64].backward()
    felt = given.grad[0].abs().sum(0)
    assert (felt[:8, :8] > 0).any() and (felt[-8:, -8:] > 0).any()
