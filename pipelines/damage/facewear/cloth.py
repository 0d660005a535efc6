"""The cloth of a face mask, flat: its colour or print, folds, seams, hems and creases.

A cloth is a picture whose width runs from ear to ear and whose height from the nose to the chin. Relief is drawn as
light, from above, since on a face that is where light comes from mostly; what bends with the face is lit elsewhere.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.damage import noise
from pipelines.damage.base import Picture
from pipelines.damage.facewear.patterns import PRINTS
from pipelines.damage.facewear.shapes import Style
from pipelines.damage.holes import Color
from pipelines.damage.pools import Item
from pipelines.damage.relief import flat

Light = NDArray[np.floating]
"""(H, W), 1 where nothing is lit or shaded."""

_FOLDS = (0.42, 0.59, 0.76)
_LEAST_TEXT = 180
"""Pixels of a cloth's height from which on print on it can be read as such."""


def drawn(style: Style, colours: tuple[Color, ...], pattern: str, seed: int, light: Light) -> Picture:
    """A cloth, (H, W, 3).

    Args:
        style: kind of mask.
        colours: the one it has, or the three of its print.
        pattern: a name of `PRINTS`, or "".
        seed: of print and folds.
        light: (H, W) that falls on it.
    """
    rng = noise.from_seed(seed)
    height, width = light.shape
    ground = PRINTS[pattern](rng, height, width, colours) if pattern else flat(colours[0], height, width)
    return lit(ground, relief(style, rng, height, width, bool(pattern)) * light)


def templated(item: Item, light: Light, white: Color, saturation: int) -> NDArray[np.uint8]:
    """A picture of a cloth from a pool, (H, W, 3), or (H, W, 4) where parts of it are transparent.

    Args:
        light: (H, W) that falls on it.
        white, saturation: as of `Worn`.
    """
    height, width = light.shape
    picture = cv2.resize(item.rgba, (width, height), interpolation=cv2.INTER_AREA)
    colour = picture[..., :3].astype(np.float32)
    if saturation < 100:  # percent
        grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)[..., None]
        colour = grey + (colour - grey) * np.float32(saturation / 100)
    shown = lit(colour * (np.array(white, np.float32) / 255), light)
    return cv2.merge((*cv2.split(shown), picture[..., 3].copy())) if item.has_alpha else shown  # type: ignore[return-value]


def lit(cloth: NDArray[np.uint8] | NDArray[np.floating], light: Light) -> Picture:
    """A cloth under light; dark cloth shows it less in numbers, but shows it."""
    shown = cloth * light[..., None] + (light[..., None] - 1) * 18
    return np.clip(shown + 0.5, 0, 255).astype(np.uint8)


def relief(style: Style, rng: np.random.Generator, height: int, width: int, is_print: bool = False) -> Light:
    """Light on what stands out of a cloth or is folded into it."""
    v = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    u = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)[None, :]
    light: Light = _creases(rng, u, v, 0.09 if style in ("surgical", "cloth", "patterned") else 0.035)
    if style == "surgical":
        light *= _pleats(rng, u, v) * _hems(u, v) * _wire(u, v)
    elif style == "kn95":
        light *= _seam(u, v, 0.10) * _welds(u, v, width) * _wire(u, v)
        _text(light, "KN95", 0.66)
    elif style == "n95":
        light *= _embossed(v, u) * _welds(u, v, width)
        _text(light, "N95", 0.44)
    else:
        light = np.asarray(light * _hems(u, v) * _weave(rng, height, width), np.float32)
        if not is_print and rng.random() < 0.6:
            light *= _seam(u, v, 0.07)
        elif rng.random() < 0.5:
            light *= _pleats(rng, u, v)
    return light.astype(np.float32)


