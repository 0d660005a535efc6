"""Losses over networks, here with random weights."""

from __future__ import annotations

import pytest
import torch

from trainers.losses.perceptual import PERCEPTUAL, STYLE, gram, normalised, perceptual, style, wide_view
from trainers.networks.resnet import DilatedResNet50
from trainers.networks.vgg import Vgg19


@pytest.fixture(scope="module")
def vgg19() -> Vgg19:
    torch.manual_seed(0)
    return Vgg19().eval()


def test_equal_pictures_differ_by_nothing(vgg19: Vgg19) -> None:
    picture = normalised(torch.rand(1, 3, 32, 32))
    seen = vgg19(picture, {*PERCEPTUAL, *STYLE})
    assert perceptual(seen, seen) == 0 and style(seen, seen) == 0


def test_both_have_gradients(vgg19: Vgg19) -> None:
    picture, wanted = torch.rand(1, 3, 32, 32, requires_grad=True), {*PERCEPTUAL, *STYLE}
    with torch.no_grad():
        other = vgg19(torch.rand(1, 3, 32, 32), wanted)
    seen = vgg19(picture, wanted)
    (perceptual(seen, other) + 250 * style(seen, other)).backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_grams_are_divided_by_all_their_values() -> None:
    found = gram(torch.ones(1, 2, 3, 4))
    assert found.shape == (1, 2, 2)
    assert torch.allclose(found, torch.full((1, 2, 2), 12 / 24))


def test_grams_are_float_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert gram(torch.ones(1, 2, 3, 4, dtype=torch.bfloat16)).dtype == torch.float32


def test_mean_grey_of_imagenet_is_nought() -> None:
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert normalised(grey).abs().max() == 0


def test_the_wide_view_is_zero_for_equal_pictures_and_has_a_gradient() -> None:
    network = DilatedResNet50().eval().requires_grad_(False)
    picture, other = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32, requires_grad=True)
    assert wide_view(network, picture, picture) == 0
    wide_view(network, other, picture).backward()
    assert other.grad is not None and other.grad.abs().sum() > 0
