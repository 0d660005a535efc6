"""Fast Fourier convolutions: layers with a local branch, and a global one that sees the whole picture at once.

Source: Chi et al., "Fast Fourier Convolution" (NeurIPS 2020), as LaMa uses them (Suvorov et al., WACV 2022, section
2.1): without the local Fourier unit, with
reflecting borders and an orthonormal transform. We depart in precision only: transforms run in float32 whatever
autocast says, since half precision overflows there and most sizes are refused.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Branches = tuple[Tensor, Tensor]
"""Local and global channels, both (B, C, H, W)."""


class FourierUnit(nn.Module):
    """A 1 x 1 convolution over frequencies, so each output pixel depends on all of the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)

    def forward(self, features: Tensor) -> Tensor:
        batch, channels, height, width = features.shape
        with torch.autocast(features.device.type, enabled=False):
            spectrum = torch.fft.rfft2(features.float(), norm="ortho")
            # Real and imaginary parts of a channel stand side by side.
            stacked = torch.view_as_real(spectrum).permute(0, 1, 4, 2, 3)
            mixed = self.conv(stacked.reshape(batch, 2 * channels, height, -1))
            mixed = torch.relu(self.norm(mixed)).reshape(batch, channels, 2, height, -1).permute(0, 1, 3, 4, 2)
            found: Tensor = torch.fft.irfft2(torch.view_as_complex(mixed.contiguous()), s=(height, width), norm="ortho")
        return found


class SpectralTransform(nn.Module):
    """A Fourier unit at half the channels, with a shortcut around it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        half = channels_out // 2
        self.narrow = nn.Sequential(nn.Conv2d(channels_in, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU())
        self.fourier = FourierUnit(half)
        self.widen = nn.Conv2d(half, channels_out, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        narrow = self.narrow(features)
        widened: Tensor = self.widen(narrow + self.fourier(narrow))
        return widened


class Ffc(nn.Module):
    """One layer on both branches: convolutions between them, a spectral transform on the global one, BN and ReLU."""

    def __init__(self, local: int, wide: int) -> None:
        super().__init__()
        self.local_to_local = reflecting(local, local, 3)
        self.local_to_global = reflecting(local, wide, 3)
        self.global_to_local = reflecting(wide, local, 3)
        self.global_to_global = SpectralTransform(wide, wide)
        self.local_norm, self.global_norm = nn.BatchNorm2d(local), nn.BatchNorm2d(wide)

    def forward(self, branches: Branches) -> Branches:
        local, wide = branches
        local_out = self.local_to_local(local) + self.global_to_local(wide)
        global_out = self.local_to_global(local) + self.global_to_global(wide)
        return torch.relu(self.local_norm(local_out)), torch.relu(self.global_norm(global_out))


class FfcBlock(nn.Module):
    """Two layers and a shortcut, on each branch."""

    def __init__(self, local: int, wide: int) -> None:
        super().__init__()
        self.first, self.second = Ffc(local, wide), Ffc(local, wide)

    def forward(self, branches: Branches) -> Branches:
        local, wide = self.second(self.first(branches))
        return branches[0] + local, branches[1] + wide


class Parting(nn.Module):
    """A convolution that halves the picture and ends in two branches."""

    def __init__(self, channels: int, local: int, wide: int) -> None:
        super().__init__()
        self.to_local = reflecting(channels, local, 3, stride=2)
        self.to_global = reflecting(channels, wide, 3, stride=2)
        self.local_norm, self.global_norm = nn.BatchNorm2d(local), nn.BatchNorm2d(wide)

    def forward(self, features: Tensor) -> Branches:
        local, wide = self.local_norm(self.to_local(features)), self.global_norm(self.to_global(features))
        return torch.relu(local), torch.relu(wide)


def reflecting(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias whose borders reflect."""
    padding = kernel // 2
    return nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False, padding_mode="reflect")