def _creases(rng: np.random.Generator, u: Light, v: Light, strength: float) -> Light:
    """Soft folds along the cloth, and sharper ones where it is gathered at the sides."""
    height, width = v.shape[0], u.shape[1]
    long = noise.fractal(rng, height, max(2, width // 4), height / 5, height / 40, 0.55)
    soft = cv2.resize(long.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    slope = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    steep = max(float(np.abs(slope).mean()), 1e-6)
    sides = np.abs(u) ** 3
    waves = rng.uniform(4, 7) * v + 0.35 * soft / noise.AMPLITUDE
    gathered = np.sin(2 * math.pi * waves + rng.uniform(0, 6)) * sides
    light: Light = 1 + strength * (0.30 * np.clip(slope / steep, -2.5, 2.5) * (0.55 + sides) + 0.9 * gathered)
    return light


def _pleats(rng: np.random.Generator, u: Light, v: Light) -> Light:
    """Three folds: lighter above each edge, a thin dark line at it, and its shadow below."""
    light = np.ones((v.shape[0], u.shape[1]), np.float32)
    for middle in _FOLDS:
        edge = middle + rng.uniform(-0.012, 0.012) + rng.uniform(-0.012, 0.012) * u + 0.01 * u**2
        below = v - edge
        light += 0.05 * np.exp(-(((below + 0.035) / 0.03) ** 2))
        light -= 0.17 * np.exp(-(((below - 0.003) / 0.009) ** 2))
        light -= 0.10 * np.where(below > 0, np.exp(-below / 0.045), 0)
    return light


def _hems(u: Light, v: Light) -> Light:
    """A strip along each edge, with the line of its stitches."""
    edge = np.minimum(np.minimum(v, 1 - v) / 0.07, (1 - np.abs(u)) / 0.09)
    light: Light = 1 - 0.10 * np.exp(-(((edge - 1) / 0.16) ** 2)) + 0.03 * (edge < 1)
    return light - 0.12 * np.clip(1 - edge / 0.18, 0, 1)


def _wire(u: Light, v: Light) -> Light:
    """The wire over the nose, felt through the cloth."""
    near = np.clip((0.34 - np.abs(u)) / 0.05, 0, 1)
    light: Light = 1 + near * (
        0.07 * np.exp(-(((v - 0.047) / 0.012) ** 2)) - 0.10 * np.exp(-(((v - 0.075) / 0.01) ** 2))
    )
    return light


def _seam(u: Light, v: Light, strength: float) -> Light:
    light: Light = (
        1 - strength * np.exp(-((u / 0.014) ** 2)) + 0.5 * strength * np.exp(-(((np.abs(u) - 0.035) / 0.016) ** 2))
    )
    return light + 0 * v


def _welds(u: Light, v: Light, width: int) -> Light:
    """Rows of pressed points along the edge."""
    edge = np.minimum(np.minimum(v, 1 - v) / 0.06, (1 - np.abs(u)) / 0.07)
    line = np.exp(-(((edge - 0.75) / 0.22) ** 2))
    points = 0.5 + 0.5 * np.sin(2 * math.pi * (u + v) * min(40.0, width / 8))
    light: Light = 1 - 0.11 * line * points - 0.10 * np.clip(1 - edge / 0.2, 0, 1)
    return light


def _embossed(v: Light, u: Light) -> Light:
    """Two lines across a cup, and the clip over its nose."""
    light = np.ones((v.shape[0], u.shape[1]), np.float32)
    for middle, bend in ((0.30, 0.08), (0.68, -0.06)):
        below = v - middle - bend * u**2
        light += 0.07 * np.exp(-(((below + 0.012) / 0.009) ** 2)) - 0.09 * np.exp(-(((below - 0.006) / 0.01) ** 2))
    clip = (np.abs(u) < 0.24) & (np.abs(v - 0.07) < 0.022)
    return np.where(clip, 0.74 + 2.5 * (0.09 - v), light).astype(np.float32)


def _weave(rng: np.random.Generator, height: int, width: int) -> Light:
    """Threads, or the ribs of a knit, as far as pixels show them."""
    ribs, fine = rng.random() < 0.3, rng.uniform(60, 90)
    x = np.sin(2 * math.pi * np.arange(width) * (fine / height))[None, :]
    y = np.sin(2 * math.pi * np.arange(height) * (fine / height))[:, None]
    threads = 1 + (0.035 * x + 0 * y if ribs else 0.025 * x * y)
    return np.asarray(threads, np.float32)


def _text(light: Light, text: str, across: float) -> None:
    """Faint print on the cloth's side, changed in place; too small to be seen it is left out."""
    height, width = light.shape
    if height < _LEAST_TEXT:
        return
    scale = height / 560
    place = round(width * (0.5 + across / 2) - 30 * scale), round(height * 0.52)
    ink = np.zeros(light.shape, np.uint8)
    cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA)
    light *= 1 - 0.28 / 255 * ink.astype(np.float32)
