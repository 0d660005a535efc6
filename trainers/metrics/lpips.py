"""LPIPS over AlexNet: how different two pictures look to a network that people have taught to judge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.networks.alexnet import AlexNet

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of ImageNet's pictures, RGB in [-1, 1]."""

EPSILON = 1e-10


class Judgement(nn.Module):
    """Weights of the channels of each layer, with the names that the published file has."""

    def __init__(self) -> None:
        super().__init__()
        for number, width in enumerate(AlexNet.WIDTHS):
            layer = nn.Module()
            layer.add_module("model", nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False)))
            self.add_module(f"lin{number}", layer)

    def forward(self, differences: list[Tensor]) -> Tensor:
        """(B,) from squared differences of each layer, (B, C, H, W)."""
        told = [
            self.get_submodule(f"lin{number}.model")(difference).mean((1, 2, 3))
            for number, difference in enumerate(differences)
        ]
        return torch.stack(told).sum(0)


class Lpips(nn.Module):
    """Distance of pictures, 0 for equal ones.

    Source: Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric (CVPR 2018), version
    0.1.
    """

    def __init__(self, trunk: AlexNet, judgement: Judgement) -> None:
        super().__init__()
        self.trunk, self.judgement = trunk, judgement

    def forward(self, image: Tensor, other: Tensor) -> Tensor:
        """(B,) of pictures (B, 3, H, W) in [-1, 1], of at least 64 pixels."""
        pairs = zip(*(self.trunk(self._scaled(one)) for one in (image, other)), strict=True)
        differences = [(_unit(one) - _unit(two)) ** 2 for one, two in pairs]
        return self.judgement(differences)  # type: ignore[no-any-return]

    def _scaled(self, image: Tensor) -> Tensor:
        return (image - image.new_tensor(SHIFT)[:, None, None]) / image.new_tensor(SCALE)[:, None, None]


def _unit(features: Tensor) -> Tensor:
    """Channels of every place to length one."""
    return features / (features.pow(2).sum(1, keepdim=True).sqrt() + EPSILON)
