"""VGG-19's convolutions, as perceptual and style losses look through them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

LAYERS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512, 0)
"""Output channels of the convolutions; 0 is a 2 x 2 maximum pooling."""


class Vgg19(nn.Module):
    """The trunk, with the names of weights that torchvision's file has (`features.0.weight`, ...).

    Source: Simonyan and Zisserman, "Very deep convolutional networks" (ICLR 2015), configuration E.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in LAYERS:
            if not width:
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=False)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.names = _names()

    def forward(self, image: Tensor, wanted: Iterable[str]) -> dict[str, Tensor]:
        """Outputs of the layers asked for, by name such as `relu4_1`; nothing behind the last is run.

        Args:
            image: (B, 3, H, W), normalised as ImageNet's.
        """
        wanted = set(wanted)
        found: dict[str, Tensor] = {}
        for name, layer in zip(self.names, self.features, strict=True):
            image = layer(image)
            if name in wanted:
                found[name] = image
            if len(found) == len(wanted):
                break
        return found


def _names() -> list[str]:
    names, block, number = [], 1, 1
    for width in LAYERS:
        if width:
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
            number += 1
        else:
            names.append(f"pool{block}")
            block, number = block + 1, 1
    return names
