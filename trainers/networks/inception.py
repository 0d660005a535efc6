"""Inception-v3 as it was ported for FID: what gives the 2048 features over which distances of sets are measured."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

Size = int | tuple[int, int]


class Conv(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def _across(inputs: int, outputs: int, side: int) -> Conv:
    return Conv(inputs, outputs, (1, side), padding=(0, side // 2))


def _down(inputs: int, outputs: int, side: int) -> Conv:
    return Conv(inputs, outputs, (side, 1), padding=(side // 2, 0))


class Block(nn.Module):
    """Branches side by side; the names of their convolutions are those of the published weights.

    Args:
        convolutions: by name.
        branches: names of convolutions in a row; of a tuple at the end, each runs on what came before it.
        pool: `mean` leaves out what lies beyond the edge, as TensorFlow does; `max`; `max/2` halves the size. Followed
            by `branch_pool` where there is one.
    """

    def __init__(
        self, convolutions: Mapping[str, Conv], branches: tuple[tuple[str | tuple[str, ...], ...], ...], pool: str
    ) -> None:
        super().__init__()
        for name, convolution in convolutions.items():
            self.add_module(name, convolution)
        self.branches, self.pool = branches, pool

    def forward(self, x: Tensor) -> Tensor:
        outputs = [output for branch in self.branches for output in self._run(branch, x)]
        pooled = self._pooled(x)
        if hasattr(self, "branch_pool"):
            pooled = self.get_submodule("branch_pool")(pooled)
        return torch.cat([*outputs, pooled], 1)

    def _run(self, branch: tuple[str | tuple[str, ...], ...], x: Tensor) -> list[Tensor]:
        for step in branch:
            if isinstance(step, tuple):
                return [self.get_submodule(name)(x) for name in step]
            x = self.get_submodule(step)(x)
        return [x]

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "mean":
            return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return functional.max_pool2d(x, 3, 2) if self.pool == "max/2" else functional.max_pool2d(x, 3, 1, 1)


def _a(inputs: int, pooled: int) -> Block:
    return Block(
        {
            "branch1x1": Conv(inputs, 64, 1),
            "branch5x5_1": Conv(inputs, 48, 1),
            "branch5x5_2": Conv(48, 64, 5, padding=2),
            "branch3x3dbl_1": Conv(inputs, 64, 1),
            "branch3x3dbl_2": Conv(64, 96, 3, padding=1),
            "branch3x3dbl_3": Conv(96, 96, 3, padding=1),
            "branch_pool": Conv(inputs, pooled, 1),
        },
        (("branch1x1",), ("branch5x5_1", "branch5x5_2"), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")),
        "mean",
    )


def _b(inputs: int) -> Block:
    return Block(
        {
            "branch3x3": Conv(inputs, 384, 3, 2),
            "branch3x3dbl_1": Conv(inputs, 64, 1),
            "branch3x3dbl_2": Conv(64, 96, 3, padding=1),
            "branch3x3dbl_3": Conv(96, 96, 3, 2),
        },
        (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")),
        "max/2",
    )


def _c(inputs: int, narrow: int) -> Block:
    return Block(
        {
            "branch1x1": Conv(inputs, 192, 1),
            "branch7x7_1": Conv(inputs, narrow, 1),
            "branch7x7_2": _across(narrow, narrow, 7),
            "branch7x7_3": _down(narrow, 192, 7),
            "branch7x7dbl_1": Conv(inputs, narrow, 1),
            "branch7x7dbl_2": _down(narrow, narrow, 7),
            "branch7x7dbl_3": _across(narrow, narrow, 7),
            "branch7x7dbl_4": _down(narrow, narrow, 7),
            "branch7x7dbl_5": _across(narrow, 192, 7),
            "branch_pool": Conv(inputs, 192, 1),
        },
        (
            ("branch1x1",),
            tuple(f"branch7x7_{number}" for number in range(1, 4)),
            tuple(f"branch7x7dbl_{number}" for number in range(1, 6)),
        ),
        "mean",
    )


def _d(inputs: int) -> Block:
    return Block(
        {
            "branch3x3_1": Conv(inputs, 192, 1),
            "branch3x3_2": Conv(192, 320, 3, 2),
            "branch7x7x3_1": Conv(inputs, 192, 1),
            "branch7x7x3_2": _across(192, 192, 7),
            "branch7x7x3_3": _down(192, 192, 7),
            "branch7x7x3_4": Conv(192, 192, 3, 2),
        },
        (("branch3x3_1", "branch3x3_2"), tuple(f"branch7x7x3_{number}" for number in range(1, 5))),
        "max/2",
    )


def _e(inputs: int, pool: str) -> Block:
    return Block(
        {
            "branch1x1": Conv(inputs, 320, 1),
            "branch3x3_1": Conv(inputs, 384, 1),
            "branch3x3_2a": _across(384, 384, 3),
            "branch3x3_2b": _down(384, 384, 3),
            "branch3x3dbl_1": Conv(inputs, 448, 1),
            "branch3x3dbl_2": Conv(448, 384, 3, padding=1),
            "branch3x3dbl_3a": _across(384, 384, 3),
            "branch3x3dbl_3b": _down(384, 384, 3),
            "branch_pool": Conv(inputs, 192, 1),
        },
        (
            ("branch1x1",),
            ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b")),
            ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")),
        ),
        pool,
    )


class Inception(nn.Module):
    """Pictures to their 2048 features before the classes.

    Source: Szegedy et al., Rethinking the Inception architecture (CVPR 2016), as the weights of FID have it: mean
    pooling leaves out what lies beyond the edge, and the last block pools by the maximum.
    """

    SIDE = 299

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a = _b(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (
            _c(768, narrow) for narrow in (128, 160, 160, 192)
        )
        self.Mixed_7a = _d(768)
        self.Mixed_7b, self.Mixed_7c = _e(1280, "mean"), _e(2048, "max")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 2048) of pictures (B, 3, H, W) in [-1, 1], of any size: they are scaled to 299 bilinearly."""
        x = functional.interpolate(image, (self.SIDE, self.SIDE), mode="bilinear", align_corners=False)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, 2)))
        x = functional.max_pool2d(x, 3, 2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean((2, 3))
