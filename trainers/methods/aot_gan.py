"""AOT-GAN: blocks that look at four scales at once, and a discriminator that is asked where the hole was.

Source: Zeng et al., "Aggregated contextual transformations for high-resolution image inpainting" (TVCG 2022), and the
released code. We depart from the code where it
departs from the paper: real is 1 and what a generator wants (the code asks for "fake"), the discriminator is frozen in
    the generator's turn, real and inpainted pictures pass through it in one call. The generator's adversarial term is
    divided by each sample's own share of missing pixels, not by the batch's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.losses.adversarial import least_squares
from trainers.losses.perceptual import PERCEPTUAL, STYLE, normalised, perceptual, style
from trainers.losses.pixels import l1, per_sample
from trainers.methods.base import Adam, Batch, Prediction, composite, padded
from trainers.networks.discriminators import SpectralPatch
from trainers.networks.vgg import Vgg19
from trainers.networks.weights import VGG19, load


@dataclass(frozen=True)
class AotGanSettings:
    """Numbers of the paper's section 4 and of the released code.

    Attributes:
        width: channels of the first layer; the blocks have four times as many.
        num_blocks, rates: AOT blocks, and the dilations within one.
        discriminator_widths: channels of the discriminator's layers.
        l1_weight, style_weight, perceptual_weight, adversarial_weight: of the generator's loss.
        deviation: of the normal distribution from which weights are drawn.
        blur_sigma: pixels by which the hole is softened in the discriminator's target.
        perceptual: with the losses over VGG-19.
        vgg19: path of its weights.
        generator, discriminator: optimisers.
    """

    width: int = 64
    num_blocks: int = 8
    rates: tuple[int, ...] = (1, 2, 4, 8)
    discriminator_widths: tuple[int, ...] = (64, 128, 256, 512)
    l1_weight: float = 1.0
    style_weight: float = 250.0
    perceptual_weight: float = 0.1
    adversarial_weight: float = 0.01
    deviation: float = 0.02
    blur_sigma: float = 10.0
    perceptual: bool = True
    vgg19: str = ""
    generator: Adam = Adam(1e-4, (0.5, 0.999))
    discriminator: Adam = Adam(1e-4, (0.5, 0.999))


class AotGan:
    """Aggregated contextual transformations, with a soft-mask patch discriminator."""

    Settings: ClassVar[type[Any]] = AotGanSettings
    defaults: ClassVar[Mapping[str, Any]] = {
        "size": 512,
        "train.batch": 8,
        "train.steps": 1_000_000,
        "loader.mirror": True,
        "loader.area_range": (0.08, 1.0),
        "loader.aspect_range": (3 / 4, 4 / 3),
        "loader.jitter": 0.05,
    }
    debug: ClassVar[Mapping[str, Any]] = {
        "method.width": 16,
        "method.num_blocks": 3,
        "method.rates": (1, 2, 4, 8),
        "method.discriminator_widths": (16, 32, 64),
        "method.deviation": 0.06,  # 0.02 suits wide layers
        "method.blur_sigma": 1.5,
        "method.generator.lr": 2e-3,
        "loader.area_range": (0.6, 1.0),
    }
    multiple_of: ClassVar[int] = 4
    needs: ClassVar[frozenset[str]] = frozenset()
    averaged = ("generator",)
    twice_differentiated: frozenset[str] = frozenset()

    def __init__(self, settings: AotGanSettings, *, training: bool = True) -> None:
        self.settings = settings
        self.networks: dict[str, nn.Module] = {"generator": Generator(settings)}
        self.frozen: dict[str, nn.Module] = {}
        if training:
            self.networks["discriminator"] = SpectralPatch(settings.discriminator_widths, deviation=settings.deviation)
        if training and settings.perceptual:
            self.frozen["vgg19"] = load(Vgg19(), VGG19, settings.vgg19)
        self.turn_networks = {"discriminator": ("discriminator",), "generator": ("generator",)}
        self.optimisers = {"discriminator": settings.discriminator, "generator": settings.generator}
        self.notes = () if settings.perceptual else ("without the perceptual and style losses over VGG-19",)

    @staticmethod
    def least_size(settings: AotGanSettings) -> int:
        """The widest dilation reflects at a quarter of the size, where there must be so much to reflect."""
        return 4 * (max(settings.rates) + 1)

    def turns(self, step: int) -> tuple[str, ...]:  # noqa: ARG002  # every step is alike
        return ("discriminator", "generator")

    def forward(self, batch: Batch) -> Prediction:
        white = batch.image * (1 - batch.mask) + batch.mask
        raw = self.networks["generator"](torch.cat([white, batch.mask], 1)).float()
        return Prediction(raw, composite(raw, batch))

    def losses(self, turn: str, batch: Batch, prediction: Prediction) -> dict[str, Tensor]:
        if turn == "discriminator":
            return {"adversarial": self._judge(batch, prediction)}
        settings = self.settings
        terms = {
            "l1": settings.l1_weight * l1(prediction.raw, batch.image),
            "adversarial": settings.adversarial_weight * self._fool(batch, prediction),
        }
        return terms | self._seen(batch, prediction)

    def inpaint(self, batch: Batch) -> Tensor:
        height, width = batch.image.shape[-2:]
        raw = self.forward(padded(batch, self.multiple_of, self.least_size(self.settings))).raw[..., :height, :width]
        return composite(raw, batch)

    def _judge(self, batch: Batch, prediction: Prediction) -> Tensor:
        """Real is 1 everywhere; of an inpainted picture the known part is 1, and the hole 0 with soft edges."""
        both = torch.cat([batch.image, prediction.inpainted.detach()])
        real, fake = self._scores(both, batch.mask).chunk(2)
        return least_squares(real, 1.0) + least_squares(fake, 1 - blurred(batch.mask, self.settings.blur_sigma))

    def _fool(self, batch: Batch, prediction: Prediction) -> Tensor:
        """Distance of the hole's scores from 1, which is real."""
        scores = self._scores(prediction.inpainted, batch.mask)
        return per_sample((scores - 1).square(), batch.mask)

    def _scores(self, image: Tensor, mask: Tensor) -> Tensor:
        """Scores by pixel, (B, 1, H, W)."""
        scores = self.networks["discriminator"](image).float()
        return functional.interpolate(scores, mask.shape[-2:], mode="bilinear", align_corners=True)

    def _seen(self, batch: Batch, prediction: Prediction) -> dict[str, Tensor]:
        """The losses over VGG-19; none without its weights."""
        if "vgg19" not in self.frozen:
            return {}
        vgg19, wanted = self.frozen["vgg19"], {*PERCEPTUAL, *STYLE}
        with torch.no_grad():
            real = vgg19(normalised((batch.image + 1) / 2), wanted)
        fake = vgg19(normalised((prediction.raw + 1) / 2), wanted)
        return {
            "style": self.settings.style_weight * style(fake, real),
            "perceptual": self.settings.perceptual_weight * perceptual(fake, real),
        }


