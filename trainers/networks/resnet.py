"""The dilated ResNet-50 of scene parsing, whose wide view LaMa's perceptual loss uses."""

from __future__ import annotations

from torch import Tensor, nn


class DilatedResNet50(nn.Module):
    """A ResNet-50 that stays at an eighth of the size; names of weights are those of the public encoder.

    Source: CSAIL's semantic-segmentation-pytorch, `resnet50dilated` (Zhou et al., "Scene parsing through ADE20K", CVPR
    2017): three 3 x 3 convolutions
    at the start, dilation 2 and 4 in place of the strides of the last two stages.
    """

    def __init__(self) -> None:
        super().__init__()
        for number, (before, after, stride) in enumerate(((3, 64, 2), (64, 64, 1), (64, 128, 1)), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(before, after, 3, stride, 1, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm2d(after))
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _layer(128, 64, 3, stride=1)
        self.layer2 = _layer(256, 128, 4, stride=2)
        self.layer3 = _layer(512, 256, 6, dilation=2)
        self.layer4 = _layer(1024, 512, 3, dilation=4)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Outputs of the four stages.

        Args:
            image: (B, 3, H, W), normalised as ImageNet's.
        """
        for number in (1, 2, 3):
            image = self.relu(self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(image)))
        seen = [self.maxpool(image)]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            seen.append(layer(seen[-1]))
        return seen[1:]


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, stride: int, dilation: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = shortcut

    def forward(self, features: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(features)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        kept = features if self.downsample is None else self.downsample(features)
        added: Tensor = self.relu(out + kept)
        return added


def _layer(channels: int, width: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A stage; where its stride gave way to dilation, the first block has half of the dilation."""
    shortcut = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
    first = _Bottleneck(channels, width, stride, max(dilation // 2, 1), shortcut)
    return nn.Sequential(first, *(_Bottleneck(4 * width, width, 1, dilation, None) for _ in range(blocks - 1)))
