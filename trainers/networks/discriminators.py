"""Discriminators that judge patches: a map of scores instead of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class SpectralPatch(nn.Module):
    """Strided 4 x 4 convolutions under spectral normalisation, without bias, and one to a single map without.

    Source: AOT-GAN's released code (methods: 4 x 4, LeakyReLU 0.2, the last step of `widths` with stride 1).
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512), channels: int = 3, deviation: float = 0.02) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, width in enumerate(widths):
            stride = 2 if number < len(widths) - 1 else 1
            conv = nn.Conv2d(channels, width, 4, stride, 1, bias=False)
            nn.init.normal_(conv.weight, 0.0, deviation)
            layers += [spectral_norm(conv), nn.LeakyReLU(0.2)]
            channels = width
        last = nn.Conv2d(channels, 1, 4, 1, 1)
        nn.init.normal_(last.weight, 0.0, deviation)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # it has one
        self.layers = nn.Sequential(*layers, last)

    def forward(self, image: Tensor) -> Tensor:
        """Scores (B, 1, h, w) of a picture (B, 3, H, W)."""
        scores: Tensor = self.layers(image)
        return scores


class FeaturePatch(nn.Module):
    """pix2pixHD's patch discriminator, which shows what each of its layers sees.

    Source: LaMa's released configuration: 4 x 4 convolutions with padding 2, strides 2 but for the last two, BN but for
    the first and last, LeakyReLU 0.2.
    """

    def __init__(self, width: int = 64, num_layers: int = 4, widest: int = 512) -> None:
        super().__init__()
        widths = [min(width * 2**number, widest) for number in range(num_layers)]
        stages = [nn.Sequential(nn.Conv2d(3, width, 4, 2, 2), nn.LeakyReLU(0.2))]
        stages += [_stage(before, after, 2) for before, after in pairwise(widths)]
        last = min(widths[-1] * 2, widest)
        self.stages = nn.ModuleList([*stages, _stage(widths[-1], last, 1)])
        self.score = nn.Conv2d(last, 1, 4, 1, 2)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores (B, 1, h, w) of a picture (B, 3, H, W), and the output of every layer before."""
        seen = [image]
        for stage in self.stages:
            seen.append(stage(seen[-1]))
        return self.score(seen[-1]), seen[1:]


def _stage(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(channels_in, channels_out, 4, stride, 2)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out), nn.LeakyReLU(0.2))
