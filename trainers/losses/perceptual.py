"""Distances as networks trained for something else see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, RGB in [0, 1]."""

PERCEPTUAL = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


def normalised(image: Tensor) -> Tensor:
    """(B, 3, H, W) from [0, 1] to what networks trained on ImageNet expect."""
    return (image - image.new_tensor(MEAN)[:, None, None]) / image.new_tensor(DEVIATION)[:, None, None]


def gram(features: Tensor) -> Tensor:
    """(B, C, C): products of channels, divided by C H W; in float32, since sums of thousands overflow."""
    _, channels, height, width = features.shape
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(2)
        return torch.bmm(flat, flat.transpose(1, 2)) / (channels * height * width)


def perceptual(one: Mapping[str, Tensor], other: Mapping[str, Tensor], layers: Sequence[str] = PERCEPTUAL) -> Tensor:
    """Sum over VGG-19's layers of the mean absolute difference.

    Source: AOT-GAN's released code: weight 1 on each layer.
    """
    return torch.stack([functional.l1_loss(one[name].float(), other[name].float()) for name in layers]).sum()


def style(one: Mapping[str, Tensor], other: Mapping[str, Tensor], layers: Sequence[str] = STYLE) -> Tensor:
    """Sum over VGG-19's layers of the mean absolute difference of Gram matrices; source as `perceptual`."""
    return torch.stack([functional.l1_loss(gram(one[name]), gram(other[name])) for name in layers]).sum()


def wide_view(network: nn.Module, prediction: Tensor, image: Tensor) -> Tensor:
    """Sum over the stages of a network with a wide view of the mean squared difference.

    Source: LaMa, section 2.2: high receptive field perceptual loss.

    Args:
        network: gives the outputs of its stages.
        prediction, image: (B, 3, H, W) in [0, 1].
    """
    with torch.no_grad():
        wanted = network(normalised(image))
    seen = network(normalised(prediction))
    distances = [functional.mse_loss(one.float(), other.float()) for one, other in zip(seen, wanted, strict=True)]
    return torch.stack(distances).sum()
