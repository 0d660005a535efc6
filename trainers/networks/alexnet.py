"""AlexNet's convolutions, through which LPIPS looks."""

from __future__ import annotations

from torch import Tensor, nn


class AlexNet(nn.Module):
    """The trunk, with the names of weights that torchvision's file has.

    Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014.
    """

    WIDTHS = (64, 192, 384, 256, 256)
    """Channels of each convolution's output."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """What each ReLU gives of pictures (B, 3, H, W), the first one first."""
        found = []
        for layer in self.features:
            image = layer(image)
            if isinstance(layer, nn.ReLU):
                found.append(image)
        return found
