"""LaMa: a generator whose layers see the whole picture from the first block on, for large holes.

Source: Suvorov et al., "Resolution-robust large mask inpainting with Fourier convolutions" (WACV 2022), sections 2 and
3, and the released code and configurations. We depart in
time: the generator runs once a step, and both networks step at its end, where the code runs it again for the
    discriminator.

Networks and losses work in [0, 1], as the published weights of losses expect; the boundary is in `forward`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.losses.adversarial import feature_matching, gradient_penalty, non_saturating
from trainers.losses.perceptual import wide_view
from trainers.losses.pixels import weighted_l1
from trainers.methods.base import Adam, Batch, Prediction, composite, padded
from trainers.networks.discriminators import FeaturePatch
from trainers.networks.ffc import FfcBlock, Parting, reflecting
from trainers.networks.resnet import DilatedResNet50
from trainers.networks.weights import ADE20K, load


@dataclass(frozen=True)
class LamaSettings:
    """Numbers of the paper's sections 2.3 and 3, and of the released configuration `lama-fourier`.

    Attributes:
        width: channels of the first layer; the blocks have eight times as many.
        num_blocks: residual blocks of two Fourier layers each.
        global_share: of the blocks' channels that are global.
        discriminator_width, discriminator_layers: channels of its first layer, and layers that double them.
        l1_weight: on known pixels only; the hole has none.
        adversarial_weight: of the generator's term alone.
        penalty_weight: of R1 on real pictures.
        matching_weight: of feature matching.
        perceptual_weight: of the loss over the ADE20K ResNet-50.
        perceptual: with that loss.
        ade20k: path of its weights.
        generator, discriminator: optimisers.
    """

    width: int = 64
    num_blocks: int = 9
    global_share: float = 0.75
    discriminator_width: int = 64
    discriminator_layers: int = 4
    l1_weight: float = 10.0
    adversarial_weight: float = 10.0
    penalty_weight: float = 0.001
    matching_weight: float = 100.0
    perceptual_weight: float = 30.0
    perceptual: bool = True
    ade20k: str = ""
    generator: Adam = Adam(1e-3)
    discriminator: Adam = Adam(1e-4)


class Lama:
    """LaMa-Fourier."""

    Settings: ClassVar[type[Any]] = LamaSettings
    defaults: ClassVar[Mapping[str, Any]] = {
        "size": 256,
        "train.batch": 30,
        "train.steps": 1_000_000,
        "train.clip": 1.0,
        "loader.mirror": True,
        "loader.area_range": (0.5, 1.0),
        "loader.rotate": 20.0,
        "loader.jitter": 0.05,
    }
    debug: ClassVar[Mapping[str, Any]] = {
        "method.width": 8,
        "method.num_blocks": 2,
        "method.discriminator_width": 16,
        "method.discriminator_layers": 3,
        "loader.rotate": 0.0,
    }
    multiple_of: ClassVar[int] = 8
    needs: ClassVar[frozenset[str]] = frozenset()
    averaged = ("generator",)
    twice_differentiated = frozenset({"discriminator"})

    def __init__(self, settings: LamaSettings, *, training: bool = True) -> None:
        self.settings = settings
        self.networks: dict[str, nn.Module] = {"generator": Generator(settings)}
        self.frozen: dict[str, nn.Module] = {}
        if training:
            width, layers = settings.discriminator_width, settings.discriminator_layers
            self.networks["discriminator"] = FeaturePatch(width, layers, widest=8 * width)
        if training and settings.perceptual:
            self.frozen["ade20k"] = load(DilatedResNet50(), ADE20K, settings.ade20k)
        self.turn_networks = {"discriminator": ("discriminator",), "generator": ("generator",)}
        self.optimisers = {"discriminator": settings.discriminator, "generator": settings.generator}
        self.notes = () if settings.perceptual else ("without the perceptual loss over the ADE20K ResNet-50",)

    @staticmethod
    def least_size(settings: LamaSettings) -> int:  # noqa: ARG004  # the interface fixes the arguments
        """Reflecting at an eighth of the size needs two pixels."""
        return 16

    def turns(self, step: int) -> tuple[str, ...]:  # noqa: ARG002  # every step is alike
        return ("discriminator", "generator")

    def forward(self, batch: Batch) -> Prediction:
        black = _unit(batch.image) * (1 - batch.mask)
        raw = 2 * self.networks["generator"](torch.cat([black, batch.mask], 1)).float() - 1
        return Prediction(raw, composite(raw, batch))

    def losses(self, turn: str, batch: Batch, prediction: Prediction) -> dict[str, Tensor]:
        image, raw = _unit(batch.image), _unit(prediction.raw)
        if turn == "discriminator":
            return self._judge(image, raw.detach(), batch.mask)
        settings = self.settings
        scores, fake = self.networks["discriminator"](raw)
        with torch.no_grad():
            _, real = self.networks["discriminator"](image)
        terms = {
            "l1": settings.l1_weight * weighted_l1(raw, image, 1 - batch.mask),
            "adversarial": settings.adversarial_weight * non_saturating(scores).mean(),
            "matching": settings.matching_weight * feature_matching(real, fake),
        }
        if "ade20k" in self.frozen:
            terms["perceptual"] = settings.perceptual_weight * wide_view(self.frozen["ade20k"], raw, image)
        return terms

    def inpaint(self, batch: Batch) -> Tensor:
        height, width = batch.image.shape[-2:]
        raw = self.forward(padded(batch, self.multiple_of, self.least_size(self.settings))).raw[..., :height, :width]
        return composite(raw, batch)

    def _judge(self, image: Tensor, raw: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Real pictures are real; of predictions, what was missing is not, and what was known is."""
        image = image.detach().requires_grad_()
        real, _ = self.networks["discriminator"](image)
        fake, _ = self.networks["discriminator"](raw)
        missing = functional.interpolate(mask, fake.shape[-2:], mode="nearest")
        said = missing * non_saturating(-fake) + (1 - missing) * non_saturating(fake)
        return {
            "adversarial": non_saturating(real).mean() + said.mean(),
            "penalty": self.settings.penalty_weight * gradient_penalty(real, image),
        }