class Generator(nn.Module):
    """From white-filled picture and mask (B, 4, H, W) to (B, 3, H, W) in [-1, 1]; both sides are multiples of 4."""

    def __init__(self, settings: AotGanSettings) -> None:
        super().__init__()
        width = settings.width
        self.encoder = nn.Sequential(
            nn.Conv2d(4, width, 7, padding=3, padding_mode="reflect"), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1), nn.ReLU(),
        )  # fmt: skip
        self.middle = nn.Sequential(*(AotBlock(4 * width, settings.rates) for _ in range(settings.num_blocks)))
        self.decoder = nn.Sequential(
            Doubled(4 * width, 2 * width), nn.ReLU(), Doubled(2 * width, width), nn.ReLU(), nn.Conv2d(width, 3, 3, 1, 1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, settings.deviation)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # all have one

    def forward(self, features: Tensor) -> Tensor:
        return torch.tanh(self.decoder(self.middle(self.encoder(features))))


class AotBlock(nn.Module):
    """Convolutions of several dilations side by side, fused, and mixed with the input by a gate (section 3.1)."""

    def __init__(self, channels: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        part = channels // len(rates)
        self.branches = nn.ModuleList(
            nn.Conv2d(channels, part, 3, padding=rate, dilation=rate, padding_mode="reflect") for rate in rates
        )
        self.fuse = nn.Conv2d(part * len(rates), channels, 3, padding=1, padding_mode="reflect")
        self.gate = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        seen = self.fuse(torch.cat([torch.relu(branch(features)) for branch in self.branches], 1))
        gate = torch.sigmoid(spread(self.gate(features)))
        mixed: Tensor = features * (1 - gate) + seen * gate
        return mixed


class Doubled(nn.Module):
    """Twice the size, bilinearly with aligned corners, then a 3 x 3 convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        larger = functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=True)
        found: Tensor = self.conv(larger)
        return found


def spread(features: Tensor) -> Tensor:
    """Each channel to mean -5 and deviation 10 over the picture: a gate's sigmoid is then nearly 0 or 1, mostly 0."""
    wide = features.float()
    deviation, mean = torch.std_mean(wide, (2, 3), keepdim=True)
    return 5 * (2 * (wide - mean) / (deviation + 1e-9) - 1)


def blurred(mask: Tensor, sigma: float) -> Tensor:
    """(B, 1, H, W): the mask under a Gaussian of 3.5 deviations to each side; outside of the picture it is 0."""
    reach = math.ceil(3.5 * sigma)
    distance = torch.arange(-reach, reach + 1, device=mask.device, dtype=torch.float32)
    bell = torch.exp(-distance.square() / (2 * sigma**2))
    bell = bell / bell.sum()
    with torch.autocast(mask.device.type, enabled=False):
        rows = functional.conv2d(mask.float(), bell.view(1, 1, -1, 1), padding=(reach, 0))
        return functional.conv2d(rows, bell.view(1, 1, 1, -1), padding=(0, reach))
