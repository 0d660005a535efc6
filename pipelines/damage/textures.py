"""Textures drawn by code: what a patch that lies over a picture may look like."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Picture
from pipelines.damage.holes import Color

Shares = NDArray[np.floating]
"""(h, w) how much of the second colour is seen, 0 to 1."""


class Texture(NamedTuple):
    """One texture.

    Attributes:
        kind: of `TEXTURES`.
        seed: of what varies.
        cell: size of what repeats in pixels.
        angle: in thousandths of a radian.
        colors: two.
    """

    kind: str
    seed: int
    cell: float
    angle: int
    colors: tuple[Color, Color]


def textured(texture: Texture, height: int, width: int, x: int = 0, y: int = 0) -> Picture:
    """A rectangle of a texture, (height, width, 3).

    Args:
        x, y: of its upper left corner, so that a part is the same as in the whole.
    """
    cos, sin = math.cos(texture.angle / 1000), math.sin(texture.angle / 1000)
    across = (np.arange(width, dtype=np.float32)[None] + np.float32(x)) * np.float32(1 / texture.cell)
    down = (np.arange(height, dtype=np.float32)[:, None] + np.float32(y)) * np.float32(1 / texture.cell)
    u, v = across * np.float32(cos) + down * np.float32(sin), down * np.float32(cos) - across * np.float32(sin)
    rough = noise.fractal(noise.from_seed(texture.seed), height, width, max(2.0, texture.cell), 1, 0.6)
    share = TEXTURES[texture.kind](u, v, rough.astype(np.float32) * np.float32(1 / 4096))
    levels = np.clip(share * 255, 0, 255).astype(np.uint8)
    # A table of colours between both: a third of the time of mixing in floats.
    tables = [noise.table((0, one), (255, other)) for one, other in zip(*texture.colors, strict=True)]
    return cv2.merge([cv2.LUT(levels, table) for table in tables])  # type: ignore[return-value]


def _noise(u: Shares, v: Shares, rough: Shares) -> Shares:  # noqa: ARG001
    return 0.5 + 0.45 * rough


def _marble(u: Shares, v: Shares, rough: Shares) -> Shares:
    """Veins along bent lines; Perlin, An image synthesizer (1985)."""
    return (0.5 + 0.5 * np.sin((u + 0.3 * v) * 3 + rough * 5)) ** 2


def _stripes(u: Shares, v: Shares, rough: Shares) -> Shares:  # noqa: ARG001
    return _edge(np.abs(np.remainder(u, 1) - 0.5) - 0.25, u) + 0.08 * rough


def _checks(u: Shares, v: Shares, rough: Shares) -> Shares:
    one = _edge(np.abs(np.remainder(u, 1) - 0.5) - 0.25, u)
    other = _edge(np.abs(np.remainder(v, 1) - 0.5) - 0.25, u)
    return one + other - 2 * one * other + 0.08 * rough


def _gingham(u: Shares, v: Shares, rough: Shares) -> Shares:
    one = _edge(np.abs(np.remainder(u, 1) - 0.5) - 0.25, u)
    other = _edge(np.abs(np.remainder(v, 1) - 0.5) - 0.25, u)
    return (one + other) / 2 + 0.06 * rough


def _weave(u: Shares, v: Shares, rough: Shares) -> Shares:
    """Threads over and under each other, each round."""
    u, v = u * 4, v * 4
    over = np.remainder(np.floor(u) + np.floor(v), 2) > 0
    place = np.where(over, np.remainder(u, 1), np.remainder(v, 1)) - 0.5
    along = np.where(over, np.remainder(v, 1), np.remainder(u, 1)) - 0.5
    round_off = np.sqrt(np.maximum(1 - 3 * place * place, 0)) * (1 - 0.9 * along * along)
    threads: Shares = np.clip(round_off * (0.8 + 0.2 * over) + 0.1 * rough, 0, 1)
    return threads


def _dots(u: Shares, v: Shares, rough: Shares) -> Shares:
    off_u, off_v = np.remainder(u, 1) - 0.5, np.remainder(v, 1) - 0.5
    return _edge(0.3 - np.sqrt(off_u * off_u + off_v * off_v), u) + 0.06 * rough


def _gradient(u: Shares, v: Shares, rough: Shares) -> Shares:  # noqa: ARG001
    low, high = float(u.min()), float(u.max())
    return (u - np.float32(low)) * np.float32(1 / max(high - low, 1e-6)) + 0.05 * rough


def _plain(u: Shares, v: Shares, rough: Shares) -> Shares:  # noqa: ARG001
    return 0.1 + 0.1 * rough


def _edge(distance: Shares, u: Shares) -> Shares:
    """1 above 0 and 0 below, over a pixel.

    Args:
        distance: in cells.
        u: places in cells, from which the size of a pixel follows.
    """
    pixel = abs(float(u[0, 1] - u[0, 0])) if u.shape[1] > 1 else 1.0
    if u.shape[0] > 1:
        pixel = math.hypot(pixel, float(u[1, 0] - u[0, 0]))
    edge: Shares = np.clip(distance * np.float32(1 / max(pixel, 1e-6)) + np.float32(0.5), 0, 1)
    return edge


TEXTURES: dict[str, Callable[[Shares, Shares, Shares], Shares]] = {
    "noise": _noise,
    "marble": _marble,
    "stripes": _stripes,
    "checks": _checks,
    "gingham": _gingham,
    "weave": _weave,
    "dots": _dots,
    "gradient": _gradient,
    "plain": _plain,
}