class BigLama(Lama):
    """Big-LaMa: twice the blocks, for larger sets and batches."""

    defaults: ClassVar[Mapping[str, Any]] = {**Lama.defaults, "train.batch": 120, "method.num_blocks": 18}
    debug: ClassVar[Mapping[str, Any]] = {**Lama.debug, "method.num_blocks": 4}


class Generator(nn.Module):
    """From black-filled picture and mask (B, 4, H, W) to (B, 3, H, W), all in [0, 1]; both sides are multiples of 8."""

    def __init__(self, settings: LamaSettings) -> None:
        super().__init__()
        width = settings.width
        wide = int(8 * width * settings.global_share)
        local = 8 * width - wide
        self.encoder = nn.Sequential(
            *_normalised(reflecting(4, width, 7)),
            *_normalised(reflecting(width, 2 * width, 3, stride=2)),
            *_normalised(reflecting(2 * width, 4 * width, 3, stride=2)),
        )
        self.parting = Parting(4 * width, local, wide)
        self.middle = nn.Sequential(*(FfcBlock(local, wide) for _ in range(settings.num_blocks)))
        self.decoder = nn.Sequential(
            *_normalised(_doubled(8 * width, 4 * width)),
            *_normalised(_doubled(4 * width, 2 * width)),
            *_normalised(_doubled(2 * width, width)),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
        )

    def forward(self, features: Tensor) -> Tensor:
        branches = self.middle(self.parting(self.encoder(features)))
        return torch.sigmoid(self.decoder(torch.cat(branches, 1)))


def _normalised(conv: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()


def _doubled(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels_out, 3, stride=2, padding=1, output_padding=1)


def _unit(image: Tensor) -> Tensor:
    """From [-1, 1] to [0, 1]."""
    return (image + 1) / 2
